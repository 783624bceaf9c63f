package ai.greentic.events.bus;

import ai.greentic.events.Caller;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.PublishResult;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessDecision;
import ai.greentic.events.spi.Capability;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The way of a published event.
 *
 * <pre>
 * prepare   validate · authorise · route · check the size          -> PreparedEvent
 * release   claim the idempotency key · lane -> provider · decide about a retry
 *           · give up: forward store or dead letter · complete the claim  -> PublishReceipt
 * </pre>
 *
 * <p>Claims, retries, forward store and publish-side dead letters have their place in {@link #release} and are not there yet: the first
 * failure is the caller's.
 */
final class PublishPipeline {
    static final int MAX_ORDERING_KEY_BYTES = 256;

    private final Engine engine;
    private final long timeoutNanos;
    private final boolean conventionalTopics;

    PublishPipeline(Engine engine, Duration timeout, boolean conventionalTopics) {
        this.engine = engine;
        this.timeoutNanos = timeout.toNanos();
        this.conventionalTopics = conventionalTopics;
    }

    PreparedEvent prepare(EventEnvelope event, Caller caller) {
        engine.refuseToPublishIfClosed();
        validate(event);
        AccessDecision decision = engine.access.decide(
                caller,
                event.address().tenant(),
                AccessAction.PUBLISH,
                event.topic().value());
        if (!decision.allowed()) {
            throw Engine.denied(
                    caller,
                    AccessAction.PUBLISH,
                    event.topic().value(),
                    event.address().tenant().toString(),
                    decision);
        }
        Registration route = engine.routes.routeFor(event.topic());
        if (route == null) {
            throw new EventsException(
                    ErrorCode.NO_ROUTE,
                    "no broker or sink carries topic " + event.topic() + "; configured: " + engine.carried(true));
        }
        route.provider();
        if (!route.capabilities.contains(Capability.PUBLISH)) {
            throw new EventsException(
                    ErrorCode.UNSUPPORTED_CAPABILITY,
                    "provider " + route + " (" + route.transport + ") does not accept events");
        }
        engine.codec.checkSize(event);
        return new PreparedEvent(event, engine.codec, route);
    }

    private void validate(EventEnvelope event) {
        if (conventionalTopics && !event.topic().conventional()) {
            throw new EventsException(
                    ErrorCode.INVALID_TOPIC,
                    "topic '" + event.topic()
                            + "' is not made of segments of letters, digits, '_' and '-' joined by dots,"
                            + " such as orders.created; EventBus.Builder.anyTopic() lifts the rule");
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
                            + MAX_ORDERING_KEY_BYTES + " bytes of UTF-8");
        }
    }

    private static boolean fits(String key) {
        return !key.isEmpty()
                && (key.length() <= MAX_ORDERING_KEY_BYTES / 3
                        || key.length() <= MAX_ORDERING_KEY_BYTES
                                && key.getBytes(StandardCharsets.UTF_8).length <= MAX_ORDERING_KEY_BYTES);
    }

    PublishReceipt release(PreparedEvent event) {
        Publish publish = new Publish(event, null);
        event.route().lane(event).publish(publish, deadline(event.event()));
        return publish.receipt();
    }

    CompletableFuture<PublishReceipt> releaseAsync(PreparedEvent event) {
        CompletableFuture<PublishReceipt> future = new CompletableFuture<>();
        Publish publish = new Publish(event, future);
        event.route().lane(event).submit(publish, deadline(event.event()));
        return future;
    }

    /** Publishes many, batched for each lane; one result for each event, in order. */
    List<PublishResult> publishAll(Collection<EventEnvelope> events, Caller caller) {
        List<PublishResult> results = new ArrayList<>(events.size());
        List<@Nullable Publish> pending = new ArrayList<>(events.size());
        Map<PublishLane, Publish> firstOfLane = new LinkedHashMap<>();
        for (EventEnvelope event : events) {
            Publish publish = null;
            EventsException failure = null;
            try {
                PreparedEvent prepared = prepare(event, caller);
                PublishLane lane = prepared.route().lane(prepared);
                publish = new Publish(prepared, null);
                lane.enqueueFor(publish, deadline(event));
                firstOfLane.putIfAbsent(lane, publish);
            } catch (EventsException e) {
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

    private PublishResult result(Publish publish) {
        EventEnvelope event = publish.event.event();
        try {
            if (publish.outcome == null) {
                publish.event.route().lane(publish.event).await(publish, deadline(event));
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
