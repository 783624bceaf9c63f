package ai.greentic.events.telemetry;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The telemetry of a bus. Spans carry names and ids, never payloads or metadata; metrics carry bounded attributes only. Without an
 * OpenTelemetry every method returns at once. Thread-safe.
 *
 * @see <a href="https://opentelemetry.io/docs/specs/semconv/messaging/">Semantic conventions for messaging</a>
 */
public final class Telemetry {
    /** Records nothing. */
    public static final Telemetry NONE = new Telemetry(null, () -> 0);

    private static final String SCOPE = "greentic-events";
    private static final W3CTraceContextPropagator W3C = W3CTraceContextPropagator.getInstance();

    private final @Nullable Tracer tracer;
    private final @Nullable Meters meters;
    private final LongSupplier nanos;

    private Telemetry(@Nullable OpenTelemetry api, LongSupplier nanos) {
        this.tracer = api == null ? null : api.getTracer(SCOPE);
        this.meters = api == null ? null : new Meters(api.getMeter(SCOPE));
        this.nanos = nanos;
    }

    /**
     * @param nanos monotonic nanoseconds, for latencies
     */
    public static Telemetry of(OpenTelemetry api, LongSupplier nanos) {
        return api == OpenTelemetry.noop() ? NONE : new Telemetry(api, nanos);
    }

    public boolean isEnabled() {
        return tracer != null;
    }

    /**
     * What a span says about where an event goes or comes from.
     *
     * @param provider name of the provider
     * @param system its transport
     * @param template the pattern that the topic matched
     */
    public record Place(
            String provider, String system, @Nullable String template) {}

    private static final TextMapGetter<Map<String, String>> METADATA = new TextMapGetter<>() {
        @Override
        public @Nullable String get(@Nullable Map<String, String> carrier, String key) {
            return carrier == null ? null : carrier.get(key);
        }
    };

    private static Context contextOf(EventEnvelope event) {
        return W3C.extract(Context.root(), event.metadata(), METADATA);
    }

    /** The event with the current trace context in its metadata ({@code traceparent}) and in {@code tenant.trace_id}. */
    public EventEnvelope inject(EventEnvelope event) {
        return tracer == null ? event : inject(event, Context.current());
    }

    private static EventEnvelope inject(EventEnvelope event, Context context) {
        SpanContext span = Span.fromContext(context).getSpanContext();
        if (!span.isValid()) {
            return event;
        }
        Map<String, String> metadata = new TreeMap<>(event.metadata());
        W3C.inject(context, metadata, (carrier, key, value) -> {
            if (carrier != null) {
                carrier.put(key, value);
            }
        });
        TenantContext tenant = event.tenant();
        EventEnvelope.Builder traced = tenant.traceId().isPresent()
                ? event.toBuilder()
                : event.toBuilder()
                        .tenant(tenant.toBuilder().traceId(span.getTraceId()).build());
        return traced.metadata(metadata).build();
    }

    // Publishing.

    /** A publish begins, in the current span's trace, or else in the one that the event names. */
    public PublishSpan publish(EventEnvelope event) {
        if (tracer == null) {
            return PublishSpan.NONE;
        }
        Context parent = Context.current();
        if (!Span.fromContext(parent).getSpanContext().isValid()) {
            parent = contextOf(event);
        }
        Span span = tracer.spanBuilder("event.publish")
                .setParent(parent)
                .setSpanKind(SpanKind.PRODUCER)
                .setAttribute(Names.TENANT_ID, event.address().tenant().name())
                .setAttribute(Names.TOPIC, event.topic().value())
                .setAttribute(Names.DLQ, event.marks().deadLetter())
                .setAttribute(Names.OPERATION_NAME, "publish")
                .setAttribute(Names.OPERATION_TYPE, "send")
                .setAttribute(Names.DESTINATION, event.topic().value())
                .setAttribute(Names.MESSAGE_ID, event.id().value())
                .startSpan();
        return new PublishSpan(this, span, event, nanos.getAsLong());
    }

    /** The span of one publish, from the caller's call to its result. */
    public static final class PublishSpan {
        private static final PublishSpan NONE = new PublishSpan(Telemetry.NONE, Span.getInvalid(), null, 0);

        private final Telemetry telemetry;
        private final Span span;
        private final @Nullable EventEnvelope event;
        private final long begun;
        private String provider = "";

        private PublishSpan(Telemetry telemetry, Span span, @Nullable EventEnvelope event, long begun) {
            this.telemetry = telemetry;
            this.span = span;
            this.event = event;
            this.begun = begun;
        }

