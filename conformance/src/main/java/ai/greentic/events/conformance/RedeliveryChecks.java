package ai.greentic.events.conformance;

import static ai.greentic.events.conformance.Fabric.ACME;
import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.EventId;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.delivery.Backoff;
import ai.greentic.events.delivery.RedeliveryPolicy;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.DeadLetterFilter;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** When an event comes again, and how often. */
abstract class RedeliveryChecks extends Checks {
    RedeliveryChecks(ProviderConformance kit) {
        super(kit);
    }

    @Test
    void P8_aDelayIsNeverEarly() {
        Fabric fabric = fabric();
        Audience reader = fabric.ephemeral("delayed", ACME, "again.delay");
        List<Integer> delays = Size.CHOSEN == Size.FULL ? List.of(0, 50, 250, 1_000, 5_000) : List.of(0, 50, 250);
        reader.join(fabric.bus(), delivery -> {
            EventId id = delivery.event().id();
            reader.reader.delivered(delivery.event());
            reader.reader.redelivered(id, System.nanoTime());
            if (delivery.attempt() == 1) {
                Duration delay = Duration.ofMillis(delays.get(delivery.payload(Integer.class) % delays.size()));
                reader.reader.expectAgainNotBefore(id, System.nanoTime() + delay.toNanos());
                delivery.redeliver(delay);
            } else {
                reader.reader.ended(id);
            }
        });
        fabric.publishAll(ACME, "again.delay", 0, Size.of(500, 60));
        fabric.awaitAll();
        assertThat(fabric.ledger.account().early()).isZero();
        fabric.assertNoDuplicates();
    }

    /** A policy's waits hold, attempts count from 1, and after the last comes the dead letter. */
    @Test
    void P8_P2_attemptsCountFromOneAndEndInADeadLetter() {
        Fabric fabric = fabric();
        fabric.log.expect("is a dead letter");
        Map<EventId, List<Integer>> attempts = new ConcurrentHashMap<>();
        Map<EventId, Long> notBefore = new ConcurrentHashMap<>();
        List<String> early = new CopyOnWriteArrayList<>();
        Duration wait = Duration.ofMillis(30);
        Audience reader = fabric.ephemeral("failing", ACME, "again.fail")
                .with(options -> options.redelivery(new RedeliveryPolicy(4, wait, wait, Backoff.FIXED)));
        int count = Size.of(200, 30);
        reader.join(fabric.bus(), delivery -> {
            EventId id = delivery.event().id();
            reader.reader.delivered(delivery.event());
            attempts.computeIfAbsent(id, key -> new CopyOnWriteArrayList<>()).add(delivery.attempt());
            if (System.nanoTime() < notBefore.getOrDefault(id, Long.MIN_VALUE)) {
                early.add(id + " attempt " + delivery.attempt());
            }
            if (delivery.attempt() < 4) {
                reader.reader.expectAgain(id);
                notBefore.put(id, System.nanoTime() + wait.toNanos());
            }
            throw new IllegalStateException("the kit fails on purpose");
        });
        fabric.publishAll(ACME, "again.fail", 7, count);
        fabric.await(
                "every event is a dead letter",
                () -> fabric.bus()
                                .deadLetters(ACME)
                                .list(DeadLetterFilter.ALL, 10_000)
                                .size()
                        == count);
        fabric.bus().deadLetters(ACME).list(DeadLetterFilter.ALL, 10_000).forEach(letter -> {
            assertThat(letter.attempts()).isEqualTo(4);
            assertThat(letter.history()).hasSize(4);
            reader.reader.ended(letter.eventId().orElseThrow());
        });
        assertThat(attempts).hasSize(count);
        assertThat(attempts.values()).allMatch(List.of(1, 2, 3, 4)::equals);
        assertThat(early).isEmpty();
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }

    /** Attempts are counted over the end of the member, and of its bus where events outlive that. */
    @Test
    void P8_attemptsSurviveARestartOfTheGroup() {
        Fabric fabric = fabric();
        Audience group = fabric.group("restarted", ACME, "again.restart")
                .with(options -> options.redelivery(
                        new RedeliveryPolicy(50, Duration.ofMillis(5), Duration.ofMillis(5), Backoff.FIXED)));
        if (!fabric.can(Capability.GROUP)) {
            CapabilityChecks.assertUnsupported(group::join);
            return;
        }
        Map<EventId, Integer> newest = new ConcurrentHashMap<>();
        List<String> wrong = new CopyOnWriteArrayList<>();
        int restarts = Size.of(20, 4);
        group.join().close();
        fabric.publishAll(ACME, "again.restart", 3, 12);
        for (int restart = 0; restart <= restarts; restart++) {
            int round = restart;
            int target = 2 * (restart + 1);
            Subscription member = group.join(fabric.bus(), delivery -> {
                EventId id = delivery.event().id();
                Integer before = newest.put(id, delivery.attempt());
                // One that was in hand when its member ended may be counted or not; none may be forgotten.
                if (before != null && delivery.attempt() != before + 1) {
                    wrong.add(id + ": " + delivery.attempt() + " after " + before);
                }
                if (round < restarts) {
                    group.reader.delivered(delivery.event());
                    group.reader.expectAgain(id);
                    throw new IllegalStateException("the kit fails on purpose");
                }
                group.reader.handled(delivery);
            });
            if (restart < restarts) {
                fabric.await(
                        "attempt " + target, () -> newest.values().stream().anyMatch(attempt -> attempt >= target));
                member.close();
                fabric.reopen();
            }
        }
        fabric.awaitAll();
        assertThat(wrong).isEmpty();
        assertThat(fabric.bus().deadLetters(ACME).list(DeadLetterFilter.ALL, 1)).isEmpty();
    }

    /** One key fails for a while: its later events wait for it, and come in order. */
    @Test
    void P6_aRedeliveryComesBeforeTheLaterEventsOfItsKey() {
        Fabric fabric = fabric();
        Audience reader = fabric.ephemeral("stubborn", ACME, "again.key");
        reader.join(fabric.bus(), delivery -> {
            if (delivery.payload(Integer.class) % 10 == 0 && delivery.attempt() < 3) {
                reader.reader.delivered(delivery.event());
                reader.reader.expectAgain(delivery.event().id());
                throw new IllegalStateException("the kit fails on purpose");
            }
            reader.reader.handled(delivery);
        });
        fabric.publishAll(ACME, "again.key", 4, Size.of(2_000, 200));
        fabric.awaitAll();
        if (fabric.can(Capability.KEY_ORDER)) {
            fabric.assertOrdered();
        }
        fabric.assertNoDuplicates();
    }
}
