package ai.greentic.events.conformance;

import static ai.greentic.events.conformance.Fabric.ACME;
import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventId;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.Priority;
import ai.greentic.events.ProviderDescriptor;
import ai.greentic.events.ProviderDescriptor.Ordering;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.StartAt;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.ProviderDeclaration;
import ai.greentic.events.bus.PublishOptions;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.delivery.ProviderOverrides;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.platform.commons.support.ReflectionSupport;

/** Truth both ways: what is declared works, what is not is refused, or supplied by the engine. A test for each capability. */
abstract class CapabilityChecks extends Checks {
    CapabilityChecks(ProviderConformance kit) {
        super(kit);
    }

    /** What an action, or the subscription that it makes, is refused with. */
    static EventsException refusal(Callable<?> action) {
        try {
            Object made = action.call();
            if (made instanceof Subscription subscription) {
                subscription.ready().get(Fabric.patience().toSeconds(), TimeUnit.SECONDS);
            }
        } catch (Exception e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                if (cause instanceof EventsException refused) {
                    return refused;
                }
            }
            throw new AssertionError("refused, but not by an EventsException", e);
        }
        throw new AssertionError("it was not refused");
    }

    static void assertUnsupported(Callable<?> action) {
        EventsException refused = refusal(action);
        assertThat(refused.code()).isEqualTo(ErrorCode.UNSUPPORTED_CAPABILITY);
        assertThat(refused).hasMessageContaining("kit");
    }

    private Subscription subscribe(SubscribeOptions options, String pattern) {
        return fabric().bus().subscribe(ACME, pattern, options, delivery -> {});
    }

    @Test
    void publish() {
        Fabric fabric = fabric();
        if (fabric.can(Capability.PUBLISH)) {
            assertThat(fabric.publish(fabric.event("able.x", null, 1)).eventId())
                    .isNotNull();
        } else {
            assertUnsupported(() -> fabric.bus().publish(ACME, "able.x", 1));
        }
    }

    @Test
    void subscribe() {
        Fabric fabric = fabric();
        if (fabric.can(Capability.SUBSCRIBE)) {
            fabric.ephemeral("able", ACME, "able.x").join();
            fabric.publishAll(ACME, "able.x", 0, 10);
            fabric.awaitAll();
        } else {
            assertUnsupported(() -> subscribe(SubscribeOptions.ephemeral(), "able.x"));
        }
    }

    @Test
    void wildcard() {
        Fabric fabric = fabric();
        if (fabric.can(Capability.WILDCARD)) {
            fabric.ephemeral("able", ACME, "able.*").join();
            fabric.publishAll(ACME, "able.first", 0, 10);
            fabric.publishAll(ACME, "able.second.third", 0, 10);
            fabric.awaitAll();
        } else {
            assertUnsupported(() -> subscribe(SubscribeOptions.ephemeral(), "able.*"));
        }
    }

    @Test
    void group() {
        Fabric fabric = fabric();
        if (fabric.can(Capability.GROUP)) {
            Audience group = fabric.group("able", ACME, "able.x");
            group.join().close();
            fabric.publishAll(ACME, "able.x", 0, 10);
            group.join();
            fabric.awaitAll();
        } else {
            assertUnsupported(() -> subscribe(SubscribeOptions.group("able"), "able.x"));
        }
    }

    @Test
    void keyOrder() {
        Fabric fabric = fabric();
        if (fabric.can(Capability.KEY_ORDER)) {
            fabric.ephemeral("able", ACME, "able.x").join();
            fabric.publishAll(ACME, "able.x", 20, Size.of(20_000, 1_000));
            fabric.awaitAll();
            fabric.assertOrdered();
            fabric.assertNoDuplicates();
        } else {
            assertOrderingRefused(Ordering.PER_KEY, "KEY_ORDER");
        }
    }

    /** The provider gives a key to one member at a time, or the engine has one member at work at a time. */
    @Test
    void keyAffinity() {
        Fabric fabric = fabric();
        if (!fabric.canAll(Capability.GROUP, Capability.KEY_ORDER)) {
            assertUnsupported(() -> subscribe(
                    SubscribeOptions.group("able").onExhausted(SubscribeOptions.OnExhausted.HOLD_KEY), "able.x"));
            return;
        }
        Audience group = fabric.group("able", ACME, "able.x");
        Map<String, AtomicInteger> atWork = new ConcurrentHashMap<>();
        Set<String> overlapping = ConcurrentHashMap.newKeySet();
        for (int member = 0; member < 3; member++) {
            group.join(fabric.bus(), delivery -> {
                String key = delivery.event().orderingKey().orElseThrow();
                AtomicInteger working = atWork.computeIfAbsent(key, k -> new AtomicInteger());
                if (working.incrementAndGet() > 1) {
                    overlapping.add(key);
                }
                working.decrementAndGet();
                group.reader.handled(delivery);
            });
        }
        fabric.publishAll(ACME, "able.x", 20, Size.of(20_000, 1_000));
        fabric.awaitAll();
        assertThat(overlapping).isEmpty();
        fabric.assertOrdered();
    }

    @Test
    void globalOrder() {
        Fabric fabric = fabric();
        if (!fabric.can(Capability.GLOBAL_ORDER)) {
            assertOrderingRefused(Ordering.GLOBAL, "GLOBAL_ORDER");
            return;
        }
        List<Integer> order = new CopyOnWriteArrayList<>();
        Audience reader = fabric.ephemeral("able", ACME, "able.x").with(options -> options.concurrency(1));
        reader.join(fabric.bus(), delivery -> {
            order.add(delivery.payload(Integer.class));
            reader.reader.handled(delivery);
        });
        for (int i = 0; i < 500; i++) {
            fabric.publish(fabric.event("able.x", null, i));
        }
        fabric.awaitAll();
        assertThat(order).isSorted();
    }

    /** A pack that asks for more order than there is does not get a bus. */
    private void assertOrderingRefused(Ordering ordering, String capability) {
        Fabric fabric = fabric();
        EventsException refused = refusal(() -> EventBus.builder()
                .providerFactory(fabric.target.factory())
                .declare(new ProviderDeclaration(
                        null,
                        new ProviderDescriptor(
                                "kit",
                                ProviderDescriptor.Kind.BROKER,
                                fabric.target.factory().transport(),
                                ProviderDescriptor.Reliability.AT_MOST_ONCE,
                                ordering,
                                null,
                                List.of()),
                        List.of(TopicPattern.of("*")),
                        ProviderOverrides.NONE))
                .providerSettings(null, "kit", fabric.target.settings())
                .build());
        assertThat(refused.code()).isEqualTo(ErrorCode.INVALID_CONFIGURATION);
        assertThat(refused).hasMessageContaining(capability);
    }

    /** A batch is accepted whole or not at all, where that is declared; each event has its own answer everywhere. */
    @Test
    void atomicBatch() throws Exception {
        Fabric fabric = fabric();
        for (int round = 0; round < 5; round++) {
            EventProvider provider = fabric.provider();
            List<OutboundEvent> batch = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                batch.add(new Raw.Event(fabric.event("able.x", "k", i)));
            }
            Thread closer = new Thread(provider::close);
            if (fabric.can(Capability.ATOMIC_BATCH)) {
                closer.start();
            }
            int accepted = 0;
            try {
                for (var stage : provider.publish(batch)) {
                    accepted += stage.toCompletableFuture()
                                    .get(30, TimeUnit.SECONDS)
                                    .isAccepted()
                            ? 1
                            : 0;
                }
            } catch (EventsException e) {
                assertThat(e.code()).isEqualTo(ErrorCode.CLOSED);
            }
            closer.join();
            if (fabric.can(Capability.ATOMIC_BATCH)) {
                assertThat(accepted).isIn(0, 100);
            } else {
                assertThat(accepted).isEqualTo(100);
            }
        }
    }

    /** The same event id twice, at the provider itself. */
    @Test
    void deduplication() throws Exception {
        Fabric fabric = fabric();
        try (Raw raw = new Raw(fabric, "able.x")) {
            EventEnvelope event = fabric.event("able.x", null, 1);
            raw.publish(event);
            raw.publish(event);
            EventEnvelope last = fabric.event("able.x", null, 2);
            raw.publish(last);
            int copies = fabric.can(Capability.DEDUPLICATION) ? 1 : 2;
            List<EventId> came = new ArrayList<>();
            while (!came.contains(last.id())) {
                List<InboundDelivery> more = raw.poll(1);
                assertThat(more).as("what came after %s", came).isNotEmpty();
                more.forEach(delivery -> came.add(Raw.eventOf(delivery).id()));
            }
            assertThat(Collections.frequency(came, event.id())).isEqualTo(copies);
        }
    }

    /** At the provider itself where it can; else the engine waits in its stead. */
    @Test
    void delayedRedelivery() throws Exception {
        Fabric fabric = fabric();
        Duration delay = Duration.ofMillis(300);
        if (fabric.can(Capability.DELAYED_REDELIVERY)) {
            try (Raw raw = new Raw(fabric, "able.x")) {
                raw.publish(fabric.event("able.x", null, 1));
                InboundDelivery first = raw.poll(1).get(0);
                long notBefore = System.nanoTime() + delay.toNanos();
                assertThat(raw.subscription.settle(List.of(Settled.redeliver(first, delay))))
                        .containsExactly(SettleOutcome.SETTLED);
                assertThat(raw.poll(1)).hasSize(1);
                assertThat(System.nanoTime()).as("when it came again").isGreaterThanOrEqualTo(notBefore);
            }
            return;
        }
        Audience reader = fabric.ephemeral("able", ACME, "able.x");
        reader.join(fabric.bus(), delivery -> {
            reader.reader.delivered(delivery.event());
            reader.reader.redelivered(delivery.event().id(), System.nanoTime());
            if (delivery.attempt() == 1) {
                reader.reader.expectAgainNotBefore(delivery.event().id(), System.nanoTime() + delay.toNanos());
                delivery.redeliver(delay);
            } else {
                reader.reader.ended(delivery.event().id());
            }
        });
        fabric.publishAll(ACME, "able.x", 0, 1);
        fabric.awaitAll();
    }

    /** A hold can be prolonged, or does not end by time. */
    @Test
    void extend() throws Exception {
        Fabric fabric = fabric();
        try (Raw raw = new Raw(fabric, "able.x")) {
            raw.publish(fabric.event("able.x", null, 1));
            List<InboundDelivery> held = raw.poll(1);
            Duration lease = raw.subscription.lease();
            assertThat(lease).isBetween(Duration.ZERO, Duration.ofHours(1));
            if (!fabric.can(Capability.EXTEND)) {
                assertThat(lease).as("a lease that nobody can prolong").isZero();
                return;
            }
            assertThat(raw.subscription.extend(held, Duration.ofSeconds(30))).containsExactly(SettleOutcome.SETTLED);
            assertThat(raw.subscription.settle(List.of(Settled.ack(held.get(0)))))
                    .containsExactly(SettleOutcome.SETTLED);
            assertThat(raw.subscription.extend(held, Duration.ofSeconds(30)))
                    .as("prolonging what is settled")
                    .doesNotContain(SettleOutcome.SETTLED);
        }
    }

    @Test
    void replayEarliest() {
        Fabric fabric = fabric();
        SubscribeOptions earliest = SubscribeOptions.ephemeral().startAt(StartAt.EARLIEST);
        if (!fabric.can(Capability.REPLAY_EARLIEST)) {
            assertUnsupported(() -> subscribe(earliest, "able.x"));
            return;
        }
        fabric.publishAll(ACME, "able.x", 4, 100);
        fromTheStart("able", "able.x", earliest).join();
        fabric.publishAll(ACME, "able.x", 4, 100);
        fabric.awaitAll();
        fabric.assertNoDuplicates();
        if (fabric.can(Capability.KEY_ORDER)) {
            fabric.assertOrdered();
        }
    }

    private Audience fromTheStart(String name, String topic, SubscribeOptions options) {
        return new Audience(
                fabric(), fabric().ledger.readerFromTheStart(name, ACME, TopicPattern.of(topic)), ACME, topic, options);
    }

    @Test
    void replayTime() {
        Fabric fabric = fabric();
        if (!fabric.can(Capability.REPLAY_TIME)) {
            assertUnsupported(
                    () -> subscribe(SubscribeOptions.ephemeral().startAt(StartAt.at(Instant.EPOCH)), "able.x"));
            return;
        }
        fabric.publishAll(ACME, "able.x", 4, 50);
        Fabric.pause(Duration.ofMillis(1_500));
        Instant middle = ai.greentic.events.spi.Time.system().now();
        Audience late = fabric.ephemeral("late", ACME, "able.x").with(options -> options.startAt(StartAt.at(middle)));
        fabric.publishAll(ACME, "able.x", 4, 50);
        late.join();
        fromTheStart("from the epoch", "able.x", SubscribeOptions.ephemeral().startAt(StartAt.at(Instant.EPOCH)))
                .join();
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }

    @Test
    void replayPosition() {
        Fabric fabric = fabric();
        if (!fabric.can(Capability.REPLAY_POSITION)) {
            assertUnsupported(() -> subscribe(
                    SubscribeOptions.ephemeral().startAt(StartAt.after(Map.of("kit", new Position("kit", "1")))),
                    "able.x"));
            return;
        }
        Position middle = null;
        for (int i = 0; i < 50; i++) {
            PublishReceipt receipt = fabric.publish(fabric.event("able.x", "k", i));
            middle = receipt.position().orElseThrow();
        }
        Map<String, Position> positions = Map.of("kit", java.util.Objects.requireNonNull(middle));
        Audience after =
                fabric.ephemeral("after", ACME, "able.x").with(options -> options.startAt(StartAt.after(positions)));
        fabric.publishAll(ACME, "able.x", 4, 50);
        fabric.reopen();
        after.join();
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }

    /** Never early; where neither provider nor engine can wait, it is refused. */
    @Test
    void schedule() {
        Fabric fabric = fabric();
        Duration wait = Duration.ofMillis(400);
        PublishOptions later = PublishOptions.NONE.deliverAfter(wait);
        if (!fabric.can(Capability.SCHEDULE) && fabric.target.stateDirectory() == null) {
            assertUnsupported(() -> fabric.bus().publish(fabric.event("able.x", null, 1), later));
            return;
        }
        List<Long> came = new CopyOnWriteArrayList<>();
        Audience reader = fabric.ephemeral("able", ACME, "able.x");
        reader.join(fabric.bus(), delivery -> {
            came.add(System.nanoTime());
            reader.reader.handled(delivery);
        });
        long notBefore = System.nanoTime() + wait.toNanos();
        for (int i = 0; i < 20; i++) {
            fabric.publish(fabric.event("able.x", null, i), later);
        }
        fabric.awaitAll();
        assertThat(came).hasSize(20).allMatch(time -> time >= notBefore);
        fabric.assertNoDuplicates();
    }

    /** What has expired is not delivered, whoever sees to it. */
    @Test
    void ttl() throws Exception {
        Fabric fabric = fabric();
        CountDownLatch free = new CountDownLatch(1);
        List<Integer> handled = new CopyOnWriteArrayList<>();
        fabric.bus()
                .subscribe(ACME, "able.x", SubscribeOptions.ephemeral().concurrency(1), delivery -> {
                    handled.add(delivery.payload(Integer.class));
                    free.await();
                })
                .ready()
                .join();
        var unused = fabric.bus().publish(fabric.event("able.x", "k", 1));
        fabric.await("the first is in hand", () -> handled.size() == 1);
        var unusedToo =
                fabric.bus().publish(fabric.event("able.x", "k", 2), PublishOptions.NONE.ttl(Duration.ofMillis(50)));
        var unusedAlso = fabric.bus().publish(fabric.event("able.x", "k", 3));
        Fabric.pause(Duration.ofMillis(100));
        free.countDown();
        fabric.await("the last", () -> handled.contains(3));
        assertThat(handled).containsExactly(1, 3);
    }

    @Test
    void priority() throws Exception {
        Fabric fabric = fabric();
        PublishOptions high = PublishOptions.NONE.priority(Priority.HIGH);
        if (!fabric.can(Capability.PRIORITY)) {
            assertUnsupported(() -> fabric.bus().publish(fabric.event("able.x", null, 1), high));
            return;
        }
        CountDownLatch free = new CountDownLatch(1);
        List<Integer> handled = new CopyOnWriteArrayList<>();
        Audience reader = fabric.ephemeral("able", ACME, "able.x")
                .with(options -> options.concurrency(1).maxInFlight(1));
        reader.join(fabric.bus(), delivery -> {
            free.await();
            handled.add(delivery.payload(Integer.class));
            reader.reader.handled(delivery);
        });
        for (int i = 0; i < 30; i++) {
            fabric.publish(fabric.event("able.x", null, i));
        }
        fabric.publish(fabric.event("able.x", null, 1_000), high);
        free.countDown();
        fabric.awaitAll();
        assertThat(handled.indexOf(1_000))
                .as("place of the urgent one in %s", handled)
                .isLessThan(10);
        fabric.assertNoDuplicates();
    }

    @Test
    void durableProcessCrash() {
        Fabric fabric = fabric();
        PublishReceipt receipt = fabric.publish(fabric.event("able.x", null, 1));
        assertThat(receipt.durable()).isEqualTo(fabric.can(Capability.DURABLE_PROCESS_CRASH));
        if (fabric.can(Capability.DURABLE_PROCESS_CRASH)) {
            assertThat(fabric.target.shared())
                    .as("what survives a process is there for the next one")
                    .isTrue();
        }
    }

    /** No kit can cut the power, so the author names the test that does, and it must exist. */
    @Test
    void durablePowerLoss() throws Exception {
        Fabric fabric = fabric();
        String named = fabric.target.powerLossTest();
        if (!fabric.can(Capability.DURABLE_POWER_LOSS)) {
            assertThat(named).as("a test of what is not declared").isNull();
            return;
        }
        assertThat(fabric.can(Capability.DURABLE_PROCESS_CRASH)).isTrue();
        assertThat(named).as("the test that proves DURABLE_POWER_LOSS").contains("#");
        String[] test = java.util.Objects.requireNonNull(named).split("#", 2);
        assertThat(ReflectionSupport.findMethod(Class.forName(test[0]), test[1]))
                .as("%s, a test", named)
                .hasValueSatisfying(method ->
                        assertThat(method.isAnnotationPresent(Test.class)).isTrue());
    }
}
