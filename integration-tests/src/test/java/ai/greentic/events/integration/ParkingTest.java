package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventId;
import ai.greentic.events.Payload;
import ai.greentic.events.Position;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.BusHealth;
import ai.greentic.events.bus.Delivery;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.PullSubscription;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.delivery.Backoff;
import ai.greentic.events.delivery.RedeliveryPolicy;
import ai.greentic.events.memory.MemoryAttemptStore;
import ai.greentic.events.memory.MemoryDeadLetterStore;
import ai.greentic.events.memory.MemoryProviderFactory;
import ai.greentic.events.spi.AttemptStore;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.Consumer;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.Polled;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.StoreScope;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.testing.TestFabric;
import ai.greentic.events.testing.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What fails waits, in order, within bounds, and holds up nobody else; what took a process down is found. */
@SuppressWarnings("FutureReturnValueIgnored") // what is looked at is what arrives
class ParkingTest {
    private static final TenantContext ACME = TenantContext.of("prod", "acme");
    private static final RedeliveryPolicy HOURLY =
            new RedeliveryPolicy(100, Duration.ofHours(1), Duration.ofHours(1), Backoff.FIXED);

    private static EventEnvelope event(TestFabric fabric, String key, Object payload) {
        return fabric.bus()
                .newEvent(ACME, "a")
                .orderingKey(key)
                .payload(Payload.of(payload))
                .build();
    }

