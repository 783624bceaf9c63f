package ai.greentic.events.embedded;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.Marks;
import ai.greentic.events.Payload;
import ai.greentic.events.Priority;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Signal;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A store with a provider on it, used through the SPI, under a clock that the test sets. */
final class Rig implements AutoCloseable {
    static final TenantContext ACME = TenantContext.of("test", "acme");

    /** A clock that only tests move. Both parts can be moved apart, as a clock that is set does. */
    static final class Clock implements Time {
        private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-01-01T00:00:00Z"));
        private final AtomicLong nanos = new AtomicLong(1);

        @Override
        public Instant now() {
            return java.util.Objects.requireNonNull(now.get());
        }

        @Override
        public long nanos() {
            return nanos.get();
        }

        @Override
        public long randomBits() {
            return Time.system().randomBits();
        }

        /** Time passes. */
        void pass(Duration time) {
            step(time);
            nanos.addAndGet(time.toNanos());
        }

        /** Somebody sets the clock. */
        void step(Duration by) {
            now.updateAndGet(time -> time.plus(by));
        }
    }

    final Clock clock;
    final EmbeddedStore store;
    final EventProvider provider;
    private static final AtomicLong IDS = new AtomicLong();
    private final Tasks tasks = Tasks.threads("rig");

    Rig(Path directory) {
        this(directory, new Clock(), Map.of(), Store.Seams.NONE);
    }

    Rig(Path directory, Clock clock, Map<String, ?> settings, Store.Seams seams) {
        this.clock = clock;
        List<String> problems = new ArrayList<>();
        ProviderSettings parsed = StoreSettings.SCHEMA.parse(settings, "events.store", problems);
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(problems.toString());
        }
        this.store = EmbeddedStore.open(directory, StoreSettings.of(parsed), clock, seams);
        EmbeddedProviderFactory factory = new EmbeddedProviderFactory();
        this.provider = factory.create(
                ProviderSettings.defaults(factory.settings()),
                new ProviderContext("local", clock, tasks, "local", Optional.of(store)));
    }

    record Out(EventEnvelope event, @Nullable String orderingKey) implements OutboundEvent {
        @Override
        public byte[] encoded() {
            return EnvelopeCodec.STANDARD.encode(event);
        }
    }

    static Out event(TenantContext tenant, String topic, @Nullable String key, String payload, Marks marks) {
        EventEnvelope.Builder event = EventEnvelope.builder(tenant, topic)
                .type("test.event")
                .source("rig")
                .time(Instant.parse("2026-01-01T00:00:00Z"))
                .id(new ai.greentic.events.EventId("evt-" + Long.toString(IDS.incrementAndGet(), 36)))
                .payload(Payload.of(payload));
        if (key != null) {
            event.orderingKey(key);
        }
        return new Out(event.build().withMarks(marks), key);
    }

    PublishOutcome publish(String topic, @Nullable String key, String payload) {
        return publish(event(ACME, topic, key, payload, Marks.NONE));
    }

    PublishOutcome publish(String topic, String payload, Priority priority) {
        return publish(event(ACME, topic, null, payload, Marks.NONE.priority(priority)));
    }

    PublishOutcome publish(Out event) {
        try {
            return provider.publish(List.of(event)).get(0).toCompletableFuture().get(30, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** A subscription whose signal nobody hears: the test polls. */
    ProviderSubscription subscribe(@Nullable String group, String pattern, StartAt start) {
        return subscribe(ACME, group, pattern, start);
    }

    ProviderSubscription subscribe(TenantScope scope, @Nullable String group, String pattern, StartAt start) {
        Signal signal = tasks.signal();
        return provider.subscribe(new SubscribeRequest(
                List.of(new SubscribeRequest.Filter(scope, TopicPattern.of(pattern))), group, start, signal));
    }

    /** Polls until so many came, or nothing more within a while. */
    static List<InboundDelivery> take(ProviderSubscription subscription, int count) {
        List<InboundDelivery> taken = new ArrayList<>();
        long end = System.nanoTime() + Duration.ofSeconds(count == 0 ? 0 : 10).toNanos();
        try {
            do {
                var polled = subscription.poll(Math.max(1, count - taken.size()), Duration.ZERO);
                polled.revoking().forEach(subscription::released);
                taken.addAll(polled.deliveries());
                if (polled.deliveries().isEmpty()) {
                    Thread.sleep(2);
                }
            } while (taken.size() < count && System.nanoTime() < end);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return taken;
    }

    static List<String> texts(List<InboundDelivery> deliveries) {
        return deliveries.stream().map(Rig::text).toList();
    }

    static String text(InboundDelivery delivery) {
        EventEnvelope event = delivery.event();
        if (event == null) {
            event = EnvelopeCodec.STANDARD.decode(java.util.Objects.requireNonNull(delivery.encoded()));
        }
        return event.payload().json().replace("\"", "");
    }

    static void ack(ProviderSubscription subscription, List<InboundDelivery> deliveries) {
        var unused = subscription.settle(deliveries.stream().map(Settled::ack).toList());
    }

    @Override
    public void close() {
        provider.close();
        store.close();
        tasks.close();
    }
}
