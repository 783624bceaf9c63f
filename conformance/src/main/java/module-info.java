/** The kits that providers and stores must pass, as JUnit classes to extend. */
module ai.greentic.events.conformance {
    requires transitive ai.greentic.events;
    requires transitive ai.greentic.events.testing;
    requires transitive org.junit.jupiter.api;
    requires org.assertj.core;
    requires ch.qos.logback.classic;
    requires ch.qos.logback.core;
    requires org.slf4j;
    requires org.jspecify;

    exports ai.greentic.events.conformance;

    opens ai.greentic.events.conformance to
            org.junit.platform.commons;
}
