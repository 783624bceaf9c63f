/** The multi-tenant event fabric: vocabulary, SPI, policies, engine, codec and the in-memory provider. */
module ai.greentic.events {
    requires transitive org.jspecify;
    requires transitive io.opentelemetry.api;
    requires io.opentelemetry.context;
    requires org.slf4j;
    requires tools.jackson.core;
    requires static tools.jackson.databind;
    requires static com.fasterxml.jackson.databind;

    exports ai.greentic.events;
    exports ai.greentic.events.access;
    exports ai.greentic.events.bridge;
    exports ai.greentic.events.bus;
    exports ai.greentic.events.codec;
    exports ai.greentic.events.delivery;
    exports ai.greentic.events.memory;
    exports ai.greentic.events.routing;
    exports ai.greentic.events.spi;

    uses ai.greentic.events.PayloadMapper;
    uses ai.greentic.events.spi.ProviderFactory;
    uses ai.greentic.events.spi.StateStoreFactory;

    provides ai.greentic.events.PayloadMapper with
            ai.greentic.events.json.Jackson3PayloadMapper,
            ai.greentic.events.json.Jackson2PayloadMapper;
    provides ai.greentic.events.spi.ProviderFactory with
            ai.greentic.events.memory.MemoryProviderFactory;
}
