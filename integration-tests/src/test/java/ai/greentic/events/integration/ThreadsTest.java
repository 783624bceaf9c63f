package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.ErrorKind;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.EventHandler;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.delivery.ProviderOverrides;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.PublishOutcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What only real threads can show. Nothing sleeps: everything waits for something to happen. */
@Timeout(120)
class ThreadsTest {
    private static final TenantContext ACME = TenantContext.of("prod", "acme");

    private static List<String> fabricThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(Thread::isAlive)
                .map(Thread::getName)
                .filter(name -> name.startsWith("events-"))
                .toList();
    }

    private static EventBus memory(String... topics) {
        return EventBus.builder().provider("memory", "memory", topics).build();
    }

    @Test
    void aThousandSubscriptionsShareAtMost32Threads() throws Exception {
        int subscriptions = 1_000;
        CountDownLatch all = new CountDownLatch(subscriptions);
        AtomicInteger most = new AtomicInteger();
        try (EventBus bus = memory("*")) {
            for (int i = 0; i < subscriptions; i++) {
                bus.subscribe(ACME, "topic." + i, delivery -> {
                    most.accumulateAndGet(fabricThreads().size(), Math::max);
                    all.countDown();
                });
            }
            for (int i = 0; i < subscriptions; i++) {
                bus.publish(ACME, "topic." + i, i);
            }
            assertThat(all.await(60, TimeUnit.SECONDS)).isTrue();
            assertThat(most.get()).isBetween(1, 32);
        }
        assertThat(fabricThreads()).as("P12: no thread is left").isEmpty();
    }

    /** Accepts while it is open and remembers what it accepted. */
    private static final class Remembering extends StubProvider {
        final Set<String> accepted = ConcurrentHashMap.newKeySet();

        @Override
        public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) {
            batch.forEach(event -> accepted.add(event.event().id().value()));
            return batch.stream()
                    .<CompletionStage<PublishOutcome>>map(
                            e -> CompletableFuture.completedFuture(PublishOutcome.accepted()))
                    .toList();
        }
    }

    @Test
    void P12_closingDuringPublishLosesNoAcceptedEvent() throws Exception {
        for (int round = 0; round < 200; round++) {
            Remembering provider = new Remembering();
            EventBus bus =
                    EventBus.builder().provider("remembering", provider, "*").build();
            List<String> receipts = new ArrayList<>();
            List<CompletableFuture<PublishReceipt>> futures = new ArrayList<>();
            List<EventsException> refusals = new ArrayList<>();
            CountDownLatch begun = new CountDownLatch(50 + round);
            List<Thread> publishers = new ArrayList<>();
            for (int p = 0; p < 3; p++) {
                int publisher = p;
                publishers.add(new Thread(() -> {
                    for (int i = 0; ; i++) {
                        EventEnvelope event = EventEnvelope.builder(ACME, "a")
                                .id("evt-" + publisher + "-" + i)
                                .time(java.time.Instant.EPOCH)
                                .metadata(i % 2 == 0 ? Map.of() : Map.of(EventEnvelope.ORDERING_KEY, "k" + i % 4))
                                .build();
                        try {
                            if (publisher == 0) {
                                CompletableFuture<PublishReceipt> future = bus.publishAsync(event);
                                synchronized (futures) {
                                    futures.add(future);
                                }
                                if (future.isCompletedExceptionally()) {
                                    begun.countDown();
                                    future.join();
                                }
                            } else {
                                String id = bus.publish(event).eventId().value();
                                synchronized (receipts) {
                                    receipts.add(id);
                                }
                            }
                            begun.countDown();
                        } catch (EventsException | java.util.concurrent.CompletionException e) {
                            Throwable cause = e.getCause() instanceof EventsException inner ? inner : e;
                            EventsException refusal = (EventsException) cause;
                            if (refusal.kind() == ErrorKind.OVERLOADED) {
                                continue;
                            }
                            synchronized (refusals) {
                                refusals.add(refusal);
                            }
                            return;
                        }
                    }
                }));
            }
            publishers.forEach(Thread::start);
            assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();
            bus.close();
            for (Thread publisher : publishers) {
                publisher.join(30_000);
                assertThat(publisher.isAlive()).as("round %d", round).isFalse();
            }
            assertThat(refusals).as("round %d", round).allMatch(e -> e.kind() == ErrorKind.CANCELLED);
            for (CompletableFuture<PublishReceipt> future : futures) {
                future.handle((receipt, failure) -> receipt == null
                                || receipts.add(receipt.eventId().value()))
                        .get(30, TimeUnit.SECONDS);
            }
            assertThat(provider.accepted)
                    .as("round %d: every receipt stands for an accepted event", round)
                    .containsAll(receipts);
        }
    }

    @Test
    void P10_aSlowConsumerKeepsTheHeapBounded() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        AtomicLong handled = new AtomicLong();
        byte[] kilobyte = ("\"" + "x".repeat(1022) + "\"").getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        Payload payload = Payload.json(kilobyte);
        long accepted = 0;
        try (EventBus bus = EventBus.builder()
                .provider("memory", "memory", "*")
                .providerSettings(null, "memory", Map.of("max_bytes", 16 << 20, "history_bytes", 1 << 20))
                .override("memory", ProviderOverrides.NONE.maxRetries(0))
                .build()) {
            bus.subscribe(ACME, "a", SubscribeOptions.group("slow").concurrency(2), delivery -> {
                release.await();
                handled.incrementAndGet();
            });
            for (int i = 0; i < 100_000; i++) {
                try {
                    bus.publish(ACME, "a", payload);
                    accepted++;
                } catch (EventsException e) {
                    assertThat(e.kind()).isEqualTo(ErrorKind.OVERLOADED);
                }
            }
            assertThat(accepted).as("16 MiB of payloads, not 100 MB").isBetween(15_000L, 16_400L);
            release.countDown();
            while (handled.get() < accepted) {
                Thread.onSpinWait();
            }
        }
        assertThat(handled.get()).as("nothing accepted is lost").isEqualTo(accepted);
    }

    @Test
    void P7_aTenantWhoseHandlersHangDoesNotStopTheOthers() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        CountDownLatch other = new CountDownLatch(100);
        try (EventBus bus = memory("*")) {
            bus.subscribe(ACME, "a", delivery -> release.await());
            bus.subscribe(TenantContext.of("prod", "globex"), "a", delivery -> other.countDown());
            for (int i = 0; i < 100; i++) {
                bus.publish(ACME, "a", i);
                bus.publish(TenantContext.of("prod", "globex"), "a", i);
            }
            assertThat(other.await(30, TimeUnit.SECONDS)).isTrue();
            release.countDown();
        }
    }

    @Test
    void manyCallersOfOneKeyKeepTheirOrderEach() throws Exception {
        Map<Integer, List<Integer>> seen = new ConcurrentHashMap<>();
        int callers = 8;
        int each = 500;
        CountDownLatch all = new CountDownLatch(callers * each);
        try (EventBus bus = memory("*")) {
            bus.subscribe(ACME, "a", SubscribeOptions.group("g"), delivery -> {
                List<?> pair = delivery.payload(List.class);
                seen.computeIfAbsent(((Number) pair.get(0)).intValue(), c -> new ArrayList<>())
                        .add(((Number) pair.get(1)).intValue());
                all.countDown();
            });
            List<Thread> threads = new ArrayList<>();
            for (int c = 0; c < callers; c++) {
                int caller = c;
                threads.add(new Thread(() -> {
                    for (int i = 0; i < each; i++) {
                        bus.publish(EventEnvelope.builder(ACME, "a")
                                .id("evt-" + caller + "-" + i)
                                .time(java.time.Instant.EPOCH)
                                .orderingKey("one-key")
                                .payload(Payload.of(List.of(caller, i)))
                                .build());
                    }
                }));
            }
            threads.forEach(Thread::start);
            assertThat(all.await(60, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(seen).hasSize(callers);
        seen.values().forEach(numbers -> assertThat(numbers).hasSize(each).isSorted());
    }

    @Test
    void P12_drainSaysWhetherHandlersFinishedAndCloseIsIdempotent() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        EventBus bus = memory("*");
        bus.subscribe(ACME, "a", delivery -> {
            started.countDown();
            release.await();
        });
        bus.publish(ACME, "a", 1);
        assertThat(started.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(bus.drain(Duration.ofMillis(50))).isFalse();
        bus.close();
        bus.close();
        release.countDown();
        assertThat(bus.as(ai.greentic.events.Caller.of("x")).providers()).hasSize(1);
        org.assertj.core.api.Assertions.assertThatThrownBy(() -> bus.publish(ACME, "a", 1))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CANCELLED));
    }

    @Test
    @Timeout(120)
    @SuppressWarnings("FutureReturnValueIgnored") // what is looked at is what arrives
    void P9_anAckJustBeforeACloseCounts() throws Exception {
        int events = 400;
        for (int round = 0; round < 60; round++) {
            Map<Integer, AtomicLong> handled = new ConcurrentHashMap<>();
            CountDownLatch some = new CountDownLatch(50 + round);
            CountDownLatch all = new CountDownLatch(events);
            EventHandler handler = delivery -> {
                AtomicLong times = handled.computeIfAbsent(delivery.payload(Integer.class), n -> new AtomicLong());
                if (times.incrementAndGet() == 1) {
                    some.countDown();
                    all.countDown();
                }
            };
            try (EventBus bus = memory("*")) {
                Subscription first = bus.subscribe(ACME, "a", SubscribeOptions.group("g"), handler);
                for (int i = 0; i < events; i++) {
                    bus.publishAsync(bus.newEvent(ACME, "a")
                            .orderingKey("k" + i % 20)
                            .payload(Payload.of(i))
                            .build());
                }
                assertThat(some.await(30, TimeUnit.SECONDS)).isTrue();
                first.close();
                bus.subscribe(ACME, "a", SubscribeOptions.group("g"), handler);
                assertThat(all.await(30, TimeUnit.SECONDS)).isTrue();
            }
            assertThat(handled.values().stream().mapToLong(AtomicLong::get).sum())
                    .as("round %d: what was handled before the close does not come again", round)
                    .isEqualTo(events);
        }
    }
}
