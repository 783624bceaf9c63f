package ai.greentic.events.benchmarks;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.access.AccessRule;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.EventBusBuilder;
import ai.greentic.events.bus.PublishOptions;
import ai.greentic.events.bus.TenantLimits;
import ai.greentic.events.memory.MemoryIdempotencyStore;
import ai.greentic.events.spi.Time;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.testing.exporter.InMemoryMetricReader;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What each guarantee adds to a publish to a provider that does nothing. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class PipelineBenchmark {
    /** With rules only; tenant limits; a new idempotency key each time; telemetry of an SDK that samples nothing, or everything. */
    @Param({"rules", "limits", "idempotency", "metrics", "traces"})
    public String with;

    private EventBus bus;
    private EventEnvelope event;
    private long number;

    @Setup
    public void open() {
        EventBusBuilder builder = EventBus.builder()
                .access(AccessPolicy.of(List.of(
                        AccessRule.allow(AccessAction.PUBLISH).tenant("acme").build())))
                .provider("noop", new NoOpProvider(), "*")
                .idempotency(new MemoryIdempotencyStore(Time.system(), Duration.ofSeconds(1), 20_000_000, 20_000_000));
        switch (with) {
            case "limits" ->
                builder.tenantLimits(
                        TenantLimits.NONE.rate(1e9, 1_000_000).inFlight(1000).bytesInFlight(1 << 30));
            case "metrics" -> builder.openTelemetry(sdk(io.opentelemetry.sdk.trace.samplers.Sampler.alwaysOff()));
            case "traces" -> builder.openTelemetry(sdk(io.opentelemetry.sdk.trace.samplers.Sampler.alwaysOn()));
            default -> {}
        }
        bus = builder.build();
        event = EventEnvelope.builder(TenantContext.of("prod", "acme"), "orders.created")
                .id("evt-1")
                .time(Instant.EPOCH)
                .payload(Payload.json("{\"order\":\"42\",\"cents\":1250}"))
                .build();
    }

    private static OpenTelemetry sdk(io.opentelemetry.sdk.trace.samplers.Sampler sampler) {
        return OpenTelemetrySdk.builder()
                .setTracerProvider(SdkTracerProvider.builder()
                        .setSampler(sampler)
                        .addSpanProcessor(io.opentelemetry.sdk.trace.export.BatchSpanProcessor.builder(new Dropping())
                                .build())
                        .build())
                .setMeterProvider(SdkMeterProvider.builder()
                        .registerMetricReader(InMemoryMetricReader.create())
                        .build())
                .build();
    }

    @Benchmark
    public PublishReceipt publish() {
        return with.equals("idempotency")
                ? bus.publish(event, PublishOptions.NONE.idempotencyKey("order-" + number++))
                : bus.publish(event);
    }

    @TearDown
    public void close() {
        bus.close();
    }

    /** Takes spans and forgets them. */
    private static final class Dropping implements SpanExporter {
        @Override
        public CompletableResultCode export(Collection<SpanData> spans) {
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode flush() {
            return CompletableResultCode.ofSuccess();
        }

        @Override
        public CompletableResultCode shutdown() {
            return CompletableResultCode.ofSuccess();
        }
    }
}
