package ai.greentic.events.conformance;

import static ai.greentic.events.conformance.Fabric.ACME;
import static ai.greentic.events.conformance.Fabric.GLOBEX;
import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventId;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.bus.DeadLetters;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.RedriveOptions;
import ai.greentic.events.bus.RedriveReport;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterId;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What could not be delivered is kept whole, and comes back once. */
abstract class DeadLetterChecks extends Checks {
    DeadLetterChecks(ProviderConformance kit) {
        super(kit);
    }

    /** What was handled in the end, by key. */
    private final Map<String, List<Integer>> effects = new ConcurrentHashMap<>();

    /** Rejects everything until it is well. */
    private Audience rejecting(String name, String pattern, AtomicBoolean well) {
        Fabric fabric = fabric();
        fabric.log.expect("is a dead letter");
        Audience audience = fabric.can(Capability.GROUP)
                ? fabric.group(name, ACME, pattern)
                : fabric.ephemeral(name, ACME, pattern);
        audience.join(fabric.bus(), delivery -> {
            if (well.get()) {
                delivery.event()
                        .orderingKey()
                        .ifPresent(key -> effects.computeIfAbsent(key, k -> new CopyOnWriteArrayList<>())
                                .add(numberIn(delivery.event())));
                audience.reader.handled(delivery);
            } else {
                audience.reader.delivered(delivery.event());
                audience.reader.expectAgain(delivery.event().id());
                delivery.reject("no such order");
            }
        });
        return audience;
    }

    private static int numberIn(EventEnvelope event) {
        String json = event.payload().json();
        return json.matches("[0-9]+") ? Integer.parseInt(json) : 0;
    }

    private void awaitLetters(int count) {
        fabric().await(
                        count + " letters",
                        () -> fabric().bus()
                                        .deadLetters(ACME)
                                        .list(DeadLetterFilter.ALL, 100_000)
                                        .size()
                                == count);
    }

