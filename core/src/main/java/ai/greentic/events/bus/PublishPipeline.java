package ai.greentic.events.bus;

import ai.greentic.events.Caller;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Marks;
import ai.greentic.events.Priority;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.PublishResult;
import ai.greentic.events.Tenant;
import ai.greentic.events.Topic;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessDecision;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.IdempotencyKey;
import ai.greentic.events.telemetry.Telemetry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way of a published event.
 *
 * <pre>
 * prepare   interceptors · validate · authorise · route · options the provider must honour · size  -> PreparedEvent
 * release   tenant limits · lane -> sender -> provider                                             -> PublishReceipt
 * </pre>
 */
final class PublishPipeline {
    static final int MAX_KEY_BYTES = 256;
    static final int MAX_HOPS = 16;
    private static final Logger LOG = LoggerFactory.getLogger(PublishPipeline.class);
    private static final int MAX_UNUSUAL = 100;

    private final Engine engine;
    private final TenantLimiter limiter;
    private final long timeoutNanos;
    private final boolean conventionalTopics;
    private final Set<Topic> unusual = ConcurrentHashMap.newKeySet();

    PublishPipeline(Engine engine, TenantLimiter limiter, Duration timeout, boolean conventionalTopics) {
        this.engine = engine;
        this.limiter = limiter;
        this.timeoutNanos = timeout.toNanos();
        this.conventionalTopics = conventionalTopics;
    }

    /** An event that is ready for its lane, with the span that is open for it. */
    private record Started(PreparedEvent event, Telemetry.PublishSpan span) {}

    private Started start(EventEnvelope event, PublishOptions options, Caller caller, int hops) {
        Telemetry.PublishSpan span = engine.telemetry.publish(event);
        try {
            return new Started(prepare(span.inject(event), options, caller, hops, span), span);
        } catch (EventsException e) {
            span.refused(e);
            throw e;
        }
    }

    /** Prepares an event that will be released later, in the trace of today. */
    PreparedEvent prepare(EventEnvelope event, PublishOptions options, Caller caller) {
        return prepare(engine.telemetry.inject(event), options, caller, 0, null);
    }

    private PreparedEvent prepare(
            EventEnvelope original,
            PublishOptions options,
            Caller caller,
            int hops,
            Telemetry.@Nullable PublishSpan span) {
        engine.refuseToPublishIfClosed();
        EventEnvelope event = engine.interceptors.isEmpty() ? original : engine.interceptors.publish(original);
        validate(event);
        Tenant tenant = event.address().tenant();
        String topic = event.topic().value();
        AccessDecision decision = engine.access.decide(caller, tenant, AccessAction.PUBLISH, topic);
        if (!decision.allowed()) {
            throw Engine.denied(caller, AccessAction.PUBLISH, topic, tenant.toString(), decision);
        }
        Registration route = engine.routes.routeFor(event.topic());
        if (route == null) {
            throw new EventsException(
                    ErrorCode.NO_ROUTE,
                    "no broker or sink carries topic " + topic + "; configured: " + engine.carried(true));
        }
        route.provider();
        route.require(Capability.PUBLISH, "publishing");
        EventEnvelope marked = event.withMarks(marks(event, options, route, hops));
        engine.codec.checkSize(marked);
        IdempotencyKey key = idempotencyKey(marked, options, route);
        if (span != null && engine.telemetry.isEnabled()) {
            span.routed(engine.place(route, event.topic()));
        }
        return new PreparedEvent(marked, engine.codec, route, key);
    }

    /** What the options ask for; whatever the event brought along is forgotten. */
    private Marks marks(EventEnvelope event, PublishOptions options, Registration route, int hops) {
        if (options == PublishOptions.NONE && hops == 0) {
            return Marks.NONE;
        }
        Instant now = engine.time.now();
        Instant deliverAt = options.deliveryTime(now);
        if (deliverAt != null && deliverAt.isAfter(now)) {
            if (!route.keepsForLater()) {
                route.require(Capability.SCHEDULE, "scheduled delivery");
            }
        }
        if (options.priority() != Priority.NORMAL) {
            route.require(Capability.PRIORITY, "priorities");
            if (event.orderingKey().isPresent()) {
                throw new EventsException(
                        ErrorCode.INVALID_ARGUMENT,
                        event + " has an ordering key and the priority " + options.priority()
                                + "; an event cannot keep its place and overtake: leave one of them out");
            }
        }
        Instant from = deliverAt != null && deliverAt.isAfter(now) ? deliverAt : now;
        return Marks.NONE
                .deliverAt(deliverAt)
                .expiresAt(options.ttl().map(from::plus).orElse(null))
                .priority(options.priority())
                .hops(hops);
    }

