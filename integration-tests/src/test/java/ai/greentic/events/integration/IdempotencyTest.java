package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.ProviderDescriptor;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.bus.EventBusBuilder;
import ai.greentic.events.bus.ProviderDeclaration;
import ai.greentic.events.bus.PublishOptions;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.delivery.Backoff;
import ai.greentic.events.delivery.ProviderOverrides;
import ai.greentic.events.delivery.RedeliveryPolicy;
import ai.greentic.events.memory.MemoryIdempotencyStore;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.ProviderFactory;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.testing.TestFabric;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** P3: one tenant, topic and idempotency key within the window make one event, whatever goes wrong on the way. */
@SuppressWarnings("FutureReturnValueIgnored") // what is looked at is what arrives
class IdempotencyTest {
    private static final TenantContext ACME = TenantContext.of("prod", "acme");

    private static EventsException away() {
        return new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "away");
    }

    /** Accepts everything, but answers when it is told to. */
    private static final class Asked extends StubProvider {
        final List<EventEnvelope> events = new ArrayList<>();
        final List<CompletableFuture<PublishOutcome>> answers = new ArrayList<>();

        @Override
        public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) {
            return batch.stream()
                    .<CompletionStage<PublishOutcome>>map(event -> {
                        events.add(event.event());
                        CompletableFuture<PublishOutcome> answer = new CompletableFuture<>();
                        answers.add(answer);
                        return answer;
                    })
                    .toList();
        }
    }

    private static TestFabric fabric(Asked provider, Consumer<EventBusBuilder> more) {
        return TestFabric.create(0, b -> {
            b.provider("asked", provider, "asked.*")
                    .override("asked", ProviderOverrides.NONE.maxRetries(0))
                    .deadLetterCopies(false);
            more.accept(b);
        });
    }

    private static EventEnvelope event(
            TestFabric fabric, TenantContext tenant, String topic, String key, Object payload) {
        return fabric.bus()
                .newEvent(tenant, topic)
                .payload(Payload.of(payload))
                .idempotencyKey(key)
                .build();
    }

    private static EventsException failure(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        return catchThrowableOfType(EventsException.class, call);
    }

    @Test
    void P3_aRepetitionGetsTheFirstReceipt() {
        try (TestFabric fabric = TestFabric.create()) {
            List<String> seen = new ArrayList<>();
            fabric.bus().subscribe(ACME, "a", d -> seen.add(d.event().id().value()));
            PublishReceipt first = fabric.bus().publish(event(fabric, ACME, "a", "k", 1));
            fabric.advance(Duration.ofHours(35));
            PublishReceipt second = fabric.bus().publish(event(fabric, ACME, "a", "k", 1));
            assertThat(second.status()).isEqualTo(PublishReceipt.Status.DUPLICATE);
            assertThat(second.eventId()).isEqualTo(first.eventId());
            assertThat(second.position()).isEqualTo(first.position());
            assertThat(second.provider()).isEqualTo(first.provider());
            fabric.settle();
            assertThat(seen).containsExactly(first.eventId().value());
            fabric.advance(Duration.ofHours(2));
            assertThat(fabric.bus().publish(event(fabric, ACME, "a", "k", 1)).status())
                    .as("the window has passed")
                    .isEqualTo(PublishReceipt.Status.PUBLISHED);
        }
    }

    @Test
    void P3_aFailedPublishFreesTheKey() {
        try (TestFabric fabric =
                TestFabric.create(0, b -> b.override("memory", ProviderOverrides.NONE.maxRetries(0)))) {
            fabric.faults().failPublish(1, away());
            assertThat(failure(() -> fabric.bus().publish(event(fabric, ACME, "a", "k", 1)))
                            .code())
                    .isEqualTo(ErrorCode.PROVIDER_UNAVAILABLE);
            assertThat(fabric.bus().publish(event(fabric, ACME, "a", "k", 1)).status())
                    .isEqualTo(PublishReceipt.Status.PUBLISHED);
        }
    }

    @Test
    void P3_oneKeyOnTwoTopicsInTwoEnvironmentsAndOfTwoTenantsIsNotOneKey() {
        try (TestFabric fabric = TestFabric.create()) {
            assertThat(List.of(
                            event(fabric, ACME, "a", "k", 1),
                            event(fabric, ACME, "b", "k", 1),
                            event(fabric, TenantContext.of("dev", "acme"), "a", "k", 1),
                            event(fabric, TenantContext.of("prod", "globex"), "a", "k", 1)))
                    .allSatisfy(event -> assertThat(fabric.bus().publish(event).status())
                            .isEqualTo(PublishReceipt.Status.PUBLISHED));
        }
    }

    @Test
    void P3_theSecondOfTwoWaitsForTheFirstAndTakesOverIfItFails() {
        for (boolean firstFails : new boolean[] {false, true}) {
            Asked provider = new Asked();
            try (TestFabric fabric = fabric(provider, b -> {})) {
                CompletableFuture<PublishReceipt> first =
                        fabric.bus().publishAsync(event(fabric, ACME, "asked.x", "k", 1));
                fabric.advance(Duration.ofMillis(10));
                CompletableFuture<PublishReceipt> second =
                        fabric.bus().publishAsync(event(fabric, ACME, "asked.x", "k", 1));
                fabric.advance(Duration.ofSeconds(2));
                assertThat(provider.events).as("the second waits").hasSize(1);
                provider.answers
                        .get(0)
                        .complete(firstFails ? PublishOutcome.failed(away()) : PublishOutcome.accepted());
                fabric.settle();
                if (firstFails) {
                    assertThat(first).isCompletedExceptionally();
                    assertThat(provider.events)
                            .as("the second takes over at once")
                            .hasSize(2);
                    provider.answers.get(1).complete(PublishOutcome.accepted());
                    fabric.settle();
                    assertThat(second.join().status()).isEqualTo(PublishReceipt.Status.PUBLISHED);
                } else {
                    assertThat(second.join().status()).isEqualTo(PublishReceipt.Status.DUPLICATE);
                    assertThat(second.join().eventId()).isEqualTo(first.join().eventId());
                    assertThat(provider.events).hasSize(1);
                }
            }
        }
    }

    @Test
    void P3_whoWaitsForAnotherPublishLearnsThatItsOutcomeIsOpen() {
        Asked provider = new Asked();
        try (TestFabric fabric = fabric(provider, b -> b.publishTimeout(Duration.ofSeconds(5)))) {
            fabric.bus().publishAsync(event(fabric, ACME, "asked.x", "k", 1));
            fabric.advance(Duration.ofSeconds(4));
            EventsException error = failure(() -> fabric.bus().publish(event(fabric, ACME, "asked.x", "k", 1)));
            assertThat(error.code()).isEqualTo(ErrorCode.IDEMPOTENCY_KEY_IN_FLIGHT);
            assertThat(error.kind().mayHaveHappened()).isTrue();
        }
    }

    @Test
    void P3_anUnknownOutcomeIsRepeatedUnderTheFirstEventId() {
        Asked provider = new Asked();
        try (TestFabric fabric = fabric(provider, b -> b.publishTimeout(Duration.ofSeconds(20)))) {
            EventEnvelope first = event(fabric, ACME, "asked.x", "k", 1);
            assertThat(failure(() -> fabric.bus().publish(first)).code()).isEqualTo(ErrorCode.OUTCOME_UNKNOWN);
            CompletableFuture<PublishReceipt> again = fabric.bus().publishAsync(event(fabric, ACME, "asked.x", "k", 1));
            fabric.advance(Duration.ofMillis(10));
            assertThat(provider.events).extracting(EventEnvelope::id).containsExactly(first.id(), first.id());
            provider.answers.get(1).complete(PublishOutcome.accepted());
            fabric.settle();
            assertThat(again.join().eventId()).isEqualTo(first.id());
            assertThat(fabric.bus()
                            .publish(event(fabric, ACME, "asked.x", "k", 1))
                            .status())
                    .isEqualTo(PublishReceipt.Status.DUPLICATE);
        }
    }

    @Test
    void theSameKeyWithAnotherPayloadIsRefused() {
        try (TestFabric fabric = TestFabric.create()) {
            fabric.bus().publish(event(fabric, ACME, "a", "k", Payload.json("{\"a\":1,\"b\":2}")));
            assertThat(fabric.bus()
                            .publish(event(fabric, ACME, "a", "k", Payload.json("{ \"b\": 2, \"a\": 1 }")))
                            .status())
                    .as("the same payload written otherwise")
                    .isEqualTo(PublishReceipt.Status.DUPLICATE);
            assertThat(failure(() -> fabric.bus().publish(event(fabric, ACME, "a", "k", 2)))
                            .code())
                    .isEqualTo(ErrorCode.IDEMPOTENCY_KEY_REUSED);
        }
    }

    @Test
    void theKeyMayComeFromTheOptionsTheMetadataOrTheContext() {
        try (TestFabric fabric = TestFabric.create()) {
            TenantContext keyed = ACME.toBuilder().idempotencyKey("k").build();
            EventEnvelope plain = fabric.bus().newEvent(ACME, "a").build();
            PublishReceipt first = fabric.bus().publish(plain, PublishOptions.NONE.idempotencyKey("k"));
            EventEnvelope inMetadata =
                    fabric.bus().newEvent(ACME, "a").idempotencyKey("k").build();
            EventEnvelope inContext = fabric.bus().newEvent(keyed, "a").build();
            for (EventEnvelope repeated : List.of(inMetadata, inContext)) {
                PublishReceipt receipt = fabric.bus().publish(repeated);
                assertThat(receipt.status()).isEqualTo(PublishReceipt.Status.DUPLICATE);
                assertThat(receipt.eventId()).isEqualTo(first.eventId());
            }
            assertThat(failure(() -> fabric.bus().publish(inMetadata, PublishOptions.NONE.idempotencyKey("other")))
                            .code())
                    .isEqualTo(ErrorCode.INVALID_IDEMPOTENCY_KEY);
            assertThat(failure(() -> fabric.bus().publish(plain, PublishOptions.NONE.idempotencyKey("x".repeat(257))))
                            .code())
                    .isEqualTo(ErrorCode.INVALID_IDEMPOTENCY_KEY);
        }
    }

    @Test
    void P10_aFullWindowRefusesAndForgetsNothing() {
        TestFabric[] holder = new TestFabric[1];
        TestFabric fabric = TestFabric.create(
                0,
                b -> b.idempotency(new MemoryIdempotencyStore(
                        new ai.greentic.events.spi.Time() {
                            @Override
                            public java.time.Instant now() {
                                return holder[0].time().now();
                            }

                            @Override
                            public long nanos() {
                                return holder[0] == null ? 0 : holder[0].time().nanos();
                            }

                            @Override
                            public long randomBits() {
                                return 0;
                            }
                        },
                        Duration.ofMinutes(1),
                        3,
                        2)));
        holder[0] = fabric;
        try (fabric) {
            fabric.bus().publish(event(fabric, ACME, "a", "1", 1));
            fabric.bus().publish(event(fabric, ACME, "a", "2", 1));
            EventsException full = failure(() -> fabric.bus().publish(event(fabric, ACME, "a", "3", 1)));
            assertThat(full.code()).isEqualTo(ErrorCode.IDEMPOTENCY_WINDOW_FULL);
            assertThat(full.getMessage()).contains("prod/acme has 2");
            assertThat(fabric.bus().publish(event(fabric, ACME, "a", "1", 1)).status())
                    .isEqualTo(PublishReceipt.Status.DUPLICATE);
            TenantContext globex = TenantContext.of("prod", "globex");
            fabric.bus().publish(event(fabric, globex, "a", "1", 1));
            fabric.advance(Duration.ofMinutes(2));
            assertThat(fabric.bus().publish(event(fabric, ACME, "a", "3", 1)).status())
                    .isEqualTo(PublishReceipt.Status.PUBLISHED);
        }
    }

    @Test
    void P6_aKeyThatWaitsForItsTwinKeepsItsPlace() {
        Asked provider = new Asked();
        try (TestFabric fabric = fabric(provider, b -> {})) {
            fabric.bus().publishAsync(event(fabric, ACME, "asked.x", "k", 1));
            fabric.settle();
            EventEnvelope twin = event(fabric, ACME, "asked.x", "k", 1).toBuilder()
                    .orderingKey("o")
                    .build();
            EventEnvelope after = fabric.bus()
                    .newEvent(ACME, "asked.x")
                    .payload(Payload.of("after"))
                    .orderingKey("o")
                    .build();
            CompletableFuture<PublishReceipt> waiting = fabric.bus().publishAsync(twin);
            fabric.bus().publishAsync(after);
            fabric.advance(Duration.ofSeconds(3));
            assertThat(provider.events).hasSize(1);
            provider.answers.get(0).complete(PublishOutcome.accepted());
            fabric.settle();
            assertThat(waiting.join().status()).isEqualTo(PublishReceipt.Status.DUPLICATE);
            assertThat(provider.events).last().isEqualTo(after);
        }
    }

    @Test
    void aGroupHandlesAnEventOnceWhenAskedTo() {
        try (TestFabric fabric = TestFabric.create()) {
            List<String> once = new ArrayList<>();
            List<String> always = new ArrayList<>();
            int[] failures = {1};
            SubscribeOptions options = SubscribeOptions.group("once")
                    .deduplicate(true)
                    .redelivery(new RedeliveryPolicy(3, Duration.ofSeconds(1), Duration.ofSeconds(1), Backoff.FIXED));
            fabric.bus().subscribe(ACME, "a", options, d -> {
                if (failures[0]-- > 0) {
                    throw new IllegalStateException();
                }
                once.add(d.event().id().value());
            });
            fabric.bus()
                    .subscribe(
                            ACME,
                            "a",
                            SubscribeOptions.group("always"),
                            d -> always.add(d.event().id().value()));
            EventEnvelope event = fabric.bus().newEvent(ACME, "a").id("e-1").build();
            fabric.bus().publish(event);
            fabric.bus().publish(event);
            fabric.advance(Duration.ofSeconds(10));
            fabric.bus().publish(event);
            fabric.advance(Duration.ofSeconds(10));
            assertThat(once).containsExactly("e-1");
            assertThat(always).containsExactly("e-1", "e-1", "e-1");
        }
    }

    private static ProviderDeclaration declared(
            String name, ProviderDescriptor.Reliability reliability, ProviderDescriptor.Ordering ordering) {
        return new ProviderDeclaration(
                "p",
                new ProviderDescriptor(
                        name, ProviderDescriptor.Kind.BROKER, name, reliability, ordering, null, List.of()),
                List.of(TopicPattern.of(name + ".*")),
                ProviderOverrides.NONE);
    }

    @Test
    void P3_onAnEffectivelyOnceProviderTheEventIdIsTheKeyAndGroupsHandleItOnce() {
        TestFabric fabric = TestFabric.create(
                0,
                b -> b.declare(declared(
                        "memory",
                        ProviderDescriptor.Reliability.EFFECTIVELY_ONCE,
                        ProviderDescriptor.Ordering.PER_KEY)));
        try (fabric) {
            List<String> seen = new ArrayList<>();
            fabric.bus()
                    .subscribe(
                            ACME,
                            "memory.x",
                            SubscribeOptions.group("g"),
                            d -> seen.add(d.event().id().value()));
            EventEnvelope event =
                    fabric.bus().newEvent(ACME, "memory.x").id("e-1").build();
            assertThat(fabric.bus().publish(event).status()).isEqualTo(PublishReceipt.Status.PUBLISHED);
            assertThat(fabric.bus().publish(event).status()).isEqualTo(PublishReceipt.Status.DUPLICATE);
            // A copy that came in spite of that, as after an unknown outcome, under another key.
            fabric.bus().publish(event, PublishOptions.NONE.idempotencyKey("other"));
            fabric.advance(Duration.ofSeconds(5));
            assertThat(seen).containsExactly("e-1");
        }
    }

    @Test
    void P6_anOrderedGroupHasOneMemberWhereTheProviderDoesNotKeepKeysTogether() {
        ProviderFactory spreading = new StubFactory(
                "spreading",
                new StubProvider(),
                EnumSet.of(
                        Capability.PUBLISH,
                        Capability.SUBSCRIBE,
                        Capability.WILDCARD,
                        Capability.GROUP,
                        Capability.KEY_ORDER));
        TestFabric fabric = TestFabric.create(
                0,
                b -> b.providerFactory(spreading)
                        .declare(declared(
                                "spreading",
                                ProviderDescriptor.Reliability.AT_LEAST_ONCE,
                                ProviderDescriptor.Ordering.PER_KEY)));
        try (fabric) {
            fabric.bus().subscribe(ACME, "spreading.x", SubscribeOptions.group("g"), d -> {});
            fabric.bus().subscribe(ACME, "spreading.x", SubscribeOptions.group("h"), d -> {});
            assertThat(failure(() -> fabric.bus().subscribe(ACME, "spreading.x", SubscribeOptions.group("g"), d -> {}))
                            .code())
                    .isEqualTo(ErrorCode.UNSUPPORTED_CAPABILITY);
        }
    }
}
