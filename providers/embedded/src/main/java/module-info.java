/** The default provider and the durable stores: one SQLite file, no server. */
module ai.greentic.events.embedded {
    requires transitive ai.greentic.events;
    requires org.jspecify;
    requires java.sql;
    requires org.slf4j;
    requires org.xerial.sqlitejdbc;

    exports ai.greentic.events.embedded;

    provides ai.greentic.events.spi.ProviderFactory with
            ai.greentic.events.embedded.EmbeddedProviderFactory;
    provides ai.greentic.events.spi.StateStoreFactory with
            ai.greentic.events.embedded.EmbeddedStoreFactory;
}
