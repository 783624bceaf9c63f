package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.Caller;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.access.AccessRule;
import ai.greentic.events.bus.PublishOptions;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.delivery.ProviderOverrides;
import ai.greentic.events.testing.TestFabric;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Scope;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.data.LongPointData;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.testing.exporter.InMemoryMetricReader;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Spans and metrics through the real SDK, in memory. */
class TelemetryTest {
    private static final TenantContext ACME = TenantContext.of("prod", "acme");
    private final InMemorySpanExporter spans = InMemorySpanExporter.create();
    private final InMemoryMetricReader metrics = InMemoryMetricReader.create();
    private final OpenTelemetry sdk = OpenTelemetrySdk.builder()
            .setTracerProvider(SdkTracerProvider.builder()
                    .addSpanProcessor(SimpleSpanProcessor.create(spans))
                    .build())
            .setMeterProvider(
                    SdkMeterProvider.builder().registerMetricReader(metrics).build())
            .build();

    private List<SpanData> named(String name) {
        return spans.getFinishedSpanItems().stream()
                .filter(span -> span.getName().equals(name))
                .toList();
    }

    private static String text(SpanData span, String key) {
        return String.valueOf(span.getAttributes().get(AttributeKey.stringKey(key)));
    }

    private long count(String metric) {
        return metrics.collectAllMetrics().stream()
                .filter(data -> data.getName().equals(metric))
                .flatMap(data -> data.getLongSumData().getPoints().stream())
                .mapToLong(LongPointData::getValue)
                .sum();
    }

    @Test
    void aPublishAndItsDeliveryAreLinkedAndCarryTheNames() {
        try (TestFabric fabric = TestFabric.create(0, b -> b.openTelemetry(sdk))) {
            List<String> traces = new ArrayList<>();
            List<EventEnvelope> seen = new ArrayList<>();
            fabric.bus().subscribe(ACME, "orders.*", SubscribeOptions.group("billing"), d -> {
                traces.add(Span.current().getSpanContext().getTraceId());
                seen.add(d.event());
            });
            Span outer = sdk.getTracer("test").spanBuilder("outer").startSpan();
            try (Scope scope = outer.makeCurrent()) {
                assertThat(scope).isNotNull();
                fabric.bus().publish(ACME, "orders.created", "secret payload");
            }
            outer.end();
            fabric.settle();
            SpanData publish = named("event.publish").get(0);
            assertThat(publish.getParentSpanId())
                    .isEqualTo(outer.getSpanContext().getSpanId());
            assertThat(text(publish, "tenant_id")).isEqualTo("acme");
            assertThat(text(publish, "topic")).isEqualTo("orders.created");
            assertThat(text(publish, "provider")).isEqualTo("memory");
            assertThat(publish.getAttributes().get(AttributeKey.booleanKey("dlq")))
                    .isFalse();
            assertThat(text(publish, "messaging.destination.template")).isEqualTo("*");
            assertThat(text(publish, "messaging.operation.type")).isEqualTo("send");
            assertThat(text(publish, "messaging.message.id"))
                    .isEqualTo(seen.get(0).id().value());
            SpanData process = named("event.process").get(0);
            assertThat(process.getLinks())
                    .singleElement()
                    .satisfies(link ->
                            assertThat(link.getSpanContext().getSpanId()).isEqualTo(publish.getSpanId()));
            assertThat(text(process, "messaging.consumer.group.name")).isEqualTo("billing");
            assertThat(text(process, "outcome")).isEqualTo("acked");
            assertThat(traces).containsExactly(process.getTraceId());
            assertThat(named("event.settle")).isNotEmpty();
            assertThat(named("event.subscribe")).hasSize(1);
            assertThat(seen.get(0).metadata().get("traceparent"))
                    .contains(publish.getTraceId())
                    .contains(publish.getSpanId());
            assertThat(seen.get(0).tenant().traceId()).contains(publish.getTraceId());
            assertThat(spans.getFinishedSpanItems().toString()).doesNotContain("secret");
        }
    }

