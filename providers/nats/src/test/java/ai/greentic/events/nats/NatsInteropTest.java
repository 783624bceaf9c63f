package ai.greentic.events.nats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.SubscribeOptions;
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
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
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
                + "},\"metadata\":{\"idempotency_key\":\"k" + number + "\",\"ordering_key\":\"customers\"}}";
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

    private EventBus shared() {
        return EventBus.builder()
                .providerFactory(new NatsProviderFactory())
                .provider("nats", "nats", "*")
                .providerSettings(null, "nats", Map.of("url", server.url(), "mode", "shared", "member_timeout", "1s"))
                .build();
    }

    private static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("not within 30 s: " + what).isLessThan(end);
            Thread.sleep(10);
        }
    }

    /**
     * What plain clients publish while nobody of a group is there is kept for it, in order, for one member at a time; and so is ours, which
     * plain clients see too.
     */
    @Test
    void P6_P9_theStreamKeepsWhatPlainClientsPublishForAGroup() throws Exception {
        Subscription all = plain.subscribe("greentic.events.>");
        List<String> handled = new CopyOnWriteArrayList<>();
        List<String> kept = new CopyOnWriteArrayList<>();
        SubscribeOptions group = SubscribeOptions.group("crm").startAt(StartAt.EARLIEST);
        try (EventBus first = shared()) {
            EventEnvelope ours = first.newEvent(ACME, "sorla.crm.Customer.created")
                    .payload(Payload.of(Map.of("n", 0)))
                    .build();
            assertThat(first.publish(ours).durable()).isTrue();
            kept.add(ours.id().value());
            assertThat(EnvelopeCodec.STANDARD.decode(
                            all.nextMessage(Duration.ofSeconds(30)).getData()))
                    .isEqualTo(ours);
            String subject = "greentic.events.acme.sorla.crm.Customer.created";
            for (int i = 1; i <= 50; i++) {
                plain.publish(subject, envelope("prod", "acme", i).getBytes(StandardCharsets.UTF_8));
            }
            plain.publish(subject, envelope("prod", "globex", 99).getBytes(StandardCharsets.UTF_8));
            plain.publish("greentic.events.acme", "no topic".getBytes(StandardCharsets.UTF_8));
            plain.flush(Duration.ofSeconds(10));
            CountDownLatch reached = new CountDownLatch(1);
            first.subscribe(ACME, "sorla.*", group, delivery -> {
                        handled.add(delivery.event().id().value());
                        if (delivery.event().id().value().equals("evt-20")) {
                            reached.countDown();
                        }
                    })
                    .ready()
                    .get(30, TimeUnit.SECONDS);
            assertThat(reached.await(30, TimeUnit.SECONDS)).isTrue();
        }
        try (EventBus second = shared();
                EventBus third = shared()) {
            Set<String> members = ConcurrentHashMap.newKeySet();
            for (EventBus member : List.of(second, third)) {
                member.subscribe(ACME, "sorla.*", group, delivery -> {
                            members.add(member == second ? "second" : "third");
                            handled.add(delivery.event().id().value());
                        })
                        .ready()
                        .get(30, TimeUnit.SECONDS);
            }
            plain.publish(
                    "greentic.events.acme.sorla.crm.Customer.created",
                    envelope("prod", "acme", 51).getBytes(StandardCharsets.UTF_8));
            await("the last event", () -> handled.contains("evt-51"));
            assertThat(members).hasSize(1);
        }
        List<String> inOrder =
                handled.stream().filter(id -> id.matches("evt-\\d+")).distinct().toList();
        assertThat(inOrder).hasSize(51).doesNotContain("evt-99");
        assertThat(handled).contains(kept.get(0));
        for (int i = 1; i <= 51; i++) {
            assertThat(inOrder.get(i - 1)).isEqualTo("evt-" + i);
        }
    }
}