    /** The key from the options, the metadata or the context, in this order; on an effectively-once provider else the event's id. */
    private static @Nullable IdempotencyKey idempotencyKey(
            EventEnvelope event, PublishOptions options, Registration route) {
        String own = event.metadata().get(EventEnvelope.IDEMPOTENCY_KEY);
        String key = options.idempotencyKey().orElse(own);
        if (own != null && key != null && !own.equals(key)) {
            throw new EventsException(
                    ErrorCode.INVALID_IDEMPOTENCY_KEY,
                    event + " has one idempotency key in its metadata and another one in its options; name one");
        }
        if (key == null) {
            key = event.tenant().idempotencyKey().orElse(null);
        }
        if (key == null) {
            return route.effectivelyOnce()
                    ? new IdempotencyKey(
                            IdempotencyKey.Use.PUBLISH,
                            event.address(),
                            event.id().value())
                    : null;
        }
        if (!fits(key)) {
            throw new EventsException(
                    ErrorCode.INVALID_IDEMPOTENCY_KEY,
                    event + " has an idempotency key of " + key.length() + " characters; it must have 1 to "
                            + MAX_KEY_BYTES + " bytes of UTF-8");
        }
        return new IdempotencyKey(IdempotencyKey.Use.PUBLISH, event.address(), key);
    }

    private static void requireConventional(Topic topic) {
        if (!topic.conventional()) {
            throw new EventsException(
                    ErrorCode.INVALID_TOPIC,
                    "topic '" + topic + "' is not made of segments of letters, digits, '_' and '-' joined by dots,"
                            + " such as orders.created; EventBusBuilder.anyTopic() lifts the rule");
        }
    }

    /** Once for each topic, and only for so many. */
    private void sayUnusual(Topic topic) {
        if (unusual.size() < MAX_UNUSUAL && unusual.add(topic)) {
            LOG.warn(
                    "topic '{}' is published, though validators of packs refuse it: lower case, a domain of letters and digits first,"
                            + " then at least one segment, as in orders.created",
                    topic);
        }
    }

    private void validate(EventEnvelope event) {
        // What is idiomatic is conventional, so that usual topics are looked at once.
        if (conventionalTopics && !event.topic().idiomatic()) {
            requireConventional(event.topic());
            sayUnusual(event.topic());
        }
        if (event.topic().value().startsWith(SecretsGuard.TOPICS)) {
            SecretsGuard.check(event);
        }
        if (event.type().isEmpty() || event.source().isEmpty()) {
            throw new EventsException(
                    ErrorCode.INVALID_ENVELOPE,
                    event + " has an empty " + (event.type().isEmpty() ? "type" : "source")
                            + "; name what happened and who says so");
        }
        String key = event.orderingKey().orElse(null);
        if (key != null && !fits(key)) {
            throw new EventsException(
                    ErrorCode.INVALID_ORDERING_KEY,
                    event + " has an ordering key of " + key.length() + " characters; it must have 1 to "
                            + MAX_KEY_BYTES + " bytes of UTF-8");
        }
    }

    private static boolean fits(String key) {
        return !key.isEmpty()
                && (key.length() <= MAX_KEY_BYTES / 3
                        || key.length() <= MAX_KEY_BYTES
                                && key.getBytes(StandardCharsets.UTF_8).length <= MAX_KEY_BYTES);
    }

    PublishReceipt publish(EventEnvelope event, PublishOptions options, Caller caller) {
        Started started = start(event, options, caller, 0);
        return release(started.event, started.span);
    }

    /** Releases an event that was prepared earlier. */
    PublishReceipt release(PreparedEvent event) {
        engine.refuseToPublishIfClosed();
        return release(event, resumed(event));
    }

    private Telemetry.PublishSpan resumed(PreparedEvent event) {
        Telemetry.PublishSpan span = engine.telemetry.publish(event.event());
        if (engine.telemetry.isEnabled()) {
            span.routed(engine.place(event.route(), event.address().topic()));
        }
        return span;
    }

    private PublishReceipt release(PreparedEvent event, Telemetry.PublishSpan span) {
        Publish publish = admitted(event, null, span);
        try {
            event.route().lane(event).publish(publish);
        } catch (EventsException e) {
            refused(publish, e);
            throw e;
        }
        return publish.receipt();
    }

