/** Brokers and bridges that run outside the fabric. */
module ai.greentic.events.runner {
    requires transitive ai.greentic.events;
    requires org.jspecify;
    requires org.slf4j;
    requires tools.jackson.core;

    exports ai.greentic.events.runner;

    provides ai.greentic.events.spi.ProviderFactory with
            ai.greentic.events.runner.ProcessProviderFactory;
}
