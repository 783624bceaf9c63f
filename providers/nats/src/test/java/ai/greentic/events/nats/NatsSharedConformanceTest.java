package ai.greentic.events.nats;

/** The whole kit on the subjects of other Greentic programs, kept in a stream that survives loss of power. */
class NatsSharedConformanceTest extends NatsConformanceTest {
    @Override
    String mode() {
        return "shared";
    }

    @Override
    String powerLossTest() {
        return "ai.greentic.events.nats.NatsPowerLossTest#P1_lossOfPowerKeepsEveryReceipt";
    }
}
