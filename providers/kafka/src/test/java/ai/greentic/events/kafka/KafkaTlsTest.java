package ai.greentic.events.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.EventsException;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.conformance.TestCertificate;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Brokers that encrypt, and ask for certificates. */
@Timeout(90)
class KafkaTlsTest {
    @TempDir
    Path directory;

    private static EventBus bus(Map<String, ?> settings) {
        return EventBus.builder()
                .providerFactory(new KafkaProviderFactory())
                .provider("kafka", "kafka", "*")
                .providerSettings(null, "kafka", settings)
                .publishTimeout(Duration.ofSeconds(5))
                .build();
    }

    @Test
    void bothSidesAreBelievedByTheirCertificatesAlone() throws Exception {
        TestCertificate own = TestCertificate.of(directory, "ip:127.0.0.1");
        TestCertificate client = TestCertificate.of(directory, "dns:client.example");
        int encrypted = KafkaServer.freePort();
        KafkaServer broker = KafkaServer.encrypted(directory, encrypted, own, client);
        try {
            Map<String, Object> settings = new HashMap<>(Map.of(
                    "servers",
                    "127.0.0.1:" + encrypted,
                    "tls",
                    true,
                    "partitions",
                    2,
                    "trusted_certificates",
                    own.certificate(),
                    "certificate",
                    client.certificate(),
                    "certificate_key",
                    client.key()));
            TenantContext acme = TenantContext.of("test", "acme");
            try (EventBus bus = bus(settings)) {
                assertThat(bus.publish(acme, "a.b", 1).durable()).isTrue();
            }
            settings.put("trusted_certificates", client.certificate());
            refused(settings);
            settings.put("trusted_certificates", own.certificate());
            settings.put("certificate", own.certificate());
            settings.put("certificate_key", own.key());
            refused(settings);
        } finally {
            broker.kill();
        }
    }

    private static void refused(Map<String, ?> settings) {
        try (EventBus bus = bus(settings)) {
            assertThatThrownBy(() -> bus.publish(TenantContext.of("test", "acme"), "a.b", 1))
                    .isInstanceOf(EventsException.class)
                    .hasMessageContaining("certificate");
        }
    }
}
