/** The greentic-events command. */
module ai.greentic.events.cli {
    requires ai.greentic.events.embedded;
    requires ai.greentic.events;
    requires ai.greentic.events.config;
    requires ai.greentic.events.harness;
    requires ai.greentic.events.oci;
    requires ai.greentic.events.pack;
    requires transitive ch.qos.logback.classic;
    requires transitive ch.qos.logback.core;
    requires info.picocli;
    requires io.opentelemetry.api;
    requires io.opentelemetry.sdk;
    requires io.opentelemetry.sdk.common;
    requires io.opentelemetry.sdk.metrics;
    requires io.opentelemetry.sdk.trace;
    requires io.opentelemetry.exporter.otlp;
    requires io.opentelemetry.exporter.logging;
    requires org.jspecify;
    requires org.slf4j;

    opens ai.greentic.events.cli to
            info.picocli;

    exports ai.greentic.events.cli;

    provides ch.qos.logback.classic.spi.Configurator with
            ai.greentic.events.cli.LogConfiguration;
}
