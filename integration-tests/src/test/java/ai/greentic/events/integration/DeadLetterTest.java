package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ai.greentic.events.Caller;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Marks;
import ai.greentic.events.Payload;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.access.AccessRule;
import ai.greentic.events.bus.DeadLetters;
import ai.greentic.events.bus.RedriveOptions;
import ai.greentic.events.bus.RedriveReport;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.delivery.Backoff;
import ai.greentic.events.delivery.ProviderOverrides;
import ai.greentic.events.delivery.RedeliveryPolicy;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterGroup;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.testing.TestFabric;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Dead letters as a product: what is kept, who sees it, and how it comes back. */
class DeadLetterTest {
    private static final TenantContext ACME = TenantContext.of("prod", "acme");
    private static final TenantContext GLOBEX = TenantContext.of("prod", "globex");

    private static EventsException away() {
        return new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "away");
    }

    private static final RedeliveryPolicy TWICE =
            new RedeliveryPolicy(2, Duration.ofSeconds(1), Duration.ofSeconds(1), Backoff.FIXED);

    private static EventEnvelope event(TestFabric fabric, String topic, String key, String payload) {
        EventEnvelope.Builder event = fabric.bus().newEvent(ACME, topic).payload(Payload.of(payload));
        return key == null ? event.build() : event.orderingKey(key).build();
    }

    @Test
    void P2_aFailingHandlersEventIsKeptByteForByteWithItsHistory() {
        try (TestFabric fabric = TestFabric.create()) {
            fabric.bus().subscribe(ACME, "a", SubscribeOptions.group("g").redelivery(TWICE), d -> {
                throw new IllegalArgumentException(
                        "secret " + d.event().payload().json());
            });
            EventEnvelope event = fabric.bus()
                    .newEvent(ACME, "a")
                    .payload(Payload.json("{\"n\":1.10}"))
                    .metadata("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
                    .build();
            fabric.bus().publish(event);
            fabric.advance(Duration.ofSeconds(5));
            DeadLetter letter = fabric.deadLetters(ACME).get(0);
            assertThat(letter.encoded()).isEqualTo(ai.greentic.events.codec.EnvelopeCodec.STANDARD.encode(event));
            assertThat(letter.subscription()).contains("g");
            assertThat(letter.ofGroup()).isTrue();
            assertThat(letter.provider()).isEqualTo("memory");
            assertThat(letter.traceId()).contains("4bf92f3577b34da6a3ce929d0e0e4736");
            assertThat(letter.history()).hasSize(2).allSatisfy(attempt -> {
                assertThat(attempt.text()).isEqualTo("java.lang.IllegalArgumentException");
                assertThat(attempt.code()).isEqualTo(ErrorCode.HANDLER_FAILED);
            });
            assertThat(letter.toString() + letter.reason() + letter.history()).doesNotContain("secret");
        }
    }

    @Test
    void aWildcardNeverSeesDeadLettersWhateverTheirTopicIsCalled() {
        ProviderOverrides named = ProviderOverrides.NONE.deadLetterTopic("orders.dead");
        try (TestFabric fabric = TestFabric.create(0, b -> b.override("memory", named))) {
            List<String> wildcard = new ArrayList<>();
            List<String> literal = new ArrayList<>();
            fabric.bus()
                    .subscribe(
                            ACME,
                            "orders.*",
                            d -> wildcard.add(d.event().topic().value()));
            fabric.bus()
                    .subscribe(
                            ACME,
                            "orders.dead",
                            d -> literal.add(d.event().topic().value()));
            fabric.bus()
                    .subscribe(ACME, "orders.new", SubscribeOptions.group("g").maxAttempts(1), d -> {
                        throw new IllegalStateException();
                    });
            fabric.bus().publish(ACME, "orders.new", 1);
            fabric.advance(Duration.ofSeconds(1));
            assertThat(literal).containsExactly("orders.dead");
            assertThat(wildcard).containsExactly("orders.new");
            EventEnvelope forged = fabric.bus()
                    .newEvent(ACME, "orders.new2")
                    .marks(Marks.NONE.deadLetter(true))
                    .build();
            fabric.bus().publish(forged);
            fabric.bus().publish(ACME, "orders.dead", "an ordinary event of that name");
            fabric.settle();
            assertThat(wildcard)
                    .as("only the fabric sets the flag")
                    .containsExactly("orders.new", "orders.new2", "orders.dead");
        }
    }

    @Test
    void aDeadLetterNeverBecomesADeadLetter() {
        try (TestFabric fabric = TestFabric.create()) {
            int[] copies = {0};
            fabric.bus().subscribe(ACME, "a", SubscribeOptions.ephemeral().maxAttempts(1), d -> {
                throw new IllegalStateException();
            });
            fabric.bus().subscribe(ACME, "a.dlq", SubscribeOptions.ephemeral().maxAttempts(1), d -> {
                copies[0]++;
                throw new IllegalStateException();
            });
            fabric.bus().publish(ACME, "a", 1);
            fabric.advance(Duration.ofMinutes(5));
            assertThat(copies[0]).isEqualTo(1);
            assertThat(fabric.deadLetters(ACME)).hasSize(1);
        }
    }

    @Test
    void redriveGoesToTheGroupThatFailedAndToNobodyElse() throws Exception {
        try (TestFabric fabric = TestFabric.create()) {
            Set<String> broken = new HashSet<>(List.of("x"));
            List<String> mine = new ArrayList<>();
            List<String> others = new ArrayList<>();
            fabric.bus().subscribe(ACME, "a", SubscribeOptions.group("mine").redelivery(TWICE), d -> {
                if (broken.contains(d.payload(String.class))) {
                    throw new IllegalStateException();
                }
                mine.add(d.payload(String.class) + d.attempt());
            });
            fabric.bus()
                    .subscribe(ACME, "a", SubscribeOptions.group("other"), d -> others.add(d.payload(String.class)));
            fabric.bus().publish(ACME, "a", "x");
            fabric.bus().publish(ACME, "a", "y");
            fabric.advance(Duration.ofSeconds(5));
            DeadLetters letters = fabric.bus().deadLetters(ACME);
            assertThat(letters.redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD.dryRun(true))
                            .redriven())
                    .isEqualTo(1);
            assertThat(letters.list(DeadLetterFilter.ALL, 9)).hasSize(1);
            broken.clear();
            assertThat(letters.redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD)
                            .redriven())
                    .isEqualTo(1);
            fabric.advance(Duration.ofSeconds(5));
            assertThat(mine).containsExactlyInAnyOrder("y1", "x1");
            assertThat(others).containsExactlyInAnyOrder("x", "y");
            assertThat(letters.list(DeadLetterFilter.ALL, 9)).isEmpty();
        }
    }

    @Test
    void redriveIsGuardedAgainstLoopsAndPaced() throws Exception {
        try (TestFabric fabric = TestFabric.create()) {
            int[] starts = {0};
            fabric.bus().subscribe(ACME, "a", SubscribeOptions.group("g").maxAttempts(1), d -> {
                starts[0]++;
                throw new IllegalStateException();
            });
            for (int i = 0; i < 10; i++) {
                fabric.bus().publish(ACME, "a", i);
            }
            fabric.settle();
            DeadLetters letters = fabric.bus().deadLetters(ACME);
            RedriveOptions options = RedriveOptions.STANDARD.maxRedrives(2).rate(2);
            for (int round = 1; round <= 2; round++) {
                long before = fabric.time().nanos();
                assertThat(letters.redrive(DeadLetterFilter.ALL, options).redriven())
                        .isEqualTo(10);
                assertThat(Duration.ofNanos(fabric.time().nanos() - before))
                        .as("two a second")
                        .isBetween(Duration.ofMillis(4400), Duration.ofMillis(4600));
                fabric.advance(Duration.ofSeconds(1));
                assertThat(starts[0]).isEqualTo(10 + 10 * round);
            }
            RedriveReport report = letters.redrive(DeadLetterFilter.ALL, options);
            assertThat(report.redriven()).isZero();
            assertThat(report.refused()).isEqualTo(10);
            assertThat(report.problems())
                    .allMatch(problem -> problem.code() == ErrorCode.TOO_MANY_REDRIVES)
                    .hasSize(10);
            assertThat(letters.list(DeadLetterFilter.ALL, 99)).hasSize(10).allMatch(letter -> letter.redrives() == 2);
        }
    }

    @Test
    void P3_anEventThatGotThroughMeanwhileIsResolvedNotRepeated() throws Exception {
        try (TestFabric fabric = TestFabric.create(
                0,
                b -> b.override("memory", ProviderOverrides.NONE.maxRetries(0)).deadLetterCopies(false))) {
            List<String> seen = new ArrayList<>();
            fabric.bus().subscribe(ACME, "a", d -> seen.add(d.payload(String.class)));
            EventEnvelope keyed = event(fabric, "a", null, "x").toBuilder()
                    .idempotencyKey("k")
                    .build();
            fabric.faults().failPublish(2, away());
            assertThatThrownBy(() -> fabric.bus().publish(keyed)).isInstanceOf(EventsException.class);
            assertThatThrownBy(() -> fabric.bus().publish(event(fabric, "a", null, "y")))
                    .isInstanceOf(EventsException.class);
            fabric.bus().publish(keyed);
            assertThat(fabric.deadLetters(ACME)).hasSize(2);
            RedriveReport report =
                    fabric.bus().deadLetters(ACME).redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD);
            fabric.settle();
            assertThat(report.resolved()).isEqualTo(1);
            assertThat(report.redriven()).isEqualTo(1);
            assertThat(seen).containsExactlyInAnyOrder("x", "y");
            assertThat(fabric.deadLetters(ACME)).isEmpty();
        }
    }

    @Test
    void aRedriveThatFailsKeepsTheLetterAndAnotherOneFinishesIt() throws Exception {
        try (TestFabric fabric = TestFabric.create(
                0,
                b -> b.override("memory", ProviderOverrides.NONE.maxRetries(0)).deadLetterCopies(false))) {
            List<String> seen = new ArrayList<>();
            boolean[] broken = {true};
            fabric.bus().subscribe(ACME, "a", SubscribeOptions.group("g").maxAttempts(1), d -> {
                if (broken[0]) {
                    throw new IllegalStateException();
                }
                seen.add(d.payload(String.class));
            });
            for (String payload : List.of("1", "2", "3", "4")) {
                fabric.bus().publish(ACME, "a", payload);
            }
            fabric.settle();
            broken[0] = false;
            fabric.faults().failPublish(2, away());
            DeadLetters letters = fabric.bus().deadLetters(ACME);
            RedriveReport first = letters.redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD);
            assertThat(first.redriven()).isEqualTo(2);
            assertThat(first.problems()).hasSize(2).allMatch(p -> p.code() == ErrorCode.PROVIDER_UNAVAILABLE);
            assertThat(letters.list(DeadLetterFilter.ALL, 9))
                    .hasSize(2)
                    .allMatch(l -> l.state() == DeadLetter.State.PARKED);
            assertThat(letters.redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD)
                            .redriven())
                    .isEqualTo(2);
            fabric.settle();
            assertThat(seen).containsExactlyInAnyOrder("1", "2", "3", "4");
        }
    }

    @Test
    void aRedriveThatDiedAfterPublishingIsNotRepeated() throws Exception {
        try (TestFabric fabric = TestFabric.create(0, b -> b.deadLetterCopies(false))) {
            List<String> seen = new ArrayList<>();
            boolean[] broken = {true};
            fabric.bus().subscribe(ACME, "a", SubscribeOptions.group("g").maxAttempts(1), d -> {
                if (broken[0]) {
                    throw new IllegalStateException();
                }
                seen.add(d.payload(String.class));
            });
            fabric.bus().publish(ACME, "a", "x");
            fabric.settle();
            broken[0] = false;
            DeadLetter letter = fabric.deadLetters(ACME).get(0);
            fabric.bus().deadLetters(ACME).redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD);
            fabric.settle();
            // As if the process had died between the receipt and the removal of the letter.
            fabric.deadLetterStore()
                    .put(letter.toBuilder().state(DeadLetter.State.REDRIVING).build());
            RedriveReport again = fabric.bus().deadLetters(ACME).redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD);
            fabric.advance(Duration.ofSeconds(5));
            assertThat(again.redriven()).isEqualTo(1);
            assertThat(seen).containsExactly("x");
            assertThat(fabric.deadLetters(ACME)).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void P6_aHeldKeyComesBackInOrder(long seed) throws Exception {
        try (TestFabric fabric = TestFabric.create(seed, b -> b.deadLetterCopies(false))) {
            List<String> handled = new ArrayList<>();
            Set<String> broken = new HashSet<>(List.of("a2"));
            SubscribeOptions holding =
                    SubscribeOptions.group("g").redelivery(TWICE).onExhausted(SubscribeOptions.OnExhausted.HOLD_KEY);
            fabric.bus().subscribe(ACME, "t", holding, d -> {
                if (broken.contains(d.payload(String.class))) {
                    throw new IllegalStateException();
                }
                handled.add(d.payload(String.class));
            });
            for (String payload : List.of("a1", "a2", "b1", "a3", "a4", "b2")) {
                fabric.bus().publish(event(fabric, "t", payload.substring(0, 1), payload));
            }
            fabric.advance(Duration.ofSeconds(10));
            assertThat(handled).containsExactlyInAnyOrder("a1", "b1", "b2");
            DeadLetters letters = fabric.bus().deadLetters(ACME);
            assertThat(letters.list(DeadLetterFilter.ALL, 9))
                    .extracting(l -> l.follower() + " " + l.number())
                    .containsExactly("false 0", "true 1", "true 2");
            assertThat(letters.redrive(
                                    DeadLetterFilter.ALL.ids(Set.of(letters.list(DeadLetterFilter.ALL, 9)
                                            .get(1)
                                            .id())),
                                    RedriveOptions.STANDARD)
                            .problems())
                    .as("a follower alone does not overtake")
                    .singleElement()
                    .matches(p -> p.code() == ErrorCode.KEY_BLOCKED);
            // It fails once more: the followers that came along go back to their places.
            letters.redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD);
            fabric.bus().publish(event(fabric, "t", "a", "a5"));
            fabric.advance(Duration.ofSeconds(10));
            assertThat(handled).containsExactlyInAnyOrder("a1", "b1", "b2");
            assertThat(letters.list(DeadLetterFilter.ALL, 9))
                    .hasSize(4)
                    .allMatch(l -> l.state() == DeadLetter.State.PARKED);
            broken.clear();
            letters.redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD);
            fabric.bus().publish(event(fabric, "t", "a", "a6"));
            fabric.advance(Duration.ofSeconds(10));
            letters.redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD);
            fabric.advance(Duration.ofSeconds(10));
            fabric.bus().publish(event(fabric, "t", "a", "a7"));
            fabric.advance(Duration.ofSeconds(10));
            assertThat(handled.stream().filter(p -> p.startsWith("a")))
                    .containsExactly("a1", "a2", "a3", "a4", "a5", "a6", "a7");
            assertThat(letters.list(DeadLetterFilter.ALL, 9)).isEmpty();
        }
    }

    @Test
    void filtersGroupsPagesAndPurge() {
        try (TestFabric fabric = TestFabric.create(0, b -> b.deadLetterCopies(false))) {
            fabric.bus().subscribe(ACME, "*", SubscribeOptions.group("g").maxAttempts(1), d -> {
                throw new IllegalStateException();
            });
            for (int i = 0; i < 7; i++) {
                fabric.bus().publish(ACME, i < 5 ? "orders.new" : "bills.new", i);
                fabric.advance(Duration.ofSeconds(10));
            }
            DeadLetters letters = fabric.bus().deadLetters(ACME);
            DeadLetterFilter orders = DeadLetterFilter.ALL.topics(TopicPattern.of("orders.*"));
            assertThat(letters.groups(DeadLetterFilter.ALL))
                    .extracting(DeadLetterGroup::topic, DeadLetterGroup::count)
                    .hasToString("[(orders.new, 5L), (bills.new, 2L)]");
            List<DeadLetterId> paged = new ArrayList<>();
            DeadLetterId after = null;
            for (List<DeadLetter> page = letters.list(orders, after, 2);
                    !page.isEmpty();
                    page = letters.list(orders, after, 2)) {
                page.forEach(letter -> paged.add(letter.id()));
                after = paged.get(paged.size() - 1);
                letters.purge(DeadLetterFilter.ALL.ids(Set.of(after)));
            }
            assertThat(paged)
                    .as("stable while letters go")
                    .hasSize(5)
                    .doesNotHaveDuplicates()
                    .isSorted();
            assertThat(letters.list(orders, 9)).hasSize(2);
            assertThat(letters.list(DeadLetterFilter.ALL.codes(Set.of(ErrorCode.EXPIRED)), 9))
                    .isEmpty();
            assertThat(letters.list(DeadLetterFilter.ALL.subscription("g"), 99)).hasSize(4);
            assertThat(letters.list(
                            DeadLetterFilter.ALL.from(fabric.time().now().minusSeconds(15)), 99))
                    .hasSize(1);
            assertThat(letters.find(new DeadLetterId("nope"))).isEmpty();
            assertThat(letters.purge(orders)).isEqualTo(2);
            assertThat(letters.list(DeadLetterFilter.ALL, 99)).hasSize(2);
        }
    }

    @Test
    void P4_P5_everyVerbIsAnAccessActionAndStaysWithItsTenant() {
        AccessPolicy rules = AccessPolicy.of(List.of(
                AccessRule.allow(AccessAction.DLQ_READ)
                        .caller("reader")
                        .topics("orders.*")
                        .build(),
                AccessRule.allow(AccessAction.DLQ_READ, AccessAction.REDRIVE)
                        .caller("operator")
                        .build(),
                AccessRule.of(AccessRule.Effect.ALLOW, Set.of(AccessAction.values()))
                        .caller("host")
                        .build()));
        try (TestFabric fabric = TestFabric.create(0, b -> b.access(rules).deadLetterCopies(false))) {
            fabric.bus().subscribe(ACME, "*", SubscribeOptions.group("g").maxAttempts(1), d -> {
                throw new IllegalStateException();
            });
            fabric.bus().publish(ACME, "orders.new", 1);
            fabric.bus().publish(ACME, "bills.new", 1);
            fabric.settle();
            DeadLetters reader = fabric.bus().as(Caller.of("reader")).deadLetters(ACME);
            DeadLetters operator = fabric.bus().as(Caller.of("operator")).deadLetters(ACME);
            DeadLetters nobody = fabric.bus().as(Caller.of("nobody")).deadLetters(ACME);
            assertThat(reader.list(DeadLetterFilter.ALL, 9))
                    .extracting(l -> l.address().topic().value())
                    .containsExactly("orders.new");
            assertThat(reader.groups(DeadLetterFilter.ALL)).hasSize(1);
            assertThat(nobody.list(DeadLetterFilter.ALL, 9)).isEmpty();
            assertThat(nobody.find(fabric.deadLetters(ACME).get(0).id())).isEmpty();
            assertThat(denied(() -> reader.redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD)))
                    .isTrue();
            assertThat(denied(() -> operator.purge(DeadLetterFilter.ALL))).isTrue();
            assertThat(fabric.bus().deadLetters(GLOBEX).list(DeadLetterFilter.ALL, 9))
                    .isEmpty();
            assertThat(fabric.bus().deadLetters(GLOBEX).purge(DeadLetterFilter.ALL))
                    .isZero();
            assertThat(fabric.deadLetters(ACME)).hasSize(2);
        }
    }

    private static boolean denied(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        EventsException e = catchThrowableOfType(EventsException.class, call);
        return e != null && e.code() == ErrorCode.ACCESS_DENIED;
    }

    @Test
    void aRestartOfAGroupDoesNotReplay() {
        try (TestFabric fabric = TestFabric.create()) {
            List<String> seen = new ArrayList<>();
            SubscribeOptions group = SubscribeOptions.group("g").startAt(StartAt.EARLIEST);
            fabric.bus().publish(ACME, "a", "1");
            Subscription first = fabric.bus().subscribe(ACME, "a", group, d -> seen.add(d.payload(String.class)));
            fabric.settle();
            fabric.bus().publish(ACME, "a", "2");
            fabric.settle();
            first.close();
            fabric.bus().subscribe(ACME, "a", group, d -> seen.add("again " + d.payload(String.class)));
            fabric.settle();
            assertThat(seen).containsExactly("1", "2");
        }
    }
}