    @Test
    void aTraceThatTheEventNamesGoesOn() {
        try (TestFabric fabric = TestFabric.create(0, b -> b.openTelemetry(sdk))) {
            fabric.bus()
                    .publish(fabric.bus()
                            .newEvent(ACME, "a")
                            .metadata("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
                            .build());
            assertThat(named("event.publish").get(0).getTraceId()).isEqualTo("4bf92f3577b34da6a3ce929d0e0e4736");
        }
    }

    @Test
    void theCountersCountWhatTheirNamesSay() {
        AccessPolicy rules = AccessPolicy.of(List.of(
                AccessRule.deny(AccessAction.PUBLISH).caller("guest").build(),
                AccessRule.of(AccessRule.Effect.ALLOW, Set.of(AccessAction.values()))
                        .build()));
        TestFabric fabric = TestFabric.create(
                0,
                b -> b.openTelemetry(sdk)
                        .access(rules)
                        .deadLetterCopies(false)
                        .provider("narrow", new StubProvider(), "narrow.*")
                        .override("memory", ProviderOverrides.NONE.maxRetries(1)));
        try (fabric) {
            fabric.faults().failPublish(1, new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "away"));
            fabric.bus().publish(ACME, "a", 1);
            EventEnvelope keyed =
                    fabric.bus().newEvent(ACME, "a").idempotencyKey("k").build();
            fabric.bus().publish(keyed);
            assertThat(fabric.bus().publish(keyed).status()).isEqualTo(PublishReceipt.Status.DUPLICATE);
            fabric.faults().failPublish(2, new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "away"));
            assertThatThrownBy(() -> fabric.bus().publish(ACME, "a", 2)).isInstanceOf(EventsException.class);
            assertThatThrownBy(() -> fabric.bus().as(Caller.of("guest")).publish(ACME, "a", 3))
                    .isInstanceOf(EventsException.class);
            fabric.bus().subscribe(ACME, "a", SubscribeOptions.group("g").maxAttempts(2), d -> {
                throw new IllegalStateException("secret");
            });
            fabric.bus().publish(ACME, "a", 4);
            fabric.advance(Duration.ofMinutes(1));
            assertThat(count("events_in_total")).isEqualTo(5);
            assertThat(count("events_out_total")).isEqualTo(3);
            assertThat(count("events_duplicate_total")).isEqualTo(1);
            assertThat(count("events_failed_total")).isEqualTo(1);
            assertThat(count("events_retried_total")).isEqualTo(2);
            assertThat(count("events_dlq_total")).isEqualTo(2);
            assertThat(count("events_denied_total")).isEqualTo(1);
            assertThat(count("events_delivered_total")).isEqualTo(2);
            assertThat(count("events_in_flight")).isZero();
            assertThat(metrics.collectAllMetrics())
                    .extracting(MetricData::getName)
                    .contains("event_latency_ms", "events_consumer_lag_ms", "events_settled_total");
            assertThat(named("event.dlq"))
                    .hasSize(2)
                    .allMatch(span -> text(span, "topic").equals("a"));
            SpanData failed = named("event.publish").stream()
                    .filter(span -> span.getStatus().getStatusCode() == StatusCode.ERROR)
                    .findFirst()
                    .orElseThrow();
            assertThat(text(failed, "error.type")).isEqualTo("PROVIDER_UNAVAILABLE");
            assertThat(failed.getEvents())
                    .extracting(io.opentelemetry.sdk.trace.data.EventData::getName)
                    .contains("retry");
            assertThat(named("event.process"))
                    .allMatch(span -> text(span, "error.type").equals("java.lang.IllegalStateException"));
            assertThat(spans.getFinishedSpanItems().toString() + metrics.collectAllMetrics())
                    .doesNotContain("secret");
        }
    }

    @Test
    void P10_noTenantCanMakeMetricsGrow() {
        try (TestFabric fabric = TestFabric.create(0, b -> b.openTelemetry(sdk))) {
            for (int i = 0; i < 1500; i++) {
                fabric.bus().publish(TenantContext.of("prod", "t" + i), "a", 1);
            }
            MetricData in = metrics.collectAllMetrics().stream()
                    .filter(data -> data.getName().equals("events_in_total"))
                    .findFirst()
                    .orElseThrow();
            assertThat(in.getLongSumData().getPoints()).hasSizeLessThanOrEqualTo(501);
            assertThat(count("events_in_total")).isEqualTo(1500);
        }
    }

    @Test
    void unroutableAndExpiredAreCounted() {
        try (TestFabric fabric = TestFabric.create(0, b -> b.openTelemetry(sdk))) {
            fabric.bus().subscribe(ACME, "a", SubscribeOptions.group("g"), d -> {});
            fabric.bus()
                    .publish(
                            fabric.bus()
                                    .newEvent(ACME, "a")
                                    .payload(Payload.of(1))
                                    .build(),
                            PublishOptions.NONE
                                    .deliverAfter(Duration.ofMinutes(1))
                                    .ttl(Duration.ofSeconds(1)));
            fabric.advance(Duration.ofMinutes(2));
            assertThat(count("events_delivered_total")).isEqualTo(1);
        }
        try (ai.greentic.events.bus.EventBus bus = ai.greentic.events.bus.EventBus.builder()
                .openTelemetry(sdk)
                .provider("narrow", "memory", "narrow.*")
                .build()) {
            assertThatThrownBy(() -> bus.publish(ACME, "elsewhere", 1)).isInstanceOf(EventsException.class);
        }
        assertThat(count("events_unroutable_total")).isEqualTo(1);
    }
}
