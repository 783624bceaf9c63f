package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.ProviderDescriptor;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.bus.BusHealth;
import ai.greentic.events.bus.EventBusBuilder;
import ai.greentic.events.bus.ProviderDeclaration;
import ai.greentic.events.delivery.Backoff;
import ai.greentic.events.delivery.CircuitPolicy;
import ai.greentic.events.delivery.ProviderOverrides;
import ai.greentic.events.pack.Pack;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.ProviderFactory;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.testing.TestFabric;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Publishing to a provider that fails: when it is tried again, when not, and what remains. */
class RetryTest {
    private static final TenantContext ACME = TenantContext.of("prod", "acme");

    private static EventsException away() {
        return new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "connection refused (timeout)");
    }

    private static final ProviderOverrides FIXED = ProviderOverrides.NONE
            .backoff(Backoff.FIXED)
            .baseDelay(Duration.ofSeconds(10))
            .maxDelay(Duration.ofMinutes(1));

    /** A provider that answers each call as a function says, and keeps what it was given. */
    private static final class Scripted extends StubProvider {
        final List<String> calls = new ArrayList<>();
        final List<Long> times = new ArrayList<>();
        Function<OutboundEvent, PublishOutcome> script = event -> PublishOutcome.accepted();
        TestFabric fabric;

        @Override
        public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) {
            return batch.stream()
                    .<CompletionStage<PublishOutcome>>map(event -> {
                        calls.add(event.event().payload().json());
                        times.add(fabric == null ? 0 : fabric.time().nanos());
                        return CompletableFuture.completedFuture(script.apply(event));
                    })
                    .toList();
        }
    }

    private static TestFabric with(Scripted provider, ProviderOverrides overrides) {
        TestFabric fabric = TestFabric.create(
                0,
                b -> b.provider("slow", provider, "slow.*")
                        .override("slow", overrides)
                        .deadLetterCopies(false));
        provider.fabric = fabric;
        return fabric;
    }

    private static EventEnvelope event(TestFabric fabric, String key, String payload) {
        EventEnvelope.Builder event = fabric.bus().newEvent(ACME, "slow.x").payload(Payload.of(payload));
        return key == null ? event.build() : event.orderingKey(key).build();
    }

    private static EventsException failure(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        return catchThrowableOfType(EventsException.class, call);
    }

    @Test
    void aProviderThatFailsTwiceAndThenSucceeds() {
        try (TestFabric fabric = TestFabric.create(0, b -> b.override("memory", FIXED))) {
            fabric.faults().failPublish(2, away());
            long before = fabric.time().nanos();
            PublishReceipt receipt = fabric.bus().publish(ACME, "a", 1);
            assertThat(receipt.attempts()).isEqualTo(3);
            assertThat(receipt.status()).isEqualTo(PublishReceipt.Status.PUBLISHED);
            assertThat(Duration.ofNanos(fabric.time().nanos() - before)).isEqualTo(Duration.ofSeconds(20));
            assertThat(fabric.deadLetters(ACME)).isEmpty();
        }
    }

    @Test
    void P2_whatIsGivenUpIsADeadLetterWithEveryAttempt() {
        Scripted provider = new Scripted();
        provider.script = event -> PublishOutcome.failed(away());
        try (TestFabric fabric = with(provider, FIXED.maxRetries(2))) {
            EventEnvelope event =
                    event(fabric, null, "x").toBuilder().idempotencyKey("k-1").build();
            EventsException error = failure(() -> fabric.bus().publish(event));
            DeadLetter letter = fabric.deadLetters(ACME).get(0);
            assertThat(error.code()).isEqualTo(ErrorCode.PROVIDER_UNAVAILABLE);
            assertThat(error.getMessage())
                    .contains("3 of 3 attempts failed", letter.id().value());
            assertThat(letter.eventId()).contains(event.id());
            assertThat(letter.attempts()).isEqualTo(3);
            assertThat(letter.history()).hasSize(3).allSatisfy(attempt -> {
                assertThat(attempt.code()).isEqualTo(ErrorCode.PROVIDER_UNAVAILABLE);
                assertThat(attempt.text()).contains("connection refused");
                assertThat(attempt.host()).isNotEmpty();
            });
            assertThat(Duration.between(
                            letter.history().get(0).time(),
                            letter.history().get(2).time()))
                    .isEqualTo(Duration.ofSeconds(20));
            assertThat(letter.subscription()).isEmpty();
            assertThat(letter.idempotencyKey()).contains("k-1");
            assertThat(letter.encoded())
                    .asString()
                    .contains("\"k-1\"")
                    .contains(event.id().value());
        }
    }

    @Test
    void P2_theCallerHearsOfItWhenTheDeadLetterCannotBeKept() {
        Scripted provider = new Scripted();
        provider.script = event -> PublishOutcome.failed(away());
        TestFabric fabric = TestFabric.create(
                0,
                b -> b.provider("slow", provider, "slow.*")
                        .override("slow", FIXED.maxRetries(0))
                        .deadLetters(new ai.greentic.events.memory.MemoryDeadLetterStore(1, 1 << 20)));
        try (fabric) {
            assertThat(failure(() -> fabric.bus().publish(event(fabric, null, "1")))
                            .getMessage())
                    .contains("it is dead letter");
            EventsException second = failure(() -> fabric.bus().publish(event(fabric, null, "2")));
            assertThat(second.code()).isEqualTo(ErrorCode.PROVIDER_UNAVAILABLE);
            assertThat(second.getMessage()).doesNotContain("it is dead letter");
        }
    }

    @Test
    void kindsDecideAndRetryableErrorsComeSecond() {
        EventsException wrong = new EventsException(ErrorCode.EVENT_TOO_LARGE, "timeout of a different kind");
        for (boolean listed : new boolean[] {true, false}) {
            Scripted provider = new Scripted();
            provider.script = event -> PublishOutcome.failed(away());
            ProviderOverrides texts = FIXED.maxRetries(2).retryableErrors(List.of(listed ? "timeout" : "throttled"));
            try (TestFabric fabric = with(provider, texts)) {
                assertThat(failure(() -> fabric.bus().publish(event(fabric, null, "x")))
                                .code())
                        .isEqualTo(ErrorCode.PROVIDER_UNAVAILABLE);
                assertThat(provider.calls).hasSize(listed ? 3 : 1);
                provider.calls.clear();
                provider.script = event -> PublishOutcome.failed(wrong);
                assertThat(failure(() -> fabric.bus().publish(event(fabric, null, "x")))
                                .code())
                        .isEqualTo(ErrorCode.EVENT_TOO_LARGE);
                assertThat(provider.calls)
                        .as("no text makes an invalid event worth repeating")
                        .hasSize(1);
            }
        }
    }

    @Test
    void theContextsDeadlineAndTheBudgetEndRetriesEarly() {
        Scripted provider = new Scripted();
        provider.script = event -> PublishOutcome.failed(away());
        try (TestFabric fabric = with(provider, FIXED)) {
            TenantContext hurried = ACME.toBuilder()
                    .deadline(fabric.time().now().plusSeconds(15))
                    .build();
            EventEnvelope event =
                    event(fabric, null, "x").toBuilder().tenant(hurried).build();
            long before = fabric.time().nanos();
            assertThat(failure(() -> fabric.bus().publish(event)).getMessage()).contains("its time would run out");
            assertThat(provider.calls).hasSize(2);
            assertThat(Duration.ofNanos(fabric.time().nanos() - before)).isEqualTo(Duration.ofSeconds(10));
        }
        Scripted other = new Scripted();
        other.script = event -> PublishOutcome.failed(away());
        try (TestFabric fabric = with(other, FIXED.budget(Duration.ofSeconds(5)))) {
            assertThat(failure(() -> fabric.bus().publish(event(fabric, null, "x")))
                            .getMessage())
                    .contains("retry budget");
            assertThat(other.calls).hasSize(1);
        }
    }

    @Test
    void P3_anUnansweredAttemptIsRepeatedUnderTheSameIdAndALateAnswerCounts() throws Exception {
        List<String> ids = new ArrayList<>();
        List<CompletableFuture<PublishOutcome>> answers = new ArrayList<>();
        EventProvider silent = new StubProvider() {
            @Override
            public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) {
                return batch.stream()
                        .<CompletionStage<PublishOutcome>>map(event -> {
                            ids.add(event.event().id().value());
                            CompletableFuture<PublishOutcome> answer = new CompletableFuture<>();
                            answers.add(answer);
                            return answer;
                        })
                        .toList();
            }
        };
        ProviderOverrides quick = FIXED.attemptTimeout(Duration.ofSeconds(3)).baseDelay(Duration.ofSeconds(2));
        try (TestFabric fabric =
                TestFabric.create(0, b -> b.provider("slow", silent, "slow.*").override("slow", quick))) {
            CompletableFuture<PublishReceipt> future = fabric.bus().publishAsync(event(fabric, null, "x"));
            fabric.advance(Duration.ofSeconds(7));
            assertThat(ids).hasSize(2);
            assertThat(ids.get(0)).isEqualTo(ids.get(1));
            answers.get(0).complete(PublishOutcome.accepted());
            fabric.settle();
            assertThat(future).isCompletedWithValueMatching(r -> r.status() == PublishReceipt.Status.PUBLISHED);
            fabric.advance(Duration.ofMinutes(2));
            assertThat(ids).hasSize(2);
            assertThat(fabric.deadLetters(ACME)).isEmpty();
        }
    }

    @Test
    void atMostOnceNeverRepeatsAnUnknownOutcome() {
        for (ProviderDescriptor.Reliability reliability :
                List.of(ProviderDescriptor.Reliability.AT_MOST_ONCE, ProviderDescriptor.Reliability.AT_LEAST_ONCE)) {
            Scripted provider = new Scripted();
            provider.script = event ->
                    PublishOutcome.failed(new EventsException(ErrorCode.OUTCOME_UNKNOWN, "the line went dead"));
            ProviderFactory factory = factory(provider);
            TestFabric fabric = TestFabric.create(
                    0,
                    b -> b.providerFactory(factory)
                            .declare(new ProviderDeclaration(
                                    "p",
                                    new ProviderDescriptor(
                                            "slow",
                                            ProviderDescriptor.Kind.BROKER,
                                            "scripted",
                                            reliability,
                                            ProviderDescriptor.Ordering.NONE,
                                            null,
                                            List.of()),
                                    List.of(TopicPattern.of("slow.*")),
                                    FIXED.maxRetries(2)))
                            .deadLetterCopies(false));
            try (fabric) {
                assertThat(failure(() -> fabric.bus().publish(event(fabric, null, "x")))
                                .code())
                        .isEqualTo(ErrorCode.OUTCOME_UNKNOWN);
                boolean once = reliability == ProviderDescriptor.Reliability.AT_MOST_ONCE;
                assertThat(provider.calls).hasSize(once ? 1 : 3);
            }
        }
    }

    private static ProviderFactory factory(EventProvider provider) {
        return new StubFactory(
                "scripted", provider, EnumSet.of(Capability.PUBLISH, Capability.SUBSCRIBE, Capability.WILDCARD));
    }

    @Test
    void P6_aRetryHoldsUpItsKeyAndNothingElse() {
        Scripted provider = new Scripted();
        int[] failures = {2};
        provider.script = event -> event.event().payload().json().equals("\"a1\"") && failures[0]-- > 0
                ? PublishOutcome.failed(away())
                : PublishOutcome.accepted();
        try (TestFabric fabric = with(provider, FIXED)) {
            List<CompletableFuture<PublishReceipt>> receipts = new ArrayList<>();
            for (String payload : List.of("a1", "a2", "b1", "a3", "b2")) {
                receipts.add(fabric.bus().publishAsync(event(fabric, payload.substring(0, 1), payload)));
            }
            fabric.advance(Duration.ofSeconds(5));
            assertThat(provider.calls).containsExactlyInAnyOrder("\"a1\"", "\"b1\"", "\"b2\"");
            assertThat(receipts.get(4)).isCompleted();
            fabric.advance(Duration.ofSeconds(30));
            assertThat(provider.calls.stream().filter(c -> c.startsWith("\"a")))
                    .containsExactly("\"a1\"", "\"a1\"", "\"a1\"", "\"a2\"", "\"a3\"");
            assertThat(receipts).allMatch(CompletableFuture::isDone);
        }
    }

    @Test
    void theCircuitOpensProbesAndClosesAndHealthSaysSo() {
        Scripted provider = new Scripted();
        boolean[] away = {true};
        provider.script = event -> away[0] ? PublishOutcome.failed(away()) : PublishOutcome.accepted();
        TestFabric fabric = TestFabric.create(
                0,
                b -> b.provider("slow", provider, "slow.*")
                        .override("slow", ProviderOverrides.NONE.maxRetries(0))
                        .circuitBreaker(
                                new CircuitPolicy(3, Duration.ZERO, Duration.ofSeconds(5), Duration.ofSeconds(30)))
                        .deadLetterCopies(false));
        try (fabric) {
            assertThat(state(fabric)).isEqualTo(BusHealth.State.UP);
            for (int i = 0; i < 3; i++) {
                failure(() -> fabric.bus().publish(event(fabric, null, "x")));
            }
            assertThat(state(fabric)).isEqualTo(BusHealth.State.DOWN);
            assertThat(fabric.bus().health().ready()).isFalse();
            assertThat(fabric.bus().health().live()).isTrue();
            int calls = provider.calls.size();
            EventsException refused = failure(() -> fabric.bus().publish(event(fabric, null, "y")));
            assertThat(refused.code()).isEqualTo(ErrorCode.CIRCUIT_OPEN);
            assertThat(provider.calls).as("left alone").hasSize(calls);
            assertThat(fabric.deadLetters(ACME))
                    .as("what was never tried is the caller's")
                    .hasSize(3);
            fabric.advance(Duration.ofSeconds(5));
            failure(() -> fabric.bus().publish(event(fabric, null, "probe")));
            assertThat(provider.calls).hasSize(calls + 1);
            fabric.advance(Duration.ofSeconds(5));
            assertThat(failure(() -> fabric.bus().publish(event(fabric, null, "z")))
                            .code())
                    .as("a failed probe doubles the pause")
                    .isEqualTo(ErrorCode.CIRCUIT_OPEN);
            away[0] = false;
            fabric.advance(Duration.ofSeconds(5));
            assertThat(fabric.bus().publish(event(fabric, null, "back")).attempts())
                    .isEqualTo(1);
            assertThat(state(fabric)).isEqualTo(BusHealth.State.UP);
            assertThat(fabric.bus().health().degraded()).isFalse();
        }
    }

    private static BusHealth.State state(TestFabric fabric) {
        return fabric.bus().health().components().stream()
                .filter(component -> component.name().equals("provider slow"))
                .findFirst()
                .orElseThrow()
                .state();
    }

    @Test
    void P7_aProviderThatFailsForSomeEventsStaysConnectedForTheOthers() {
        Scripted provider = new Scripted();
        int[] number = {0};
        provider.script = event -> number[0]++ % 10 == 9 ? PublishOutcome.accepted() : PublishOutcome.failed(away());
        TestFabric fabric = TestFabric.create(
                0,
                b -> b.provider("slow", provider, "slow.*")
                        .override("slow", ProviderOverrides.NONE.maxRetries(0))
                        .deadLetterCopies(false));
        try (fabric) {
            int open = 0;
            for (int i = 0; i < 500; i++) {
                EventsException error = failure(() -> fabric.bus().publish(event(fabric, null, "x")));
                open += error != null && error.code() == ErrorCode.CIRCUIT_OPEN ? 1 : 0;
                fabric.advance(Duration.ofMillis(100));
            }
            assertThat(open).isZero();
        }
    }

    @Test
    void whoIsInterruptedBetweenAttemptsHearsSoAndTheKeyGoesOn() throws Exception {
        Scripted provider = new Scripted();
        boolean[] fail = {true};
        provider.script = event -> fail[0] ? PublishOutcome.failed(away()) : PublishOutcome.accepted();
        try (TestFabric fabric = with(provider, FIXED)) {
            List<EventsException> errors = new ArrayList<>();
            fabric.time().start("caller", () -> {
                errors.add(failure(() -> fabric.bus().publish(event(fabric, "k", "1"))));
                assertThat(Thread.interrupted()).isTrue();
            });
            fabric.advance(Duration.ofSeconds(1));
            fabric.time().interrupt("caller");
            fabric.settle();
            assertThat(errors).singleElement().satisfies(e -> {
                assertThat(e.code()).isEqualTo(ErrorCode.INTERRUPTED);
                assertThat(e.getMessage()).contains("1 attempts");
            });
            fail[0] = false;
            assertThat(fabric.bus().publish(event(fabric, "k", "2")).attempts()).isEqualTo(1);
            assertThat(fabric.deadLetters(ACME))
                    .as("it was tried, so it is kept")
                    .hasSize(1);
        }
    }

    @Test
    void P6_whereAllOrderIsAskedForTheWholeTopicWaits() {
        Scripted provider = new Scripted();
        int[] failures = {1};
        provider.script = event -> event.event().payload().json().equals("\"1\"") && failures[0]-- > 0
                ? PublishOutcome.failed(away())
                : PublishOutcome.accepted();
        ProviderFactory factory = new StubFactory(
                "scripted", provider, EnumSet.of(Capability.PUBLISH, Capability.KEY_ORDER, Capability.GLOBAL_ORDER));
        TestFabric fabric = TestFabric.create(
                0,
                b -> b.providerFactory(factory)
                        .declare(new ProviderDeclaration(
                                "p",
                                new ProviderDescriptor(
                                        "slow",
                                        ProviderDescriptor.Kind.BROKER,
                                        "scripted",
                                        ProviderDescriptor.Reliability.AT_LEAST_ONCE,
                                        ProviderDescriptor.Ordering.GLOBAL,
                                        null,
                                        List.of()),
                                List.of(TopicPattern.of("slow.*")),
                                FIXED)));
        try (fabric) {
            List<CompletableFuture<PublishReceipt>> receipts = new ArrayList<>();
            for (String payload : List.of("1", "2", "3")) {
                receipts.add(fabric.bus().publishAsync(event(fabric, payload.equals("2") ? "k" : null, payload)));
            }
            fabric.advance(Duration.ofSeconds(25));
            assertThat(provider.calls).containsExactly("\"1\"", "\"1\"", "\"2\"", "\"3\"");
            assertThat(receipts).allMatch(CompletableFuture::isDone);
        }
    }

    @Test
    void P9_aProviderWithADefectDoesNotStopItsLane() {
        Scripted provider = new Scripted();
        boolean[] broken = {true};
        provider.script = event -> {
            if (broken[0]) {
                throw new NoClassDefFoundError("gone");
            }
            return PublishOutcome.accepted();
        };
        try (TestFabric fabric = with(provider, FIXED)) {
            assertThat(failure(() -> fabric.bus().publish(event(fabric, "k", "1")))
                            .code())
                    .isEqualTo(ErrorCode.INTERNAL_ERROR);
            broken[0] = false;
            assertThat(fabric.bus().publish(event(fabric, "k", "2")).attempts()).isEqualTo(1);
        }
    }

    @TempDir
    Path directory;

    @Test
    void aPackSetsRetriesAndTheDeadLetterTopicAndTheBuilderOverridesIt() throws Exception {
        Files.writeString(directory.resolve("pack.yaml"), """
                id: p
                version: 1.0.0
                kind: events
                events:
                  providers:
                    - name: slow
                      kind: broker
                      component: scripted@1
                      capabilities:
                        transport: scripted
                        reliability: at_least_once
                        ordering: none
                        topics: ["slow.*", "graveyard"]
                annotations:
                  events.providers.slow.retry.max_retries: 0
                  events.providers.slow.dlq_topic: graveyard
                """);
        for (boolean overridden : new boolean[] {false, true}) {
            Scripted provider = new Scripted();
            List<EventEnvelope> copies = new ArrayList<>();
            provider.script = event -> {
                if (event.event().topic().value().equals("graveyard")) {
                    copies.add(event.event());
                    return PublishOutcome.accepted();
                }
                return PublishOutcome.failed(away());
            };
            java.util.function.Consumer<EventBusBuilder> more = b -> {
                b.providerFactory(factory(provider)).with(Pack.open(directory));
                if (overridden) {
                    b.override("slow", ProviderOverrides.NONE.maxRetries(2));
                }
            };
            try (TestFabric fabric = TestFabric.create(0, more)) {
                EventEnvelope event = event(fabric, null, "x").toBuilder()
                        .idempotencyKey("k")
                        .metadata("dlq_reason", "forged")
                        .build();
                assertThatThrownBy(() -> fabric.bus().publish(event)).isInstanceOf(EventsException.class);
                fabric.settle();
                assertThat(provider.calls.size() - copies.size()).isEqualTo(overridden ? 3 : 1);
                assertThat(copies).singleElement().satisfies(copy -> {
                    assertThat(copy.id()).isEqualTo(event.id());
                    assertThat(copy.marks().deadLetter()).isTrue();
                    assertThat(copy.metadata())
                            .containsEntry("dlq_original_topic", "slow.x")
                            .containsEntry("dlq_provider", "slow")
                            .containsEntry("dlq_attempts", overridden ? "3" : "1")
                            .containsEntry("dlq_error_code", "PROVIDER_UNAVAILABLE")
                            .containsEntry("dlq_idempotency_key", "k")
                            .doesNotContainKey("idempotency_key")
                            .containsKeys("dlq_first_failed_at", "dlq_last_failed_at");
                    assertThat(copy.metadata().get("dlq_reason")).contains("connection refused");
                });
            }
        }
    }
}