    /** Has a handler take so long in virtual time. */
    private static CompletableFuture<Void> after(TestFabric fabric, Duration time, Runnable effect) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        fabric.time().schedule(time, () -> {
            try {
                effect.run();
                done.complete(null);
            } catch (RuntimeException e) {
                done.completeExceptionally(e);
            }
        });
        return done;
    }

    @Test
    @Timeout(120)
    void P6_aHundredKeysKeepTheirOrderThroughFailuresDelaysAndARestart() throws Exception {
        long seed = System.nanoTime();
        int keys = 100;
        int events = 500;
        Map<String, List<Integer>> effects = new ConcurrentHashMap<>();
        Set<String> failed = ConcurrentHashMap.newKeySet();
        CountDownLatch half = new CountDownLatch(keys * events / 2);
        CountDownLatch all = new CountDownLatch(keys * events);
        SubscribeOptions options = SubscribeOptions.group("g")
                .concurrency(8)
                .redelivery(new RedeliveryPolicy(10, Duration.ofMillis(2), Duration.ofMillis(20), Backoff.EXPONENTIAL));
        ai.greentic.events.bus.EventHandler handler = d -> {
            String key = d.event().orderingKey().orElseThrow();
            int number = d.payload(Integer.class);
            int dice = Math.floorMod(new Random(seed ^ key.hashCode() * 31L + number).nextInt(), 100);
            if (dice < 5 && failed.add(key + "/" + number)) {
                throw new IllegalStateException();
            }
            if (dice >= 98 && failed.add(key + "/" + number)) {
                d.redeliver(Duration.ofMillis(5));
                return;
            }
            effects.computeIfAbsent(key, k -> Collections.synchronizedList(new ArrayList<>()))
                    .add(number);
            half.countDown();
            all.countDown();
        };
        try (EventBus bus = EventBus.builder().provider("memory", "memory", "*").build()) {
            Subscription first = bus.subscribe(ACME, "a", options, handler);
            for (int number = 0; number < events; number++) {
                for (int key = 0; key < keys; key++) {
                    bus.publish(bus.newEvent(ACME, "a")
                            .orderingKey("k" + key)
                            .payload(Payload.of(number))
                            .build());
                }
            }
            assertThat(half.await(60, TimeUnit.SECONDS)).as("seed %d", seed).isTrue();
            first.close();
            bus.subscribe(ACME, "a", options, handler);
            assertThat(all.await(60, TimeUnit.SECONDS)).as("seed %d", seed).isTrue();
        }
        List<Integer> expected =
                java.util.stream.IntStream.range(0, events).boxed().toList();
        assertThat(effects).hasSize(keys);
        effects.forEach((key, numbers) ->
                assertThat(numbers).as("seed %d, %s", seed, key).isEqualTo(expected));
        assertThat(failed).as("seed %d: failures did happen", seed).hasSizeGreaterThan(keys * events / 50);
    }

    @ParameterizedTest
    @ValueSource(longs = {11, 12})
    void P7_aDeepBacklogBehindOneBadKeyPausesItsShardOnlyAndSaysSo(long seed) {
        try (TestFabric fabric = TestFabric.create(seed, b -> {})) {
            Map<String, List<Integer>> handled = new HashMap<>();
            boolean[] broken = {true};
            fabric.bus().subscribe(ACME, "a", SubscribeOptions.group("g").redelivery(HOURLY), d -> {
                String key = d.event().orderingKey().orElseThrow();
                if (key.equals("bad") && broken[0]) {
                    throw new IllegalStateException();
                }
                handled.computeIfAbsent(key, k -> new ArrayList<>()).add(d.payload(Integer.class));
            });
            for (int i = 0; i < 2000; i++) {
                fabric.bus().publish(event(fabric, "bad", i));
                fabric.bus().publish(event(fabric, "good" + i % 500, i));
            }
            fabric.advance(Duration.ofMinutes(1));
            int good = handled.values().stream().mapToInt(List::size).sum();
            assertThat(good).as("of 2000, all but the keys of one shard in 64").isGreaterThanOrEqualTo(1900);
            assertThat(fabric.bus().health().components())
                    .filteredOn(c -> c.name().startsWith("subscription g"))
                    .singleElement()
                    .satisfies(component -> {
                        assertThat(component.state()).isEqualTo(BusHealth.State.DEGRADED);
                        assertThat(component.reason()).contains("KEY_BLOCKED");
                    });
            broken[0] = false;
            fabric.advance(Duration.ofHours(2));
            assertThat(handled.get("bad")).hasSize(2000).isSorted();
            assertThat(handled.values().stream().mapToInt(List::size).sum()).isEqualTo(4000);
            handled.forEach((key, numbers) -> assertThat(numbers).as(key).isSorted());
            assertThat(fabric.bus().health().degraded()).isFalse();
        }
    }

    @Test
    void P7_aSlowKeyWithABacklogHoldsUpNobodyElse() {
        try (TestFabric fabric = TestFabric.create(4, b -> {})) {
            int[] good = {0};
            fabric.bus().subscribeAsync(ACME, "a", SubscribeOptions.group("g").ackTimeout(Duration.ofDays(1)), d -> {
                boolean slow = d.event().orderingKey().orElseThrow().equals("slow");
                return after(
                        fabric, slow ? Duration.ofMinutes(1) : Duration.ofMillis(1), () -> good[0] += slow ? 0 : 1);
            });
            for (int i = 0; i < 1000; i++) {
                fabric.bus().publish(event(fabric, "slow", i));
                fabric.bus().publish(event(fabric, "good" + i % 200, i));
            }
            fabric.advance(Duration.ofSeconds(30));
            assertThat(good[0]).isGreaterThanOrEqualTo(950);
        }
    }

    @Test
    void P7_tenThousandFailingKeysAtMostDoubleTheLatencyOfTheOthers() {
        double calm = worstLatency(false);
        double stormy = worstLatency(true);
        assertThat(calm).isGreaterThan(0);
        assertThat(stormy / calm).as("%s ms against %s ms", stormy, calm).isLessThanOrEqualTo(2.0);
    }

    /** The latest virtual millisecond at which a good event was handled, all published at 0. */
    private static double worstLatency(boolean failing) {
        int keys = 10_000;
        try (TestFabric fabric = TestFabric.create(7, b -> b.deadLetterCopies(false))) {
            long[] last = {0};
            int[] good = {0};
            fabric.bus()
                    .subscribeAsync(
                            ACME,
                            "a",
                            SubscribeOptions.group("g")
                                    .concurrency(8)
                                    .redelivery(new RedeliveryPolicy(
                                            4, Duration.ofMillis(300), Duration.ofMillis(300), Backoff.FIXED)),
                            d -> after(fabric, Duration.ofMillis(1), () -> {
                                if (d.payload(Boolean.class)) {
                                    last[0] = fabric.time().nanos();
                                    good[0]++;
                                } else if (failing) {
                                    throw new IllegalStateException();
                                }
                            }));
            Random random = new Random(7);
            for (int i = 0; i < keys; i++) {
                fabric.bus().publishAsync(event(fabric, "k" + i, random.nextInt(10) == 0));
                if (i % 500 == 499) {
                    fabric.settle();
                }
            }
            fabric.advance(Duration.ofMinutes(5));
            assertThat(good[0]).isBetween(900, 1100);
            return last[0] / 1e6;
        }
    }

    @Test
    void P10_parkedDeliveriesAreBounded() {
        try (TestFabric fabric = TestFabric.create()) {
            int[] starts = {0};
            fabric.bus()
                    .subscribe(
                            ACME,
                            "a",
                            SubscribeOptions.group("g").redelivery(HOURLY).maxParked(100),
                            d -> {
                                starts[0]++;
                                throw new IllegalStateException();
                            });
            for (int i = 0; i < 1000; i++) {
                fabric.bus().publish(event(fabric, "k" + i, i));
            }
            fabric.advance(Duration.ofMinutes(1));
            assertThat(starts[0]).isBetween(100, 360);
            assertThat(fabric.bus().health().components())
                    .anyMatch(c ->
                            c.state() == BusHealth.State.DEGRADED && c.reason().contains("maxParked"));
        }
    }

    @Test
    void P8_attemptsSurviveARestartOfTheGroup() {
        try (TestFabric fabric = TestFabric.create()) {
            List<Integer> attempts = new ArrayList<>();
            SubscribeOptions options = SubscribeOptions.group("g")
                    .redelivery(new RedeliveryPolicy(3, Duration.ofMinutes(1), Duration.ofMinutes(1), Backoff.FIXED));
            fabric.bus().publish(ACME, "b", 0);
            for (int member = 0; member < 3; member++) {
                Subscription subscription = fabric.bus().subscribe(ACME, "a", options, d -> {
                    attempts.add(d.attempt());
                    assertThat(d.event().tenant().attempt()).isEqualTo(d.attempt());
                    throw new IllegalStateException();
                });
                if (member == 0) {
                    fabric.bus().publish(ACME, "a", 1);
                }
                fabric.advance(Duration.ofSeconds(30));
                subscription.close();
                fabric.advance(Duration.ofMinutes(2));
            }
            assertThat(attempts).containsExactly(1, 2, 3);
            assertThat(fabric.deadLetters(ACME)).singleElement().matches(letter -> letter.attempts() == 3);
        }
    }

    /** A provider whose holds end after 30 s unless they are extended. */
    private static final class Leasing extends StubProvider {
        final List<Integer> extended = new ArrayList<>();
        final Set<Position> taken = new HashSet<>();
        private final List<InboundDelivery> waiting = new ArrayList<>();

        void offer(EventEnvelope event, int number) {
            waiting.add(
                    new InboundDelivery(event.address(), event, new Position("leasing", "" + number), new Shard(0), 1));
        }

        @Override
        public ProviderSubscription subscribe(SubscribeRequest request) {
            return new Wrapped(super.subscribe(request)) {
                @Override
                public Polled poll(int max, Duration wait) {
                    List<InboundDelivery> some = List.copyOf(waiting);
                    waiting.clear();
                    return Polled.of(some, false);
                }

                @Override
                public Duration lease() {
                    return Duration.ofSeconds(30);
                }

                @Override
                public List<SettleOutcome> extend(List<InboundDelivery> deliveries, Duration by) {
                    extended.add(deliveries.size());
                    return deliveries.stream()
                            .map(d -> taken.contains(d.position()) ? SettleOutcome.LOST : SettleOutcome.SETTLED)
                            .toList();
                }
            };
        }
    }

    @Test
    void holdsOfParkedAndHandledDeliveriesAreExtendedAndALostOneIsNotSettled() {
        Leasing provider = new Leasing();
        Set<Capability> can = EnumSet.of(Capability.SUBSCRIBE, Capability.GROUP, Capability.EXTEND, Capability.PUBLISH);
        try (TestFabric fabric = TestFabric.create(0, b -> b.provider("leasing", provider, can, "a"))) {
            List<Delivery> held = new ArrayList<>();
            fabric.bus()
                    .subscribeAsync(
                            ACME,
                            "a",
                            SubscribeOptions.group("g").redelivery(HOURLY).ackTimeout(Duration.ofHours(2)),
                            d -> {
                                if (d.payload(Integer.class) == 1) {
                                    throw new IllegalStateException();
                                }
                                held.add(d);
                                return new CompletableFuture<>();
                            });
            for (int i = 1; i <= 3; i++) {
                provider.offer(event(fabric, "k" + i, i), i);
            }
            fabric.advance(Duration.ofMinutes(2));
            assertThat(provider.extended)
                    .as("every 10 s, all three at once")
                    .hasSizeBetween(11, 13)
                    .containsOnly(3);
            Delivery lost = held.get(0);
            provider.taken.add(lost.position());
            fabric.advance(Duration.ofSeconds(11));
            assertThat(lost.ack()).as("somebody else's now").isFalse();
            assertThat(held.get(1).ack()).isTrue();
            fabric.advance(Duration.ofSeconds(11));
            assertThat(provider.extended).last().isEqualTo(1);
        }
    }

    /** Passes everything on. */
    private static class Wrapped implements ProviderSubscription {
        final ProviderSubscription inner;

        Wrapped(ProviderSubscription inner) {
            this.inner = inner;
        }

        @Override
        public Polled poll(int max, Duration wait) throws InterruptedException {
            return inner.poll(max, wait);
        }

        @Override
        public List<SettleOutcome> settle(List<Settled> settled) {
            return inner.settle(settled);
        }

        @Override
        public List<SettleOutcome> extend(List<InboundDelivery> deliveries, Duration by) {
            return inner.extend(deliveries, by);
        }

        @Override
        public Duration lease() {
            return inner.lease();
        }

        @Override
        public void pause(Set<Shard> shards) {
            inner.pause(shards);
        }

        @Override
        public void released(Shard shard) {
            inner.released(shard);
        }

        @Override
        public void close() {
            inner.close();
        }
    }

    /** A process on a provider and an attempt store that outlive it. Killed, it says nothing to anyone any more. */
    private static final class DoomedProcess implements EventProvider, AttemptStore {
        private final EventProvider provider;
        private final AttemptStore store;
        private final List<ProviderSubscription> open = new ArrayList<>();
        private boolean dead;
        final EventBus bus;

        DoomedProcess(EventProvider provider, AttemptStore store, VirtualTime time, MemoryDeadLetterStore letters) {
            this.provider = provider;
            this.store = store;
            MemoryProviderFactory memory = new MemoryProviderFactory();
            this.bus = EventBus.builder()
                    .seams(time, time)
                    .attempts(this)
                    .deadLetters(letters)
                    .deadLetterCopies(false)
                    .provider("memory", this, memory.capabilities(ProviderSettings.defaults(memory.settings())), "*")
                    .build();
        }

        void kill() {
            dead = true;
            open.forEach(ProviderSubscription::close);
        }

        @Override
        public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) throws InterruptedException {
            return provider.publish(batch);
        }

        @Override
        public ProviderSubscription subscribe(SubscribeRequest request) {
            ProviderSubscription inner = provider.subscribe(request);
            open.add(inner);
            return new Wrapped(inner) {
                @Override
                public Polled poll(int max, Duration wait) throws InterruptedException {
                    return dead ? Polled.of(List.of(), true) : inner.poll(max, wait);
                }

                @Override
                public List<SettleOutcome> settle(List<Settled> settled) {
                    return dead ? settled.stream().map(s -> SettleOutcome.LOST).toList() : inner.settle(settled);
                }
            };
        }

        @Override
        public void close() {}

        @Override
        public Map<EventId, Known> taken(Consumer consumer, Collection<EventId> events) {
            return dead ? Map.of() : store.taken(consumer, events);
        }

        @Override
        public void attempted(Consumer consumer, EventId event, int attempts) {
            if (!dead) {
                store.attempted(consumer, event, attempts);
            }
        }

        @Override
        public void released(Consumer consumer, EventId event, int attempts) {
            if (!dead) {
                store.released(consumer, event, attempts);
            }
        }

        @Override
        public void ended(Consumer consumer, Collection<EventId> events) {
            if (!dead) {
                store.ended(consumer, events);
            }
        }

        @Override
        public StoreScope scope() {
            return store.scope();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void P8_anEventThatTakesProcessesDownIsFoundAndItsNeighboursAreNotCondemned(long seed) {
        VirtualTime time = new VirtualTime(seed);
        MemoryProviderFactory memory = new MemoryProviderFactory();
        EventProvider provider =
                memory.create(ProviderSettings.defaults(memory.settings()), new ProviderContext("memory", time, time));
        MemoryAttemptStore attempts = new MemoryAttemptStore();
        MemoryDeadLetterStore letters = new MemoryDeadLetterStore();
        SubscribeOptions options = SubscribeOptions.group("g").concurrency(4).maxAttempts(3);
        List<String> handled = new ArrayList<>();
        List<Integer> poisonStarts = new ArrayList<>();
        List<Integer> together = new ArrayList<>();
        for (int round = 0; round < 6; round++) {
            DoomedProcess process = new DoomedProcess(provider, attempts, time, letters);
            int[] running = {0};
            boolean suspects = round > 0;
            boolean first = round == 0;
            boolean[] deadly = {false};
            Subscription subscription = process.bus.subscribeAsync(ACME, "a", options, d -> {
                String name = d.payload(String.class);
                running[0]++;
                if (suspects) {
                    together.add(running[0]);
                }
                CompletableFuture<Void> done = new CompletableFuture<>();
                if (name.equals("poison")) {
                    poisonStarts.add(d.attempt());
                    deadly[0] = true;
                } else if (!first) {
                    time.schedule(Duration.ofMillis(10), () -> {
                        running[0]--;
                        handled.add(name);
                        done.complete(null);
                    });
                }
                return done;
            });
            if (first) {
                for (String name : List.of("n1", "poison", "n2", "n3")) {
                    process.bus.publish(ACME, "a", name);
                }
            }
            time.advance(Duration.ofSeconds(5));
            if (deadly[0]) {
                process.kill();
            } else {
                subscription.close();
            }
        }
        assertThat(handled).containsExactlyInAnyOrder("n1", "n2", "n3");
        assertThat(together).as("suspects run alone").isNotEmpty().containsOnly(1);
        assertThat(poisonStarts).as("the first start stands in no book").containsExactly(1, 1, 2, 3);
        assertThat(letters.list(ACME.tenant(), DeadLetterFilter.ALL, null, 9))
                .singleElement()
                .satisfies(letter -> {
                    assertThat(letter.reason()).contains("its process ended while it was being handled, 3 times");
                    assertThat(letter.code()).isEqualTo(ErrorCode.HANDLER_FAILED);
                    assertThat(letter.state()).isEqualTo(DeadLetter.State.PARKED);
                });
        time.close(Duration.ZERO);
    }

    @Test
    void P8_suspectsAreHandedOverOneAtATime() throws Exception {
        MemoryAttemptStore attempts = new MemoryAttemptStore();
        TenantContext detailed = ACME.toBuilder().sessionId("s").build();
        attempts.taken(new Consumer(detailed, "g", "memory"), List.of(new EventId("e0"), new EventId("e1")));
        try (TestFabric fabric = TestFabric.create(0, b -> b.attempts(attempts))) {
            PullSubscription pull = fabric.bus().pull(ACME, "a", SubscribeOptions.group("g"));
            for (int i = 0; i < 4; i++) {
                fabric.bus()
                        .publish(fabric.bus().newEvent(ACME, "a").id("e" + i).build());
            }
            fabric.settle();
            Set<String> suspects = new HashSet<>(Set.of("e0", "e1"));
            int seen = 0;
            while (seen < 4) {
                List<Delivery> taken = pull.next(9, Duration.ZERO);
                assertThat(taken).isNotEmpty();
                if (!suspects.isEmpty()) {
                    assertThat(taken).as("alone while there are suspects").hasSize(1);
                }
                for (Delivery delivery : taken) {
                    suspects.remove(delivery.event().id().value());
                    delivery.ack();
                    seen++;
                }
            }
        }
    }

    @Test
    void P12_aClosedSubscriptionIsPolledNoMore() {
        int[] polls = {0};
        int[] closed = {0};
        StubProvider provider = new StubProvider() {
            @Override
            List<InboundDelivery> next() {
                polls[0]++;
                return List.of();
            }

            @Override
            public ProviderSubscription subscribe(SubscribeRequest request) {
                return new Wrapped(super.subscribe(request)) {
                    @Override
                    public void close() {
                        closed[0]++;
                        super.close();
                    }
                };
            }
        };
        try (TestFabric fabric = TestFabric.create(0, b -> b.provider("stub", provider, "a"))) {
            Subscription subscription = fabric.bus().subscribe(ACME, "a", d -> {});
            fabric.advance(Duration.ofSeconds(1));
            assertThat(polls[0]).isGreaterThan(50);
            subscription.close();
            int last = polls[0];
            fabric.advance(Duration.ofMinutes(1));
            assertThat(polls[0]).isEqualTo(last);
            assertThat(closed[0]).isEqualTo(1);
        }
    }
}
