/** Apache Kafka as a provider. */
@SuppressWarnings("requires-automatic")
module ai.greentic.events.kafka {
    requires transitive ai.greentic.events;
    requires kafka.clients;
    requires org.jspecify;
    requires org.slf4j;

    exports ai.greentic.events.kafka;

    provides ai.greentic.events.spi.ProviderFactory with
            ai.greentic.events.kafka.KafkaProviderFactory;
}
