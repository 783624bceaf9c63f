package ai.greentic.events.nats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.codec.EnvelopeCodec;
import io.nats.client.Connection;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Subscription;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Other Greentic programs on the same subjects, by a plain client. */
@Timeout(60)
class NatsInteropTest {
    private static final TenantContext ACME = TenantContext.of("prod", "acme");

    @TempDir
    Path directory;

    private NatsServer server;
    private Connection plain;
    private EventBus bus;

    @BeforeEach
    void start() throws Exception {
        server = new NatsServer(directory);
        plain = Nats.connect(server.url());
        bus = EventBus.builder()
                .providerFactory(new NatsProviderFactory())
                .provider("nats", "nats", "*")
                .providerSettings(null, "nats", Map.of("url", server.url(), "mode", "core"))
                .build();
    }

    @AfterEach
    void stop() throws Exception {
        bus.close();
        plain.close();
        server.kill();
    }

    private static String envelope(String env, String tenant, int number) {
        return "{\"id\":\"evt-" + number
                + "\",\"topic\":\"sorla.crm.Customer.created\",\"type\":\"com.greentic.sorla.entity.created.v1\",\"source\":\"sorx:crm:1\",\"tenant\":{\"env\":\""
                + env + "\",\"tenant\":\"" + tenant + "\",\"tenant_id\":\"" + tenant
                + "\",\"attempt\":0},\"time\":\"2026-01-05T10:00:00Z\",\"payload\":{\"n\":" + number
                + "},\"metadata\":{\"idempotency_key\":\"k" + number + "\"}}";
    }

    /** The subject says whose an event is; an envelope that claims another tenant is nobody's, and neither is one of another environment. */
    @Test
    void P4_whatAPlainClientPublishesIsReceivedByItsTenantAlone() throws Exception {
        List<EventEnvelope> acme = new CopyOnWriteArrayList<>();
        List<EventEnvelope> globex = new CopyOnWriteArrayList<>();
        bus.subscribe(ACME, "sorla.*", delivery -> acme.add(delivery.event()))
                .ready()
                .get(30, TimeUnit.SECONDS);
        bus.subscribe(TenantContext.of("prod", "globex"), "sorla.*", delivery -> globex.add(delivery.event()))
                .ready()
                .get(30, TimeUnit.SECONDS);
        String subject = "greentic.events.acme.sorla.crm.Customer.created";
        plain.publish(subject, envelope("prod", "globex", 1).getBytes(StandardCharsets.UTF_8));
        plain.publish(subject, envelope("dev", "acme", 2).getBytes(StandardCharsets.UTF_8));
        plain.publish(subject, "rubbish".getBytes(StandardCharsets.UTF_8));
        plain.publish(subject, envelope("prod", "acme", 3).getBytes(StandardCharsets.UTF_8));
        plain.flush(Duration.ofSeconds(10));
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (acme.isEmpty() && System.nanoTime() < end) {
            Thread.sleep(10);
        }
        assertThat(acme).singleElement().satisfies(event -> {
            assertThat(event.id().value()).isEqualTo("evt-3");
            assertThat(event.metadata()).containsEntry("idempotency_key", "k3");
        });
        assertThat(globex).isEmpty();
    }

    @Test
    void aPlainClientReceivesTheBareEnvelope() throws Exception {
        Subscription all = plain.subscribe("greentic.events.>");
        plain.flush(Duration.ofSeconds(10));
        EventEnvelope sent = bus.newEvent(ACME, "sorla.crm.Customer.created")
                .payload(Payload.of(Map.of("n", 1)))
                .build();
        assertThat(bus.publish(sent).durable()).isFalse();
        Message received = all.nextMessage(Duration.ofSeconds(30));
        assertThat(received.getSubject()).isEqualTo("greentic.events.acme.sorla.crm.Customer.created");
        assertThat(EnvelopeCodec.STANDARD.decode(received.getData())).isEqualTo(sent);
        assertThat(received.getHeaders().getFirst("Greentic-Tenant")).isEqualTo("acme");
    }

    @ParameterizedTest
    @CsvSource({"a.b, orders", "a*, orders", "acme, orders..created", "acme, größe", "acme, a/b"})
    void P4_whatCouldBeTakenForAnotherAddressIsRefused(String tenant, String topic) {
        assertThatThrownBy(() -> bus.publish(TenantContext.of("prod", tenant), topic, 1))
                .isInstanceOfSatisfying(
                        EventsException.class,
                        e -> assertThat(e.code())
                                .isIn(ErrorCode.INVALID_ARGUMENT, ErrorCode.INVALID_ID, ErrorCode.INVALID_TOPIC));
    }
}
