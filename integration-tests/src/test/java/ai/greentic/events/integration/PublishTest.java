package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.ProviderDescriptor;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.PublishResult;
import ai.greentic.events.TenantContext;
import ai.greentic.events.Topic;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.EventBusBuilder;
import ai.greentic.events.bus.PreparedEvent;
import ai.greentic.events.bus.ProviderDeclaration;
import ai.greentic.events.bus.ProviderStatus;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.delivery.ProviderOverrides;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderFactory;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.SettingsSchema;
import ai.greentic.events.testing.TestFabric;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

/** Publishing and the making of a bus, in virtual time. */
class PublishTest {
    private static final TenantContext ACME = TenantContext.of("prod", "acme");

    private static EventEnvelope.Builder event(String topic) {
        return EventEnvelope.builder(ACME, topic).id("evt-1").time(java.time.Instant.EPOCH);
    }

    private static void assertCode(ErrorCode code, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        EventsException.class,
                        e -> assertThat(e.code()).as(e.getMessage()).isEqualTo(code));
    }

    @Test
    void refusesWhatCannotBePublishedAndSaysWhy() {
        try (TestFabric fabric = TestFabric.create(0, b -> b.codec(new EnvelopeCodec(4096, 126, false)))) {
            EventBus bus = fabric.bus();
            assertCode(ErrorCode.INVALID_TOPIC, () -> bus.publish(ACME, "orders.*", 1));
            assertCode(ErrorCode.INVALID_TOPIC, () -> bus.publish(ACME, "", 1));
            assertCode(ErrorCode.INVALID_TOPIC, () -> bus.publish(ACME, "orders..x", 1));
            assertCode(
                    ErrorCode.INVALID_ENVELOPE,
                    () -> bus.publish(event("a").type("").build()));
            assertCode(
                    ErrorCode.INVALID_ORDERING_KEY,
                    () -> bus.publish(event("a").orderingKey("").build()));
            assertCode(
                    ErrorCode.INVALID_ORDERING_KEY,
                    () -> bus.publish(event("a").orderingKey("é".repeat(129)).build()));
            bus.publish(event("a").orderingKey("é".repeat(128)).build());
            assertCode(ErrorCode.EVENT_TOO_LARGE, () -> bus.publish(ACME, "a", "x".repeat(5000)));
            assertCode(
                    ErrorCode.DEADLINE_EXCEEDED,
                    () -> bus.publish(ACME.toBuilder().deadlineMillis(1).build(), "a", 1));
            assertThat(bus.publishAsync(ACME, "orders.*", 1)).isCompletedExceptionally();
        }
    }

    @Test
    void anEventThatNobodyCarriesHasNoRoute() {
        try (EventBus bus =
                EventBus.builder().provider("orders", "memory", "orders.*").build()) {
            assertThatThrownBy(() -> bus.publish(ACME, "billing.x", 1))
                    .hasMessageContaining("billing.x")
                    .hasMessageContaining("orders [orders.*]");
            assertCode(ErrorCode.NO_ROUTE, () -> bus.subscribe(ACME, "billing.*", d -> {}));
        }
    }

    @Test
    void aLateAnswerLeavesTheOutcomeUnknownAndASilentProviderToo() {
        try (TestFabric fabric = TestFabric.create(0, b -> b.publishTimeout(Duration.ofSeconds(2)))) {
            fabric.faults().slowPublish(Duration.ofSeconds(1));
            assertThat(fabric.bus().publish(ACME, "a", 1).status()).isEqualTo(PublishReceipt.Status.PUBLISHED);
            fabric.faults().slowPublish(Duration.ofSeconds(3));
            assertCode(ErrorCode.OUTCOME_UNKNOWN, () -> fabric.bus().publish(ACME, "a", 2));
            fabric.faults().slowPublish(Duration.ZERO).silentPublish(true);
            long before = fabric.time().nanos();
            TenantContext hurried = ACME.toBuilder()
                    .deadline(fabric.time().now().plusMillis(500))
                    .build();
            assertCode(ErrorCode.OUTCOME_UNKNOWN, () -> fabric.bus().publish(hurried, "a", 3));
            assertThat(fabric.time().nanos() - before)
                    .isEqualTo(Duration.ofMillis(500).toNanos());
        }
    }

    @Test
    void P10_aFutureDoesNotWaitForEver() {
        try (TestFabric fabric = TestFabric.create(0, b -> b.publishTimeout(Duration.ofSeconds(2)))) {
            fabric.faults().silentPublish(true);
            EventEnvelope.Builder keyed = event("a").orderingKey("k");
            CompletableFuture<PublishReceipt> sent = fabric.bus().publishAsync(keyed.build());
            CompletableFuture<PublishReceipt> behind = fabric.bus().publishAsync(keyed.build());
            fabric.advance(Duration.ofSeconds(4));
            assertThat(sent.handle((receipt, failure) -> ((EventsException) failure).code()))
                    .isCompletedWithValue(ErrorCode.OUTCOME_UNKNOWN);
            assertThat(behind.handle((receipt, failure) -> ((EventsException) failure).code()))
                    .isCompletedWithValue(ErrorCode.DEADLINE_EXCEEDED);
        }
    }

    @Test
    void P12_handlersMayPublishWhileTheBusDrains() throws Exception {
        List<PublishReceipt.Status> published = new ArrayList<>();
        try (TestFabric fabric = TestFabric.create()) {
            fabric.bus().subscribeAsync(ACME, "a", SubscribeOptions.ephemeral(), delivery -> {
                CompletableFuture<Void> later = new CompletableFuture<>();
                fabric.time().schedule(Duration.ofSeconds(1), () -> {
                    published.add(fabric.bus().publish(ACME, "b", 1).status());
                    later.complete(null);
                });
                return later;
            });
            fabric.bus().publish(ACME, "a", 1);
            fabric.settle();
            assertThat(fabric.bus().drain(Duration.ofSeconds(5))).isTrue();
        }
        assertThat(published).containsExactly(PublishReceipt.Status.PUBLISHED);
    }

    @Test
    void P6_aKeyHasOneEventOnItsWayAndOthersPass() {
        List<List<String>> calls = new ArrayList<>();
        List<CompletableFuture<PublishOutcome>> answers = new ArrayList<>();
        EventProvider slow = new StubProvider() {
            @Override
            public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) {
                calls.add(batch.stream().map(e -> e.event().payload().json()).toList());
                List<CompletionStage<PublishOutcome>> stages = new ArrayList<>();
                for (int i = 0; i < batch.size(); i++) {
                    CompletableFuture<PublishOutcome> answer = new CompletableFuture<>();
                    answers.add(answer);
                    stages.add(answer);
                }
                return stages;
            }
        };
        try (TestFabric fabric = TestFabric.create(
                0,
                b -> b.provider("slow", slow, "slow.*")
                        .deadLetterCopies(false)
                        .override("slow", ProviderOverrides.NONE.maxRetries(0)))) {
            List<CompletableFuture<PublishReceipt>> receipts = new ArrayList<>();
            for (String payload : List.of("a1", "a2", "b1", "a3")) {
                receipts.add(fabric.bus()
                        .publishAsync(event("slow.x")
                                .orderingKey(payload.substring(0, 1))
                                .payload(Payload.of(payload))
                                .build()));
            }
            fabric.settle();
            assertThat(calls.stream().flatMap(List::stream)).containsExactlyInAnyOrder("\"a1\"", "\"b1\"");
            answers.forEach(answer -> answer.complete(PublishOutcome.accepted()));
            fabric.settle();
            assertThat(calls.stream().flatMap(List::stream)).hasSize(3).last().isEqualTo("\"a2\"");
            answers.get(2).complete(PublishOutcome.failed(new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "away")));
            fabric.settle();
            assertThat(receipts.get(1)).isCompletedExceptionally();
            assertThat(calls.stream().flatMap(List::stream)).last().isEqualTo("\"a3\"");
            answers.get(3).complete(PublishOutcome.accepted());
            fabric.settle();
            assertThat(receipts.get(3)).isCompleted();
        }
    }

    @Test
    void P10_aFullQueueRefusesAtOnceOrWaitsForRoom() {
        try (TestFabric fabric = TestFabric.create(0, b -> b.publishQueue(2).publishTimeout(Duration.ofSeconds(5)))) {
            fabric.faults().silentPublish(true);
            List<CompletableFuture<PublishReceipt>> receipts = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                receipts.add(fabric.bus()
                        .publishAsync(event("a")
                                .orderingKey("k")
                                .payload(Payload.of(i))
                                .build()));
            }
            assertThat(receipts.get(2)).isCompletedExceptionally();
            assertThat(receipts.get(0)).isNotDone();
            assertCode(
                    ErrorCode.PUBLISH_QUEUE_FULL,
                    () -> fabric.bus().publish(event("a").orderingKey("k").build()));
            assertThat(fabric.time().nanos()).isEqualTo(Duration.ofSeconds(5).toNanos());
        }
    }

    @Test
    void P10_whatASlowSubscriberDoesNotTakeIsRefused() {
        try (EventBus bus = EventBus.builder()
                .declare(declaration("small", "memory", "*"))
                .providerSettings(null, "small", Map.of("max_events", 10))
                .build()) {
            TenantContext globex = TenantContext.of("prod", "globex");
            bus.pull(ACME, "a", SubscribeOptions.group("slow").maxInFlight(2));
            for (int i = 0; i < 10; i++) {
                bus.publish(ACME, "a", i);
            }
            assertCode(ErrorCode.PROVIDER_FULL, () -> bus.publish(ACME, "a", 11));
            assertThat(bus.publish(globex, "a", 1).position())
                    .as("another tenant has room of its own")
                    .isPresent();
            assertThat(bus.publish(ACME, "b", 1).position())
                    .as("nobody waits for it")
                    .isPresent();
        }
    }

    @Test
    void batchesAnswerForEachEventInOrder() {
        try (TestFabric fabric = TestFabric.create()) {
            List<Integer> seen = new ArrayList<>();
            fabric.bus().subscribe(ACME, "a", d -> seen.add(d.payload(Integer.class)));
            List<EventEnvelope> events = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                events.add(EventEnvelope.builder(ACME, i == 500 ? "bad..topic" : "a")
                        .id("evt-" + i)
                        .time(java.time.Instant.EPOCH)
                        .orderingKey("k")
                        .payload(Payload.of(i))
                        .build());
            }
            List<PublishResult> results = fabric.bus().publishAll(events);
            fabric.settle();
            assertThat(results).hasSize(1000);
            for (int i = 0; i < 1000; i++) {
                if (i == 500) {
                    assertThat(results.get(i)).isInstanceOf(PublishResult.Failed.class);
                } else {
                    assertThat(results.get(i).orElseThrow().eventId().value()).isEqualTo("evt-" + i);
                }
            }
            assertThat(seen).hasSize(999).isSorted();
        }
    }

    @Test
    void preparedEventsCanBeReleasedLater() {
        try (TestFabric fabric = TestFabric.create()) {
            PreparedEvent prepared = fabric.bus().prepare(event("a").build());
            fabric.advance(Duration.ofHours(1));
            assertThat(prepared.provider()).isEqualTo("memory");
            assertThat(EnvelopeCodec.STANDARD.decode(prepared.encoded())).isEqualTo(prepared.event());
            assertThat(fabric.bus().release(prepared).eventId().value()).isEqualTo("evt-1");
        }
    }

    @Test
    void kindsDecideWhoPublishesAndWhoSubscribes() {
        try (EventBus bus = EventBus.builder()
                .declare(declaration(ProviderDescriptor.Kind.SOURCE, "in", "memory", "x.*"))
                .declare(declaration(ProviderDescriptor.Kind.SINK, "out", "memory", "x.*"))
                .build()) {
            assertThat(bus.explainRoute(new Topic("x.a")).provider()).isEqualTo("out");
            assertThat(bus.publish(ACME, "x.a", 1).provider()).isEqualTo("out");
            bus.subscribe(ACME, "x.*", d -> {}).close();
        }
    }

    @Test
    void P14_everyConfigurationProblemIsReportedAtOnce() {
        EventBusBuilder builder = EventBus.builder()
                .declare(declaration("a", "memmory", "a.*"))
                .declare(declaration("b", "memory", "b.*"))
                .declare(declaration("b", "memory", "c.*"))
                .declare(new ProviderDeclaration(
                        "p",
                        new ProviderDescriptor(
                                "g",
                                ProviderDescriptor.Kind.BROKER,
                                "memory",
                                ProviderDescriptor.Reliability.EFFECTIVELY_ONCE,
                                ProviderDescriptor.Ordering.GLOBAL,
                                null,
                                List.of()),
                        List.of(TopicPattern.of("g")),
                        ProviderOverrides.NONE))
                .providerSettings(null, "b", Map.of("max_evnts", 1, "shards", 0))
                .providerSettings("p", "x", Map.of("a", 1))
                .override("bb", ProviderOverrides.NONE)
                .route("z.*", "nowhere")
                .problem("and one from a configurer");
        assertThatThrownBy(builder::build).isInstanceOfSatisfying(EventsException.class, e -> {
            assertThat(e.code()).isEqualTo(ErrorCode.INVALID_CONFIGURATION);
            assertThat(String.join("\n", e.problems()))
                    .contains("and one from a configurer")
                    .contains("events.providers.a wants transport 'memmory'", "did you mean memory?")
                    .contains("provider b is registered twice")
                    .contains("events.providers.b.max_evnts is not a known setting; did you mean max_events?")
                    .contains("events.providers.b.shards is '0'; it must be between 1 and 4096")
                    .contains("events.packs.p.providers.g asks for ordering global")
                    .contains("p/x, which is not registered")
                    .contains("bb, which is not registered; did you mean b?")
                    .contains("a route leads to provider nowhere");
        });
    }

    @Test
    void aProviderThatDoesNotStartIsReportedAndTheOthersGoOn() {
        ProviderFactory broken = new ProviderFactory() {
            @Override
            public String transport() {
                return "broken";
            }

            @Override
            public SettingsSchema settings() {
                return SettingsSchema.EMPTY;
            }

            @Override
            public Set<Capability> capabilities(ProviderSettings settings) {
                return EnumSet.of(Capability.PUBLISH);
            }

            @Override
            public EventProvider create(ProviderSettings settings, ProviderContext context) {
                throw new IllegalStateException("no licence");
            }
        };
        try (EventBus bus = EventBus.builder()
                .providerFactory(broken)
                .declare(declaration("a", "broken", "a.*"))
                .declare(declaration("b", "memory", "b.*"))
                .build()) {
            assertThat(bus.providers()).extracting(ProviderStatus::started).containsExactly(false, true);
            assertThat(bus.providers().get(0).failure()).contains("no licence");
            assertCode(ErrorCode.PROVIDER_NOT_STARTED, () -> bus.publish(ACME, "a.x", 1));
            assertCode(ErrorCode.PROVIDER_NOT_STARTED, () -> bus.subscribe(ACME, "a.*", d -> {}));
            assertThat(bus.publish(ACME, "b.x", 1).provider()).isEqualTo("b");
        }
    }

    @Test
    void overridesMergeFieldByFieldAndStayWithTheirPack() {
        ProviderOverrides pack =
                ProviderOverrides.NONE.deadLetterTopic("dead.pack").maxRetries(5);
        ProviderDescriptor descriptor = declaration("same", "memory", "x").descriptor();
        try (EventBus bus = EventBus.builder()
                .declare(new ProviderDeclaration("p1", descriptor, List.of(TopicPattern.of("x")), pack))
                .declare(new ProviderDeclaration(
                        "p2", descriptor, List.of(TopicPattern.of("y")), ProviderOverrides.NONE))
                .override(
                        EventBus.Source.SETTINGS,
                        "p1",
                        "same",
                        ProviderOverrides.NONE.maxRetries(4).baseDelay(Duration.ofMillis(7)))
                .override("same", ProviderOverrides.NONE.maxRetries(0))
                .route("z", "p2/same")
                .build()) {
            ProviderStatus first = bus.providers().get(0);
            assertThat(first.deadLetterTopic()).isEqualTo("dead.pack");
            assertThat(first.retry().maxRetries()).isZero();
            assertThat(first.retry().baseDelay()).isEqualTo(Duration.ofMillis(7));
            ProviderStatus second = bus.providers().get(1);
            assertThat(second.deadLetterTopic()).isNull();
            assertThat(second.retry().baseDelay()).isEqualTo(Duration.ofMillis(500));
            assertThat(bus.explainRoute(new Topic("z")).provider()).isEqualTo("p2/same");
        }
    }

    @Test
    void whatAProviderCannotDoIsRefused() {
        try (EventBus bus = EventBus.builder()
                .provider("sink", new StubProvider(), EnumSet.of(Capability.PUBLISH), "s.*")
                .provider("source", new StubProvider(), EnumSet.of(Capability.SUBSCRIBE), "t.*")
                .build()) {
            assertCode(ErrorCode.UNSUPPORTED_CAPABILITY, () -> bus.subscribe(ACME, "s.a", d -> {}));
            assertCode(ErrorCode.UNSUPPORTED_CAPABILITY, () -> bus.subscribe(ACME, "t.*", d -> {}));
            assertCode(
                    ErrorCode.UNSUPPORTED_CAPABILITY,
                    () -> bus.subscribe(ACME, "t.a", SubscribeOptions.group("g"), d -> {}));
            assertCode(ErrorCode.UNSUPPORTED_CAPABILITY, () -> bus.publish(ACME, "t.a", 1));
            bus.subscribe(ACME, "t.a", d -> {}).close();
        }
    }

    private static ProviderDeclaration declaration(String name, String transport, String topics) {
        return declaration(ProviderDescriptor.Kind.BROKER, name, transport, topics);
    }

    private static ProviderDeclaration declaration(
            ProviderDescriptor.Kind kind, String name, String transport, String topics) {
        return new ProviderDeclaration(
                null,
                new ProviderDescriptor(
                        name,
                        kind,
                        transport,
                        ProviderDescriptor.Reliability.AT_LEAST_ONCE,
                        ProviderDescriptor.Ordering.NONE,
                        null,
                        List.of()),
                List.of(TopicPattern.of(topics)),
                ProviderOverrides.NONE);
    }

    /** Both shapes of events about secrets pass; what would hold the secret itself is refused, and named by its place. */
    @Test
    void P13_anEventAboutASecretDoesNotHoldIt() {
        try (EventBus bus = EventBus.builder().provider("memory", "memory", "*").build()) {
            for (String fine : List.of(
                    "{\"schema_version\":\"v1\",\"key\":\"db/main\",\"scope\":{\"env\":\"prod\",\"tenant\":\"acme\"},\"tenant_ctx\":{\"environment\":\"prod\"}}",
                    "{\"schema_version\":\"v1\",\"key\":\"db/main\",\"scope\":\"prod/acme\",\"timestamp_utc\":\"2026-01-01T00:00:00Z\"}")) {
                assertThat(bus.publish(ACME, "greentic.secrets.put", Payload.json(fine))
                                .status())
                        .isEqualTo(PublishReceipt.Status.PUBLISHED);
            }
            for (String bad : List.of("{\"Value\":\"hunter2\"}", "{\"metadata\":[{\"plaintext\":\"hunter2\"}]}")) {
                assertThatThrownBy(() -> bus.publish(ACME, "greentic.secrets.put", Payload.json(bad)))
                        .isInstanceOfSatisfying(
                                EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_PAYLOAD))
                        .hasMessageContaining("payload.")
                        .hasMessageNotContaining("hunter2");
            }
            assertThat(bus.publish(ACME, "orders.created", Payload.json("{\"value\":1}"))
                            .status())
                    .isEqualTo(PublishReceipt.Status.PUBLISHED);
        }
    }
}
