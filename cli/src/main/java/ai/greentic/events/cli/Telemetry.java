package ai.greentic.events.cli;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.config.Settings;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.exporter.logging.LoggingMetricExporter;
import io.opentelemetry.exporter.logging.LoggingSpanExporter;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.metrics.OtlpGrpcMetricExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import io.opentelemetry.sdk.metrics.export.PeriodicMetricReader;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Spans and metrics of a command, where the settings send them: nowhere, to standard error, or to a collector by OTLP. What is
 * left is sent when the command ends, for at most a few seconds.
 */
final class Telemetry implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final Duration EVERY = Duration.ofSeconds(10);

    private final OpenTelemetrySdk sdk;

    private Telemetry(OpenTelemetrySdk sdk) {
        this.sdk = sdk;
    }

    /** Empty if the settings send nothing anywhere. */
    static Optional<Telemetry> of(Settings settings) {
        String exporter = settings.text("telemetry.exporter").orElse("none");
        if (settings.text("telemetry.enabled").filter("false"::equals).isPresent()) {
            return Optional.empty();
        }
        return switch (exporter) {
            // They write to the platform's log, which goes to standard error: standard output is for results.
            case "stdout" ->
                Optional.of(new Telemetry(sdk(settings, LoggingSpanExporter.create(), LoggingMetricExporter.create())));
            case "otlp" -> Optional.of(otlp(settings));
            default -> Optional.empty();
        };
    }

    private static Telemetry otlp(Settings settings) {
        boolean grpc = settings.text("telemetry.protocol").orElse("http").equals("grpc");
        String endpoint = settings.text("telemetry.endpoint").orElse("http://localhost:" + (grpc ? 4317 : 4318));
        URI address;
        try {
            address = URI.create(endpoint);
        } catch (IllegalArgumentException e) {
            throw unusable(endpoint);
        }
        if (address.getHost() == null || !("http".equals(address.getScheme()) || "https".equals(address.getScheme()))) {
            throw unusable(endpoint);
        }
        if (grpc) {
            return new Telemetry(sdk(
                    settings,
                    OtlpGrpcSpanExporter.builder()
                            .setEndpoint(endpoint)
                            .setTimeout(TIMEOUT)
                            .build(),
                    OtlpGrpcMetricExporter.builder()
                            .setEndpoint(endpoint)
                            .setTimeout(TIMEOUT)
                            .build()));
        }
        String base = endpoint.endsWith("/") ? endpoint.substring(0, endpoint.length() - 1) : endpoint;
        return new Telemetry(sdk(
                settings,
                OtlpHttpSpanExporter.builder()
                        .setEndpoint(base + "/v1/traces")
                        .setTimeout(TIMEOUT)
                        .build(),
                OtlpHttpMetricExporter.builder()
                        .setEndpoint(base + "/v1/metrics")
                        .setTimeout(TIMEOUT)
                        .build()));
    }

    private static EventsException unusable(String endpoint) {
        return new EventsException(
                ErrorCode.INVALID_CONFIGURATION,
                "telemetry.endpoint is '" + endpoint
                        + "'; it must be the address of a collector, such as http://127.0.0.1:4318 (4317 with telemetry.protocol = grpc)");
    }

    private static OpenTelemetrySdk sdk(Settings settings, SpanExporter spans, MetricExporter metrics) {
        Resource resource = Resource.getDefault().toBuilder()
                .put(AttributeKey.stringKey("service.name"), "greentic-events")
                .build();
        double sampling =
                settings.text("telemetry.sampling").map(Double::parseDouble).orElse(1.0);
        return OpenTelemetrySdk.builder()
                .setTracerProvider(SdkTracerProvider.builder()
                        .setResource(resource)
                        .setSampler(Sampler.parentBased(Sampler.traceIdRatioBased(sampling)))
                        .addSpanProcessor(BatchSpanProcessor.builder(spans)
                                .setExporterTimeout(TIMEOUT)
                                .build())
                        .build())
                .setMeterProvider(SdkMeterProvider.builder()
                        .setResource(resource)
                        .registerMetricReader(PeriodicMetricReader.builder(metrics)
                                .setInterval(EVERY)
                                .build())
                        .build())
                .build();
    }

    OpenTelemetry api() {
        return sdk;
    }

    @Override
    public void close() {
        var unused = sdk.shutdown().join(TIMEOUT.toSeconds() + 1, TimeUnit.SECONDS);
    }
}
