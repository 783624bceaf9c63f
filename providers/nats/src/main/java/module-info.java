/** NATS JetStream as a provider. */
module ai.greentic.events.nats {
    requires transitive ai.greentic.events;
    requires io.nats.jnats;
    requires org.jspecify;
    requires org.slf4j;

    exports ai.greentic.events.nats;

    provides ai.greentic.events.spi.ProviderFactory with
            ai.greentic.events.nats.NatsProviderFactory;
}
