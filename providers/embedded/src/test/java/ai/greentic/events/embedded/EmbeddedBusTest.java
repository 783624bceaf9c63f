package ai.greentic.events.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.SubscribeOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The bus on the embedded store. */
class EmbeddedBusTest {
    private static final TenantContext ACME = TenantContext.of("test", "acme");

    @TempDir
    Path directory;

    private EventBus bus() {
        return Buses.on(directory).build();
    }

    @Test
    void publishedEventsReachSubscribers() throws Exception {
        BlockingQueue<String> got = new LinkedBlockingQueue<>();
        try (EventBus bus = bus()) {
            bus.subscribe(
                    ACME,
                    "orders.*",
                    delivery -> got.add(delivery.event().payload().json()));
            PublishReceipt receipt = bus.publish(ACME, "orders.created", 1);
            assertThat(receipt.status()).isEqualTo(PublishReceipt.Status.PUBLISHED);
            assertThat(receipt.durable()).isTrue();
            assertThat(got.poll(10, TimeUnit.SECONDS)).isEqualTo("1");
        }
    }

    @Test
    void aGroupGoesOnWhereItWas() throws Exception {
        List<String> got = new ArrayList<>();
        try (EventBus bus = bus();
                var group =
                        bus.pull(ACME, "orders.*", SubscribeOptions.group("g").startAt(StartAt.EARLIEST))) {
            for (int i = 0; i < 10; i++) {
                bus.publish(ACME, "orders.created", i);
            }
            for (int i = 0; i < 5; i++) {
                var delivery = group.next(Duration.ofSeconds(10)).orElseThrow();
                got.add(delivery.event().payload().json());
                delivery.ack();
            }
        }
        try (EventBus bus = bus();
                var group = bus.pull(ACME, "orders.*", SubscribeOptions.group("g"))) {
            for (int i = 0; i < 5; i++) {
                var delivery = group.next(Duration.ofSeconds(10)).orElseThrow();
                got.add(delivery.event().payload().json());
                delivery.ack();
            }
            assertThat(group.next(Duration.ofMillis(100))).isEmpty();
        }
        assertThat(got).containsExactlyInAnyOrder("0", "1", "2", "3", "4", "5", "6", "7", "8", "9");
    }

    @Test
    void P3_aRepetitionGetsTheFirstReceiptAlsoAfterARestart() {
        PublishReceipt first;
        try (EventBus bus = bus()) {
            first = bus.publish(keyed(bus));
        }
        try (EventBus bus = bus()) {
            PublishReceipt second = bus.publish(keyed(bus));
            assertThat(second.status()).isEqualTo(PublishReceipt.Status.DUPLICATE);
            assertThat(second.eventId()).isEqualTo(first.eventId());
            assertThat(second.position()).isEqualTo(first.position());
        }
    }

    private static EventEnvelope keyed(EventBus bus) {
        return bus.newEvent(ACME, "orders.created")
                .idempotencyKey("once")
                .payload(ai.greentic.events.Payload.of("x"))
                .build();
    }
}