    CompletableFuture<PublishReceipt> publishAsync(EventEnvelope event, PublishOptions options, Caller caller) {
        Started started = start(event, options, caller, 0);
        return releaseAsync(started.event, started.span);
    }

    CompletableFuture<PublishReceipt> releaseAsync(PreparedEvent event) {
        return releaseAsync(event, resumed(event));
    }

    private CompletableFuture<PublishReceipt> releaseAsync(PreparedEvent event, Telemetry.PublishSpan span) {
        CompletableFuture<PublishReceipt> future = new CompletableFuture<>();
        Publish publish = admitted(event, future, span);
        try {
            event.route().lane(event).submit(publish);
        } catch (EventsException e) {
            refused(publish, e);
            throw e;
        }
        return future;
    }

    private Publish admitted(
            PreparedEvent event, @Nullable CompletableFuture<PublishReceipt> future, Telemetry.PublishSpan span) {
        try {
            Publish publish = new Publish(
                    event,
                    future,
                    span,
                    event.forwarded ? engine.time.nanos() + timeoutNanos : deadline(event.event()));
            publish.hold = limiter.admit(event.event());
            return publish;
        } catch (EventsException e) {
            span.failed(e, 0);
            throw e;
        }
    }

    /** The lane did not take it. */
    private static void refused(Publish publish, EventsException refusal) {
        if (publish.state == Publish.State.NEW) {
            if (publish.hold != null) {
                publish.hold.release();
            }
            publish.span.failed(refusal, 0);
        }
    }

    /** Publishes many; {@code hops} is how many bridges they have crossed. */
    List<PublishResult> publishAll(Collection<EventEnvelope> events, PublishOptions options, Caller caller, int hops) {
        List<PublishResult> results = new ArrayList<>(events.size());
        List<@Nullable Publish> pending = new ArrayList<>(events.size());
        Map<PublishLane, Publish> firstOfLane = new LinkedHashMap<>();
        for (EventEnvelope event : events) {
            Publish publish = null;
            EventsException failure = null;
            try {
                Started started = start(event, options, caller, hops);
                publish = admitted(started.event, null, started.span);
                PublishLane lane = started.event.route().lane(started.event);
                lane.enqueueFor(publish);
                firstOfLane.putIfAbsent(lane, publish);
            } catch (EventsException e) {
                if (publish != null) {
                    refused(publish, e);
                }
                publish = null;
                failure = e;
            }
            pending.add(publish);
            results.add(new PublishResult.Failed(
                    event.id(),
                    failure != null ? failure : new EventsException(ErrorCode.INTERNAL_ERROR, "no outcome")));
        }
        firstOfLane.forEach(PublishLane::flush);
        for (int i = 0; i < pending.size(); i++) {
            Publish publish = pending.get(i);
            if (publish != null) {
                results.set(i, result(publish));
            }
        }
        return results;
    }

    /** Publishes the copy of a dead letter where its topic leads, or else where the event was to go. */
    void publishCopy(EventEnvelope copy, Registration origin) {
        Registration route = engine.routes.routeFor(copy.topic());
        if (route == null || !route.started()) {
            route = origin;
        }
        if (!route.publishes() || !route.capabilities.contains(Capability.PUBLISH)) {
            return;
        }
        Registration to = route;
        CompletableFuture<PublishReceipt> unused = releaseAsync(new PreparedEvent(copy, engine.codec, to, null))
                .whenComplete((receipt, failure) -> {
                    if (failure != null) {
                        engine.deadLetters.copyFailed(copy, to, failure);
                    }
                });
    }

    private PublishResult result(Publish publish) {
        EventEnvelope event = publish.event.event();
        try {
            if (!publish.hasResult()) {
                publish.event.route().lane(publish.event).await(publish);
            }
            return new PublishResult.Accepted(publish.receipt());
        } catch (EventsException e) {
            return new PublishResult.Failed(event.id(), e);
        }
    }

    /** Until when to wait, by the monotonic clock; refuses an event whose own deadline has passed. */
    private long deadline(EventEnvelope event) {
        long now = engine.time.nanos();
        Instant own = event.tenant().deadline().orElse(null);
        if (own == null) {
            return now + timeoutNanos;
        }
        Duration left = Duration.between(engine.time.now(), own);
        if (left.isNegative() || left.isZero()) {
            throw new EventsException(
                    ErrorCode.DEADLINE_EXCEEDED, event + " was not sent: its deadline " + own + " has passed");
        }
        return now
                + (left.toSeconds() > timeoutNanos / 1_000_000_000
                        ? timeoutNanos
                        : Math.min(timeoutNanos, left.toNanos()));
    }
}
