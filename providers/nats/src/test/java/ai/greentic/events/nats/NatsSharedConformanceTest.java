package ai.greentic.events.nats;

/** The whole kit on the subjects of other Greentic programs, kept in a stream. */
class NatsSharedConformanceTest extends NatsConformanceTest {
    @Override
    String mode() {
        return "shared";
    }
}
