package ai.greentic.events.conformance;

import static ai.greentic.events.conformance.Fabric.ACME;
import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.EventId;
import ai.greentic.events.EventsException;
import ai.greentic.events.bus.Delivery;
import ai.greentic.events.bus.PullSubscription;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.spi.Tasks;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What an ack means, and what no ack means. */
abstract class AcknowledgeChecks extends Checks {
    AcknowledgeChecks(ProviderConformance kit) {
        super(kit);
    }

    private static List<Delivery> take(PullSubscription pull, int count) throws InterruptedException {
        List<Delivery> taken = new ArrayList<>();
        long end = System.nanoTime() + Fabric.patience().toNanos();
        while (taken.size() < count && System.nanoTime() < end) {
            taken.addAll(pull.next(count - taken.size(), Duration.ofSeconds(1)));
        }
        assertThat(taken).hasSize(count);
        return taken;
    }

    /** Half are acked, then everybody leaves: the other half comes again, and only that. */
    @Test
    void P9_whatIsNotAckedComesAgainAndWhatIsAckedDoesNot() throws Exception {
        Fabric fabric = fabric();
        if (!fabric.can(Capability.GROUP)) {
            Audience reader = fabric.ephemeral("alone", ACME, "ack.x");
            reader.join();
            fabric.publishAll(ACME, "ack.x", 0, 50);
            fabric.awaitAll();
            fabric.assertNoDuplicates();
            return;
        }
        Audience group = fabric.group("halves", ACME, "ack.x");
        int count = Size.of(200, 40);
        PullSubscription pull = group.pull(fabric.bus());
        fabric.publishAll(ACME, "ack.x", 0, count);
        for (Delivery delivery : take(pull, count)) {
            EventId id = delivery.event().id();
            group.reader.delivered(delivery.event());
            if (delivery.payload(Integer.class) % 2 == 0) {
                assertThat(delivery.ack()).isTrue();
                delivery.settled().get(30, TimeUnit.SECONDS);
                group.reader.ended(id);
            } else {
                group.reader.expectAgain(id);
            }
        }
        pull.close();
        fabric.reopen();
        group.join();
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }

    @Test
    void P9_theFirstSettlementWins() throws Exception {
        Fabric fabric = fabric();
        Audience reader = fabric.ephemeral("twice", ACME, "ack.twice");
        try (PullSubscription pull = reader.pull(fabric.bus())) {
            fabric.publishAll(ACME, "ack.twice", 0, 3);
            List<Delivery> taken = take(pull, 3);
            taken.forEach(delivery -> reader.reader.delivered(delivery.event()));
            assertThat(taken.get(0).ack()).isTrue();
            assertThat(taken.get(0).ack()).isFalse();
            assertThat(taken.get(0).redeliver(Duration.ZERO)).isFalse();
            reader.reader.expectAgain(taken.get(1).event().id());
            assertThat(taken.get(1).redeliver(Duration.ZERO)).isTrue();
            assertThat(taken.get(1).ack()).isFalse();
            assertThat(taken.get(2).ack()).isTrue();
            Delivery again = take(pull, 1).get(0);
            reader.reader.delivered(again.event());
            assertThat(again.event().id()).isEqualTo(taken.get(1).event().id());
            assertThat(again.attempt()).isEqualTo(2);
            assertThat(again.ack()).isTrue();
            taken.forEach(delivery -> reader.reader.ended(delivery.event().id()));
            fabric.awaitAll();
        }
        fabric.assertNoDuplicates();
    }

    /** A handler works five times as long as it said, and says so: nobody else gets its event meanwhile. */
    @Test
    void P9_anExtendedDeliveryStaysWithItsHandler() throws Exception {
        Fabric fabric = fabric();
        Duration lease = Duration.ofMillis(Size.of(2_000, 400));
        Audience reader = fabric.ephemeral("slow", ACME, "ack.slow").with(options -> options.ackTimeout(lease));
        try (PullSubscription pull = reader.pull(fabric.bus())) {
            fabric.publishAll(ACME, "ack.slow", 0, 1);
            Delivery delivery = take(pull, 1).get(0);
            reader.reader.delivered(delivery.event());
            for (int i = 0; i < 20; i++) {
                Fabric.pause(lease.dividedBy(4));
                delivery.extend(lease);
            }
            assertThat(pull.next(Duration.ZERO)).isEmpty();
            assertThat(delivery.ack()).isTrue();
            reader.reader.ended(delivery.event().id());
            fabric.awaitAll();
        }
        fabric.assertNoDuplicates();
    }