        /** The event with this span in its metadata. */
        public EventEnvelope inject(EventEnvelope untraced) {
            return event == null
                    ? untraced
                    : Telemetry.inject(untraced, Context.root().with(span));
        }

        /** The event passed access and routing. */
        public void routed(Place place) {
            Meters meters = telemetry.meters;
            if (meters == null || event == null) {
                return;
            }
            provider = place.provider;
            describe(span, place);
            meters.in(event.address().tenant(), provider);
        }

        /** An attempt failed and there will be another. */
        public void retrying(EventsException failure, Duration delay) {
            Meters meters = telemetry.meters;
            if (meters != null && event != null) {
                meters.retried(event.address().tenant(), provider);
                span.addEvent(
                        "retry",
                        Attributes.of(Names.ERROR_TYPE, failure.code().name(), Names.DELAY_MS, delay.toMillis()));
            }
        }

        public void accepted(PublishReceipt receipt, int attempts) {
            Meters meters = telemetry.meters;
            if (meters != null && event != null) {
                String outcome = receipt.status().name().toLowerCase(java.util.Locale.ROOT);
                meters.published(event.address().tenant(), provider, outcome, millis(telemetry.nanos, begun));
                span.setAttribute(Names.ATTEMPTS, (long) attempts)
                        .setAttribute(Names.OUTCOME, outcome)
                        .end();
            }
        }

        /** The publish failed after it was routed. */
        public void failed(EventsException failure, int attempts) {
            Meters meters = telemetry.meters;
            if (meters != null && event != null) {
                meters.failed(event.address().tenant(), provider, failure.code(), millis(telemetry.nanos, begun));
                span.setAttribute(Names.ATTEMPTS, (long) attempts);
                error(span, failure.code());
                span.end();
            }
        }

        /** The publish was refused before it had a lane: denied, unroutable, or wrong. */
        public void refused(EventsException failure) {
            Meters meters = telemetry.meters;
            if (meters != null && event != null) {
                meters.refused(event.address().tenant(), "publish", failure.code());
                error(span, failure.code());
                span.end();
            }
        }
    }

    private static double millis(LongSupplier nanos, long begun) {
        return (nanos.getAsLong() - begun) / 1e6;
    }

    private static void describe(Span span, Place place) {
        span.setAttribute(Names.PROVIDER, place.provider).setAttribute(Names.SYSTEM, place.system);
        if (place.template != null) {
            span.setAttribute(Names.TEMPLATE, place.template);
        }
    }

    private static void error(Span span, ErrorCode code) {
        span.setAttribute(Names.ERROR_TYPE, code.name()).setStatus(StatusCode.ERROR, code.name());
    }

    // Subscribing and delivering.

    /** A subscription was opened or refused. */
    public void subscribed(TenantScope scope, String pattern, Place place, @Nullable EventsException failure) {
        if (tracer == null || meters == null) {
            return;
        }
        Tenant tenant = scope instanceof TenantContext one ? one.tenant() : new Tenant(scope.env(), "all-tenants");
        Span span = tracer.spanBuilder("event.subscribe")
                .setAttribute(Names.TENANT_ID, tenant.name())
                .setAttribute(Names.TOPIC, pattern)
                .setAttribute(Names.OPERATION_NAME, "subscribe")
                .startSpan();
        describe(span, place);
        if (failure != null) {
            meters.refused(tenant, "subscribe", failure.code());
            error(span, failure.code());
        }
        span.end();
    }

    /** A handler starts. Its span is current until {@link Entered#close}, and linked to the publish. */
    public DeliverySpan delivery(EventEnvelope event, Place place, String subscription, boolean group, int attempt) {
        if (tracer == null || meters == null) {
            return DeliverySpan.NONE;
        }
        SpanBuilder builder = tracer.spanBuilder("event.process")
                .setSpanKind(SpanKind.CONSUMER)
                .setAttribute(Names.TENANT_ID, event.address().tenant().name())
                .setAttribute(Names.TOPIC, event.topic().value())
                .setAttribute(Names.OPERATION_NAME, "process")
                .setAttribute(Names.OPERATION_TYPE, "process")
                .setAttribute(Names.DESTINATION, event.topic().value())
                .setAttribute(Names.MESSAGE_ID, event.id().value())
                .setAttribute(Names.ATTEMPT, (long) attempt);
        if (group) {
            builder.setAttribute(Names.GROUP, subscription);
        }
        SpanContext publisher = Span.fromContext(contextOf(event)).getSpanContext();
        if (publisher.isValid()) {
            builder.addLink(publisher);
        }
        Span span = builder.startSpan();
        describe(span, place);
        meters.inFlight(event.address().tenant(), place.provider, 1);
        return new DeliverySpan(this, span, event.address().tenant(), place.provider);
    }

