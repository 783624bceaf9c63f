package ai.greentic.events.conformance;

import static ai.greentic.events.conformance.Fabric.ACME;
import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.bus.EventHandler;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.spi.Capability;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Handler effects within a key come in publish order; keys do not wait for each other. */
abstract class OrderChecks extends Checks {
    OrderChecks(ProviderConformance kit) {
        super(kit);
    }

    /** Groups in order need both; where one is missing, holding keys must be refused. */
    private boolean refusedInstead() {
        Fabric fabric = fabric();
        if (fabric.canAll(Capability.GROUP, Capability.KEY_ORDER, Capability.KEY_AFFINITY)) {
            return false;
        }
        CapabilityChecks.assertUnsupported(() -> fabric.bus()
                .subscribe(
                        ACME,
                        "order.x",
                        SubscribeOptions.group("g").onExhausted(SubscribeOptions.OnExhausted.HOLD_KEY),
                        delivery -> {}));
        return true;
    }

    /** Fails one in twenty and gives one in fifty back with a delay. */
    private static EventHandler troubled(Audience group, Map<String, List<Integer>> effects) {
        return delivery -> {
            EventEnvelope event = delivery.event();
            ThreadLocalRandom random = ThreadLocalRandom.current();
            if (random.nextInt(20) == 0) {
                group.reader.delivered(event);
                group.reader.expectAgain(event.id());
                throw new IllegalStateException("the kit fails on purpose");
            }
            if (random.nextInt(50) == 0) {
                group.reader.delivered(event);
                group.reader.expectAgain(event.id());
                delivery.redeliver(Duration.ofMillis(random.nextInt(20)));
                return;
            }
            effects.computeIfAbsent(event.orderingKey().orElseThrow(), key -> new ArrayList<>())
                    .add(delivery.payload(Integer.class));
            group.reader.handled(delivery);
        };
    }

    @Test
    void P6_effectsOfAKeyComeInOrderThroughFailuresDelaysAndARestart() {
        if (refusedInstead()) {
            return;
        }
        Fabric fabric = fabric();
        int keys = Size.of(100, 20);
        int each = Size.of(500, 30);
        Map<String, List<Integer>> effects = new ConcurrentHashMap<>();
        Audience group = fabric.group("ordered", ACME, fabric.pattern("order.*", "order.x"))
                .with(options -> options.concurrency(4));
        List<Subscription> members = new ArrayList<>();
        for (int half = 0; half < 2; half++) {
            members.add(group.join(fabric.another(), troubled(group, effects)));
            members.add(group.join(fabric.another(), troubled(group, effects)));
            // Three of each key at a time: a provider that mixes up what it has at hand must have something to mix up.
            for (int i = half * each / 2; i < (half + 1) * each / 2; i += 3) {
                List<CompletableFuture<PublishReceipt>> round = new ArrayList<>();
                for (int number = i; number < Math.min(i + 3, (half + 1) * each / 2); number++) {
                    for (int key = 0; key < keys; key++) {
                        round.add(fabric.publishAsync(fabric.event(ACME, "order.x", "key-" + key, Payload.of(number))));
                    }
                }
                Fabric.join(round);
            }
            if (half == 0) {
                members.forEach(Subscription::close);
                fabric.reopen();
            }
        }
        fabric.awaitAll();
        fabric.assertOrdered();
        fabric.assertNoDuplicates();
        assertThat(effects).hasSize(keys);
        List<Integer> all = java.util.stream.IntStream.range(0, each).boxed().toList();
        effects.forEach((key, numbers) ->
                assertThat(numbers).as("effects of %s%s", key, Fabric.seed()).isEqualTo(all));
    }

    @Test
    void P6_theOrderHoldsWhileMembersComeAndGo() {
        if (refusedInstead()) {
            return;
        }
        Fabric fabric = fabric();
        Map<String, List<Integer>> effects = new ConcurrentHashMap<>();
        Audience group = fabric.group("moving", ACME, fabric.pattern("order.*", "order.x"));
        List<Subscription> members = new ArrayList<>();
        int rounds = Size.of(100, 12);
        for (int round = 0; round < rounds; round++) {
            members.add(group.join(fabric.bus(), troubled(group, effects)));
            for (int i = 0; i < 10; i++) {
                for (int key = 0; key < 12; key++) {
                    fabric.publish(fabric.event(ACME, "order.x", "key-" + key, Payload.of(round * 10 + i)));
                }
            }
            if (members.size() > 2) {
                members.remove(0).close();
            }
        }
        fabric.awaitAll();
        fabric.assertOrdered();
        fabric.assertNoDuplicates();
        List<Integer> all =
                java.util.stream.IntStream.range(0, rounds * 10).boxed().toList();
        effects.forEach((key, numbers) ->
                assertThat(numbers).as("effects of %s%s", key, Fabric.seed()).isEqualTo(all));
    }

    /** While one key's handler hangs, the others get at least 95 of 100 of theirs. */
    @Test
    void P7_aBlockedKeyHoldsUpNoOther() throws Exception {
        if (refusedInstead()) {
            return;
        }
        Fabric fabric = fabric();
        Audience group = fabric.group("blocked", ACME, fabric.pattern("order.*", "order.x"));
        CountDownLatch free = new CountDownLatch(1);
        AtomicInteger others = new AtomicInteger();
        group.join(fabric.bus(), delivery -> {
            if (delivery.event().orderingKey().orElseThrow().equals("bad")) {
                free.await();
            } else {
                others.incrementAndGet();
            }
            group.reader.handled(delivery);
        });
        int count = Size.of(5_000, 200);
        for (int i = 0; i < count; i++) {
            fabric.publish(fabric.event("order.x", "bad", i));
            fabric.publish(fabric.event("order.x", "good-" + i % 50, i));
        }
        try {
            fabric.await("the other keys go on", () -> others.get() >= count * 95 / 100);
        } finally {
            free.countDown();
        }
        fabric.awaitAll();
        fabric.assertOrdered();
        fabric.assertNoDuplicates();
    }

    /** Events without a key flow also where the order of keys is kept. */
    @Test
    void P7_eventsWithoutAKeyDoNotWaitForEachOther() throws Exception {
        Fabric fabric = fabric();
        Audience reader = fabric.ephemeral("unordered", ACME, "order.free");
        CountDownLatch both = new CountDownLatch(2);
        reader.join(fabric.bus(), delivery -> {
            both.countDown();
            assertThat(both.await(Fabric.patience().toSeconds(), java.util.concurrent.TimeUnit.SECONDS))
                    .isTrue();
            reader.reader.handled(delivery);
        });
        fabric.publish(fabric.event("order.free", null, 1));
        fabric.publish(fabric.event("order.free", null, 2));
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }
}