    @Test
    void P2_aLetterHoldsTheEventAndItsHistory() throws Exception {
        Fabric fabric = fabric();
        AtomicBoolean well = new AtomicBoolean();
        rejecting("clinic", "dead.whole", well);
        Map<EventId, EventEnvelope> sent = new HashMap<>();
        for (int i = 0; i < Size.of(200, 20); i++) {
            EventEnvelope event =
                    fabric
                            .event(ACME, "dead.whole", "k" + i, Payload.json(" {\"n\" : 1.10, \"i\":" + i + "}"))
                            .toBuilder()
                            .correlationId("c-" + i)
                            .metadata("header", "wert ü")
                            .build();
            sent.put(event.id(), event);
            fabric.publish(event);
        }
        awaitLetters(sent.size());
        for (DeadLetter letter : fabric.bus().deadLetters(ACME).list(DeadLetterFilter.ALL, 1000)) {
            EventEnvelope event =
                    java.util.Objects.requireNonNull(sent.get(letter.eventId().orElseThrow()));
            EventEnvelope kept = EnvelopeCodec.STANDARD.decode(letter.encoded());
            assertThat(kept.payload().json()).isEqualTo(event.payload().json());
            assertThat(kept.metadata()).containsAllEntriesOf(event.metadata());
            assertThat(kept.correlationId()).isEqualTo(event.correlationId());
            assertThat(kept.orderingKey()).isEqualTo(event.orderingKey());
            assertThat(letter.address()).isEqualTo(event.address());
            assertThat(letter.provider()).isEqualTo("kit");
            assertThat(letter.code()).isEqualTo(ErrorCode.HANDLER_FAILED);
            assertThat(letter.reason()).contains("no such order");
            assertThat(letter.attempts()).isEqualTo(1);
            assertThat(letter.history()).hasSize(1);
            assertThat(letter.history().get(0).host()).isNotEmpty();
        }
        well.set(true);
        RedriveReport report =
                fabric.bus().deadLetters(ACME).redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD.rate(100_000));
        assertThat(report.redriven()).isEqualTo(sent.size());
        fabric.awaitAll();
        assertThat(fabric.bus().deadLetters(ACME).list(DeadLetterFilter.ALL, 1)).isEmpty();
        fabric.assertNoDuplicates();
    }

    /** While letters cannot be kept, their events come again and again, and none is acked. */
    @Test
    void P2_whatCannotBeKeptIsNotAcked() {
        Fabric fabric = fabric();
        fabric.log.expect("dead letter");
        AtomicInteger refusals = new AtomicInteger(Size.of(200, 20));
        fabric.with(builder -> builder.deadLetters(new RefusingStore(fabric.deadLetters, refusals)));
        Audience audience = fabric.ephemeral("uphill", ACME, "dead.refused");
        audience.join(fabric.bus(), delivery -> {
            audience.reader.delivered(delivery.event());
            audience.reader.expectAgain(delivery.event().id());
            delivery.reject("no such order");
        });
        int count = 10;
        fabric.publishAll(ACME, "dead.refused", 3, count);
        fabric.await(
                "letters in spite of refusals",
                () -> fabric.deadLetters
                                .list(ACME.tenant(), DeadLetterFilter.ALL, null, 100)
                                .size()
                        == count);
        assertThat(refusals.get()).isLessThanOrEqualTo(0);
        fabric.deadLetters
                .list(ACME.tenant(), DeadLetterFilter.ALL, null, 100)
                .forEach(letter -> audience.reader.ended(letter.eventId().orElseThrow()));
    }

    /** Looking does not consume; pages fit together while letters come; filters and groups agree. */
    @Test
    void P2_browsingChangesNothingAndPagesFitTogether() throws Exception {
        Fabric fabric = fabric();
        AtomicBoolean well = new AtomicBoolean();
        rejecting("browsed", fabric.can(Capability.WILDCARD) ? "dead.*" : "dead.a", well);
        int count = Size.of(1_000, 60);
        fabric.publishAll(ACME, "dead.a", 5, count);
        awaitLetters(count);
        DeadLetters letters = fabric.bus().deadLetters(ACME);
        Set<DeadLetterId> first = ids(letters, DeadLetterFilter.ALL);
        assertThat(first).hasSize(count);
        assertThat(ids(letters, DeadLetterFilter.ALL)).isEqualTo(first);
        assertThat(ids(letters, DeadLetterFilter.ALL.codes(Set.of(ErrorCode.CORRUPT_EVENT))))
                .isEmpty();
        assertThat(ids(letters, DeadLetterFilter.ALL.subscription("somebody-else")))
                .isEmpty();
        assertThat(letters.groups(DeadLetterFilter.ALL))
                .singleElement()
                .satisfies(group -> assertThat(group.count()).isEqualTo(count));
        assertThat(fabric.bus().deadLetters(GLOBEX).list(DeadLetterFilter.ALL, 1))
                .isEmpty();
        // New letters come between two pages.
        List<DeadLetter> page = letters.list(DeadLetterFilter.ALL, null, count / 2);
        fabric.publishAll(ACME, "dead.a", 5, 10);
        awaitLetters(count + 10);
        Set<DeadLetterId> seen = new HashSet<>();
        page.forEach(letter -> seen.add(letter.id()));
        while (!page.isEmpty()) {
            page = letters.list(DeadLetterFilter.ALL, page.get(page.size() - 1).id(), 7);
            page.forEach(letter -> assertThat(seen.add(letter.id())).isTrue());
        }
        assertThat(seen).hasSize(count + 10);
        well.set(true);
        assertThat(letters.redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD.rate(100_000))
                        .redriven())
                .isEqualTo(count + 10);
        fabric.awaitAll();
    }

    private static Set<DeadLetterId> ids(DeadLetters letters, DeadLetterFilter filter) {
        Set<DeadLetterId> ids = new HashSet<>();
        DeadLetterId after = null;
        for (List<DeadLetter> page = letters.list(filter, after, 11);
                !page.isEmpty();
                page = letters.list(filter, after, 11)) {
            page.forEach(letter -> ids.add(letter.id()));
            after = page.get(page.size() - 1).id();
        }
        return ids;
    }

    /** Redriven letters come to the group that had rejected them and to nobody else, in the order of their keys. */
    @Test
    void P2_P6_aRedriveIsForItsGroupAloneAndInOrder() throws Exception {
        Fabric fabric = fabric();
        AtomicBoolean well = new AtomicBoolean();
        Audience sick = rejecting("sick", "dead.order", well);
        Audience other = fabric.ephemeral("other", ACME, "dead.order");
        other.join();
        int count = Size.of(2_000, 100);
        fabric.publishAll(ACME, "dead.order", 5, count);
        awaitLetters(count);
        well.set(true);
        RedriveReport dry =
                fabric.bus().deadLetters(ACME).redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD.dryRun(true));
        assertThat(dry.redriven()).isEqualTo(count);
        awaitLetters(count);
        RedriveReport half = fabric.bus()
                .deadLetters(ACME)
                .redrive(
                        DeadLetterFilter.ALL,
                        RedriveOptions.STANDARD.rate(100_000).max(count / 2));
        assertThat(half.redriven()).isEqualTo(count / 2);
        RedriveReport rest =
                fabric.bus().deadLetters(ACME).redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD.rate(100_000));
        assertThat(rest.redriven()).isEqualTo(count - count / 2);
        fabric.awaitAll();
        assertThat(sick.reader.duplicated()).isZero();
        assertThat(effects).hasSize(5);
        if (fabric.can(Capability.KEY_ORDER)) {
            effects.values().forEach(numbers -> assertThat(numbers).isSorted());
        }
        if (fabric.can(Capability.GROUP)) {
            assertThat(other.reader.duplicated())
                    .as("what others see of a group's redrive")
                    .isZero();
        }
    }

    /** A redrive that ends half way goes on where it was: each letter comes back once. */
    @Test
    void P2_aRedriveThatIsCutOffIsResumed() throws Exception {
        Fabric fabric = fabric();
        AtomicBoolean well = new AtomicBoolean();
        Audience audience = rejecting("resumed", "dead.resumed", well);
        int count = Size.of(10_000, 300);
        fabric.publishAll(ACME, "dead.resumed", 16, count);
        awaitLetters(count);
        well.set(true);
        EventBus first = fabric.bus();
        AtomicInteger redriven = new AtomicInteger();
        Thread redrive = new Thread(
                () -> {
                    try {
                        var unused = first.deadLetters(ACME)
                                .redrive(
                                        DeadLetterFilter.ALL,
                                        RedriveOptions.STANDARD
                                                .rate(Size.of(2_000, 500))
                                                .onProgress(progress -> redriven.set(progress.redriven())));
                    } catch (InterruptedException | EventsException e) {
                        // It was cut off.
                        return;
                    }
                },
                "kit-redrive");
        redrive.start();
        fabric.await("half of the redrive", () -> redriven.get() >= count / 2);
        boolean survives = fabric.target.shared() && fabric.can(Capability.GROUP);
        if (survives) {
            fabric.closeAll();
        } else {
            redrive.interrupt();
        }
        redrive.join();
        assertThat(redriven.get()).isLessThan(count);
        if (survives) {
            audience.join(fabric.bus(), audience.reader::handled);
        }
        RedriveReport rest =
                fabric.bus().deadLetters(ACME).redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD.rate(100_000));
        assertThat(rest.redriven()).isPositive();
        fabric.awaitAll();
        assertThat(fabric.bus().deadLetters(ACME).list(DeadLetterFilter.ALL, 1)).isEmpty();
        // The one that was on its way when it was cut off.
        assertThat(audience.reader.duplicated()).isLessThanOrEqualTo(1);
    }

    /** A wildcard subscription sees no copy of a dead letter, and whoever subscribes to the copies' topic by name does. */
    @Test
    void P2_copiesOfDeadLettersReachOnlyThoseWhoAskForThem() {
        Fabric fabric = fabric();
        AtomicBoolean well = new AtomicBoolean();
        AtomicInteger copies = new AtomicInteger();
        Audience audience = rejecting("copied", "dead.copy", well);
        fabric.bus()
                .subscribe(ACME, "dead.copy.dlq", delivery -> copies.incrementAndGet())
                .ready()
                .join();
        fabric.ephemeral("everything", ACME, fabric.can(Capability.WILDCARD) ? "*" : "dead.copy")
                .join();
        fabric.publishAll(ACME, "dead.copy", 0, 10);
        fabric.await("copies", () -> copies.get() == 10);
        awaitLetters(10);
        fabric.bus()
                .deadLetters(ACME)
                .list(DeadLetterFilter.ALL, 100)
                .forEach(letter -> audience.reader.ended(letter.eventId().orElseThrow()));
        fabric.awaitAll();
    }

    /** A store in front of another one that cannot keep letters for a while. */
    private static final class RefusingStore extends DelegatingDeadLetterStore {
        private final AtomicInteger refusals;

        RefusingStore(ai.greentic.events.spi.DeadLetterStore inner, AtomicInteger refusals) {
            super(inner);
            this.refusals = refusals;
        }

        @Override
        public void put(DeadLetter letter) {
            if (refusals.decrementAndGet() >= 0) {
                throw new ai.greentic.events.EventsException(
                        ErrorCode.STORE_UNAVAILABLE, "the kit's dead letter store is away");
            }
            super.put(letter);
        }
    }
}