    /** The span of one attempt to handle an event. */
    public static final class DeliverySpan {
        private static final DeliverySpan NONE =
                new DeliverySpan(Telemetry.NONE, Span.getInvalid(), new Tenant("none", "none"), "");

        private final Telemetry telemetry;
        private final Span span;
        private final Tenant tenant;
        private final String provider;

        private DeliverySpan(Telemetry telemetry, Span span, Tenant tenant, String provider) {
            this.telemetry = telemetry;
            this.span = span;
            this.tenant = tenant;
            this.provider = provider;
        }

        /** Makes the span current on the handler's thread. */
        @SuppressWarnings("MustBeClosedChecker") // the caller closes what it gets
        public Entered enter() {
            return this == NONE ? Entered.NOTHING : span.makeCurrent()::close;
        }

        /**
         * The attempt ended.
         *
         * @param outcome acked, redelivered, dead_lettered or lost
         * @param failure what the handler threw, or null
         */
        public void ended(String outcome, @Nullable Throwable failure) {
            Meters meters = telemetry.meters;
            if (meters == null) {
                return;
            }
            meters.inFlight(tenant, provider, -1);
            meters.delivered(tenant, provider, outcome);
            span.setAttribute(Names.OUTCOME, outcome);
            if (failure != null) {
                span.setAttribute(Names.ERROR_TYPE, failure.getClass().getName())
                        .setStatus(StatusCode.ERROR);
            }
            span.end();
        }
    }

    /** A span that is current on a thread until this is closed. */
    @FunctionalInterface
    public interface Entered extends Scope {
        /** No span. */
        Entered NOTHING = () -> {};
    }

    /** A batch of settlements went to a provider. */
    public void settled(Place place, String subscription, int count, int refused, long begunNanos) {
        if (tracer == null || meters == null) {
            return;
        }
        Span span = tracer.spanBuilder("event.settle")
                .setSpanKind(SpanKind.CLIENT)
                .setAttribute(Names.OPERATION_NAME, "ack")
                .setAttribute(Names.OPERATION_TYPE, "settle")
                .setAttribute(Names.BATCH, (long) count)
                .setAttribute(Names.SUBSCRIPTION, subscription)
                .startSpan();
        describe(span, place);
        if (refused > 0) {
            span.setAttribute(Names.REFUSED, (long) refused).setStatus(StatusCode.ERROR);
        }
        span.end();
        meters.settled(place.provider, count, (nanos.getAsLong() - begunNanos) / 1e6);
    }

    /** How old an event was when its handler started, by its sender's clock. */
    public void lag(Tenant tenant, String provider, Duration age) {
        if (meters != null) {
            meters.lag(tenant, provider, Math.max(0, age.toMillis()));
        }
    }

    /** An event ended without a handler: filtered, duplicate or expired. */
    public void skipped(Tenant tenant, String provider, String why) {
        if (meters != null) {
            meters.delivered(tenant, provider, why);
        }
    }

    /** An event became a dead letter, or could not. */
    public void deadLetter(EventEnvelope event, String provider, @Nullable EventsException failure) {
        if (tracer == null || meters == null) {
            return;
        }
        Span span = tracer.spanBuilder("event.dlq")
                .setParent(contextOf(event))
                .setAttribute(Names.TENANT_ID, event.address().tenant().name())
                .setAttribute(Names.TOPIC, event.topic().value())
                .setAttribute(Names.PROVIDER, provider)
                .setAttribute(Names.DLQ, true)
                .setAttribute(Names.MESSAGE_ID, event.id().value())
                .startSpan();
        if (failure != null) {
            error(span, failure.code());
        }
        span.end();
        deadLetter(event.address().tenant(), provider, failure == null);
    }

    /** As the other one, for an event that cannot be read. */
    public void deadLetter(Tenant tenant, String provider, boolean kept) {
        if (meters != null) {
            meters.deadLetter(tenant, provider, kept);
        }
    }

    /** W3C trace id of an event, or null. */
    public static @Nullable String traceId(EventEnvelope event) {
        String parent = event.metadata().get("traceparent");
        if (parent == null) {
            return event.tenant().traceId().orElse(null);
        }
        SpanContext context = Span.fromContext(contextOf(event)).getSpanContext();
        return context.isValid()
                ? context.getTraceId()
                : event.tenant().traceId().orElse(null);
    }
}
