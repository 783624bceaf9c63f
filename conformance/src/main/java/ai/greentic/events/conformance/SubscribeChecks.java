package ai.greentic.events.conformance;

import static ai.greentic.events.conformance.Fabric.ACME;
import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.bus.Delivery;
import ai.greentic.events.bus.PullSubscription;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.spi.Capability;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import org.junit.jupiter.api.Test;

/** Who gets what. */
abstract class SubscribeChecks extends Checks {
    /** Pattern, then the topics of {@link #TOPICS} that are in it. */
    private static final Map<String, List<String>> TRUTH = new LinkedHashMap<>();

    private static final List<String> TOPICS = List.of(
            "orders",
            "orders.created",
            "orders.created.eu",
            "order.created",
            "payments.created",
            "a",
            "a.b",
            "x.orders");

    static {
        TRUTH.put("*", TOPICS);
        TRUTH.put("orders", List.of("orders"));
        TRUTH.put("orders.*", List.of("orders.created", "orders.created.eu"));
        TRUTH.put("orders*", List.of("orders", "orders.created", "orders.created.eu"));
        TRUTH.put("*orders", List.of("orders", "x.orders"));
        TRUTH.put("*.created", List.of("orders.created", "order.created", "payments.created"));
        TRUTH.put("order?.created", List.of("orders.created"));
        TRUTH.put("?", List.of("a"));
        TRUTH.put("a.?", List.of("a.b"));
        TRUTH.put("*.created.*", List.of("orders.created.eu"));
        TRUTH.put(
                "*e*",
                List.of(
                        "orders",
                        "orders.created",
                        "orders.created.eu",
                        "order.created",
                        "payments.created",
                        "x.orders"));
        TRUTH.put("nothing.*", List.of());
    }

    SubscribeChecks(ProviderConformance kit) {
        super(kit);
    }

    /** Every pattern with every topic: overlapping subscriptions get one delivery each. */
    @Test
    void P5_aPatternGetsItsTopicsAndNoOthers() {
        Fabric fabric = fabric();
        Map<String, Set<String>> seen = new LinkedHashMap<>();
        Map<String, List<String>> truth = new LinkedHashMap<>();
        if (fabric.can(Capability.WILDCARD)) {
            truth.putAll(TRUTH);
        } else {
            CapabilityChecks.assertUnsupported(() -> fabric.bus().subscribe(ACME, "orders.*", delivery -> {}));
        }
        TOPICS.forEach(topic -> truth.put(topic, List.of(topic)));
        truth.keySet().forEach(pattern -> {
            Set<String> topics = new ConcurrentSkipListSet<>();
            seen.put(pattern, topics);
            Audience audience = fabric.ephemeral(pattern, ACME, pattern);
            audience.join(fabric.bus(), delivery -> {
                topics.add(delivery.event().topic().value());
                audience.reader.handled(delivery);
            });
        });
        for (int round = 0; round < Size.of(50, 5); round++) {
            for (String topic : TOPICS) {
                fabric.publish(fabric.event(topic, null, round));
            }
        }
        fabric.awaitAll();
        fabric.assertNoDuplicates();
        truth.forEach((pattern, topics) ->
                assertThat(seen.get(pattern)).as("pattern %s", pattern).isEqualTo(new TreeSet<>(topics)));
    }

    /** What is accepted after the subscription is ready is in it, and nothing from before. */
    @Test
    void P9_fromReadyOnNothingIsMissedAndNothingOldComes() {
        Fabric fabric = fabric();
        for (int round = 0; round < Size.of(100, 15); round++) {
            fabric.publishAll(ACME, "ready.now", 3, 5);
            fabric.ephemeral("round " + round, ACME, "ready.now").join();
            fabric.publishAll(ACME, "ready.now", 3, 5);
        }
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }

    @Test
    void P9_everyEphemeralSubscriptionGetsEverything() {
        Fabric fabric = fabric();
        for (int i = 0; i < Size.of(50, 10); i++) {
            fabric.ephemeral("reader " + i, ACME, "many.readers").join(fabric.bus());
        }
        fabric.publishAll(ACME, "many.readers", 7, Size.of(2_000, 200));
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }

    @Test
    void P9_aPullSubscriptionGetsEverythingAndGivesBackWhatItDoesNotSettle() throws Exception {
        Fabric fabric = fabric();
        Audience audience = fabric.ephemeral("pull", ACME, "pull.me");
        int count = Size.of(2_000, 200);
        try (PullSubscription pull = audience.pull(fabric.bus())) {
            fabric.publishAll(ACME, "pull.me", 10, count);
            int number = 0;
            while (audience.reader.waiting() > 0) {
                for (Delivery delivery : pull.next(16, Duration.ofSeconds(20))) {
                    EventEnvelope event = delivery.event();
                    audience.reader.delivered(event);
                    if (delivery.attempt() == 1 && number++ % 10 == 0) {
                        audience.reader.expectAgain(event.id());
                        delivery.close();
                    } else {
                        assertThat(delivery.ack()).isTrue();
                        audience.reader.ended(event.id());
                    }
                }
            }
            fabric.awaitAll();
        }
        fabric.assertNoDuplicates();
    }

    @Test
    void P9_aClosedSubscriptionGetsNothingMoreAndSaysThatItEnded() throws Exception {
        Fabric fabric = fabric();
        Set<String> late = new ConcurrentSkipListSet<>();
        Subscription subscription = fabric.bus()
                .subscribe(
                        ACME,
                        "closed.sub",
                        delivery -> late.add(delivery.event().id().value()));
        subscription.ready().get(30, java.util.concurrent.TimeUnit.SECONDS);
        subscription.close();
        subscription.terminated().get(30, java.util.concurrent.TimeUnit.SECONDS);
        assertThat(subscription.state()).isEqualTo(Subscription.State.CLOSED);
        fabric.ephemeral("other", ACME, "closed.sub").join();
        fabric.publishAll(ACME, "closed.sub", 0, 50);
        fabric.awaitAll();
        assertThat(late).isEmpty();
    }
}