    /** A delivery that is neither settled nor extended is taken back, and its late ack counts for nothing. */
    @Test
    void P9_aForgottenDeliveryComesAgainAndItsLateAckIsRefused() throws Exception {
        Fabric fabric = fabric();
        fabric.log.expect("was not settled within its ack timeout");
        Audience reader = fabric.ephemeral("forgetful", ACME, "ack.late")
                .with(options -> options.ackTimeout(Duration.ofMillis(200)));
        try (PullSubscription pull = reader.pull(fabric.bus())) {
            fabric.publishAll(ACME, "ack.late", 0, 1);
            Delivery forgotten = take(pull, 1).get(0);
            reader.reader.delivered(forgotten.event());
            reader.reader.expectAgain(forgotten.event().id());
            Delivery again = take(pull, 1).get(0);
            reader.reader.delivered(again.event());
            assertThat(forgotten.ack()).isFalse();
            assertThat(again.ack()).isTrue();
            reader.reader.ended(again.event().id());
            fabric.awaitAll();
        }
        fabric.assertNoDuplicates();
    }

    /** At the provider itself: a member that has left settles nothing any more. */
    @Test
    void P6_whoLeftCannotSettle() throws Exception {
        Fabric fabric = fabric();
        EventProvider provider = fabric.provider();
        Tasks tasks = Tasks.threads("kit-signals");
        String group = fabric.can(Capability.GROUP) ? "leavers" : null;
        try {
            ProviderSubscription first = provider.subscribe(request(tasks, group));
            publishRaw(provider, fabric, 6);
            List<InboundDelivery> held = poll(first, 6);
            assertThat(first.settle(List.of(Settled.ack(held.get(0))))).containsExactly(SettleOutcome.SETTLED);
            assertThat(first.settle(List.of(Settled.ack(held.get(0)))))
                    .as("the second ack of one delivery")
                    .containsExactly(SettleOutcome.LOST);
            if (group == null) {
                first.close();
                return;
            }
            ProviderSubscription second = provider.subscribe(request(tasks, group));
            first.close();
            List<InboundDelivery> again = poll(second, 5);
            assertThat(again)
                    .extracting(AcknowledgeChecks::numberOf)
                    .containsExactlyInAnyOrderElementsOf(held.subList(1, 6).stream()
                            .map(AcknowledgeChecks::numberOf)
                            .toList());
            assertLost(first, held);
            assertThat(second.settle(again.stream().map(Settled::ack).toList())).containsOnly(SettleOutcome.SETTLED);
            second.close();
            ProviderSubscription third = provider.subscribe(request(tasks, group));
            assertThat(third.poll(10, Duration.ofMillis(100)).deliveries()).isEmpty();
            third.close();
        } finally {
            provider.close();
            tasks.close();
        }
    }

    private static void assertLost(ProviderSubscription left, List<InboundDelivery> held) {
        try {
            assertThat(left.settle(held.stream().map(Settled::ack).toList())).doesNotContain(SettleOutcome.SETTLED);
        } catch (EventsException e) {
            assertThat(e.code()).isEqualTo(ai.greentic.events.ErrorCode.CLOSED);
        }
    }

    private static SubscribeRequest request(Tasks tasks, @org.jspecify.annotations.Nullable String group) {
        return new SubscribeRequest(
                List.of(new SubscribeRequest.Filter(ACME, ai.greentic.events.TopicPattern.of("raw.x"))),
                group,
                ai.greentic.events.StartAt.NEW,
                tasks.signal());
    }

    private static void publishRaw(EventProvider provider, Fabric fabric, int count) throws Exception {
        List<OutboundEvent> batch = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            batch.add(new Raw.Event(fabric.event("raw.x", null, i)));
        }
        for (var stage : provider.publish(batch)) {
            assertThat(stage.toCompletableFuture().get(30, TimeUnit.SECONDS).isAccepted())
                    .isTrue();
        }
    }

    private static List<InboundDelivery> poll(ProviderSubscription subscription, int count) throws Exception {
        List<InboundDelivery> taken = new ArrayList<>();
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (taken.size() < count && System.nanoTime() < end) {
            var polled = subscription.poll(count - taken.size(), Duration.ofMillis(50));
            polled.revoking().forEach(subscription::released);
            taken.addAll(polled.deliveries());
        }
        assertThat(taken).hasSize(count);
        return taken;
    }

    private static long numberOf(InboundDelivery delivery) {
        return Raw.eventOf(delivery).payload().as(Long.class);
    }

    /** Members that stop without a word of what they hold: another one gets it. */
    @Test
    void P9_whatAClosedMemberHeldGoesToAnother() throws Exception {
        Fabric fabric = fabric();
        if (!fabric.can(Capability.GROUP)) {
            CapabilityChecks.assertUnsupported(
                    () -> fabric.group("heirs", ACME, "ack.heirs").join());
            return;
        }
        Audience group = fabric.group("heirs", ACME, "ack.heirs");
        List<PullSubscription> holders = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            holders.add(group.pull(fabric.another()));
        }
        fabric.publishAll(ACME, "ack.heirs", 0, 60);
        for (PullSubscription holder : holders) {
            for (Delivery delivery : holder.next(20, Duration.ofSeconds(1))) {
                group.reader.delivered(delivery.event());
                group.reader.expectAgain(delivery.event().id());
            }
        }
        Subscription heir = group.join();
        holders.forEach(Subscription::close);
        fabric.awaitAll();
        fabric.assertNoDuplicates();
        heir.close();
    }
}
