package ai.greentic.events.bus;

import ai.greentic.events.Priority;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How to publish one event. What the provider does not do itself, the engine does, or it refuses: nothing is silently weaker. Immutable:
 * every method with an argument returns a changed copy.
 */
public final class PublishOptions {
    /** Nothing special. */
    public static final PublishOptions NONE = new PublishOptions(null, null, null, Priority.NORMAL, null);

    private final @Nullable Duration ttl;
    private final @Nullable Instant deliverAt;
    private final @Nullable Duration delay;
    private final Priority priority;
    private final @Nullable String idempotencyKey;

    private PublishOptions(
            @Nullable Duration ttl,
            @Nullable Instant deliverAt,
            @Nullable Duration delay,
            Priority priority,
            @Nullable String idempotencyKey) {
        this.ttl = ttl;
        this.deliverAt = deliverAt;
        this.delay = delay;
        this.priority = priority;
        this.idempotencyKey = idempotencyKey;
    }

    /**
     * How long the event is worth delivering, from the call on, or from its delivery time if it has one. One that was not handed to a
     * handler by then is counted as expired, and becomes a dead letter where the subscription asks for it.
     */
    public PublishOptions ttl(Duration time) {
        return new PublishOptions(positive("ttl", time), deliverAt, delay, priority, idempotencyKey);
    }

    /** Before when nobody gets the event. Needs a provider with {@code SCHEDULE}. */
    public PublishOptions deliverAt(Instant time) {
        return new PublishOptions(ttl, Objects.requireNonNull(time), null, priority, idempotencyKey);
    }

    /** As {@link #deliverAt}, so long after the call. */
    public PublishOptions deliverAfter(Duration time) {
        return new PublishOptions(ttl, null, positive("deliverAfter", time), priority, idempotencyKey);
    }

    /** Which of the waiting events is delivered first. Needs a provider with {@code PRIORITY}; excludes an ordering key. */
    public PublishOptions priority(Priority value) {
        return new PublishOptions(ttl, deliverAt, delay, Objects.requireNonNull(value), idempotencyKey);
    }

    /**
     * Marks repetitions of one publish, within environment, tenant and topic; 1 to 256 bytes of UTF-8. Without it the event's metadata
     * and then its context may name one.
     */
    public PublishOptions idempotencyKey(String key) {
        return new PublishOptions(ttl, deliverAt, delay, priority, Objects.requireNonNull(key));
    }

    private static Duration positive(String name, Duration time) {
        if (time.isNegative() || time.isZero()) {
            throw new IllegalArgumentException(name + " is " + time + "; it must be positive");
        }
        return time;
    }

    public Optional<Duration> ttl() {
        return Optional.ofNullable(ttl);
    }

    public Priority priority() {
        return priority;
    }

    public Optional<String> idempotencyKey() {
        return Optional.ofNullable(idempotencyKey);
    }

    /** The delivery time that results for a call made now; null if there is none. */
    @Nullable
    Instant deliveryTime(Instant now) {
        return delay == null ? deliverAt : now.plus(delay);
    }
}
