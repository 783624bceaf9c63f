package ai.greentic.events.bus;

import ai.greentic.events.EventId;
import ai.greentic.events.StartAt;
import ai.greentic.events.delivery.RedeliveryPolicy;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How to subscribe. A <em>group</em> keeps its position and its members compete; an <em>ephemeral</em> subscription has neither.
 * Immutable: every method with an argument returns a changed copy.
 */
public final class SubscribeOptions {
    /** What happens to the events of a key after one of them became a dead letter. */
    public enum OnExhausted {
        /** They go on; the dead letter has left the order. */
        CONTINUE,
        /** They join it: the key is held until its dead letters are put back, which then come in their order, or deleted. */
        HOLD_KEY
    }

    private final @Nullable String group;
    private StartAt startAt = StartAt.NEW;
    private boolean manualAck;
    private int concurrency = 8;
    private int maxInFlight = 256;
    private int maxParked = 16_384;
    private Duration ackTimeout = Duration.ofSeconds(30);
    private RedeliveryPolicy redelivery = RedeliveryPolicy.STANDARD;
    private OnExhausted onExhausted = OnExhausted.CONTINUE;
    private boolean deduplicate;
    private boolean deadLetterExpired;

    private SubscribeOptions(@Nullable String group) {
        this.group = group;
    }

    private SubscribeOptions copy() {
        SubscribeOptions copy = new SubscribeOptions(group);
        copy.startAt = startAt;
        copy.manualAck = manualAck;
        copy.concurrency = concurrency;
        copy.maxInFlight = maxInFlight;
        copy.maxParked = maxParked;
        copy.ackTimeout = ackTimeout;
        copy.redelivery = redelivery;
        copy.onExhausted = onExhausted;
        copy.deduplicate = deduplicate;
        copy.deadLetterExpired = deadLetterExpired;
        return copy;
    }

    /** No kept position, no competing members: every event from now on. */
    public static SubscribeOptions ephemeral() {
        return new SubscribeOptions(null);
    }

    /** A kept position under this name, which belongs to the subscription's tenant or environment. */
    public static SubscribeOptions group(String name) {
        return new SubscribeOptions(EventId.identifier("group name", name));
    }

    /** Where to begin if there is no kept position; default {@link StartAt#NEW}. */
    public SubscribeOptions startAt(StartAt start) {
        SubscribeOptions copy = copy();
        copy.startAt = Objects.requireNonNull(start);
        return copy;
    }

    /** A handler's return settles nothing; default false. Pull subscriptions are always manual. */
    public SubscribeOptions manualAck(boolean manual) {
        SubscribeOptions copy = copy();
        copy.manualAck = manual;
        return copy;
    }

    /** Handlers at work at once, 1 to 10,000; default 8. */
    public SubscribeOptions concurrency(int handlers) {
        SubscribeOptions copy = copy();
        copy.concurrency = within("concurrency", handlers, 10_000);
        return copy;
    }

    /** Deliveries fetched and neither settled nor waiting (see {@link #maxParked}), 1 to 100,000; default 256. */
    public SubscribeOptions maxInFlight(int deliveries) {
        SubscribeOptions copy = copy();
        copy.maxInFlight = within("maxInFlight", deliveries, 100_000);
        return copy;
    }

    /**
     * Deliveries that wait for another attempt, or behind one of their key, 1 to 1,000,000; default 16,384. At this bound nothing
     * more is fetched until some are dealt with.
     */
    public SubscribeOptions maxParked(int deliveries) {
        SubscribeOptions copy = copy();
        copy.maxParked = within("maxParked", deliveries, 1_000_000);
        return copy;
    }

    /** How long a manual, asynchronous or pulled delivery may stay unsettled before it is taken back; default 30 s. */
    public SubscribeOptions ackTimeout(Duration time) {
        if (time.isZero() || time.isNegative()) {
            throw new IllegalArgumentException("ackTimeout is " + time + "; it must be positive");
        }
        SubscribeOptions copy = copy();
        copy.ackTimeout = time;
        return copy;
    }

    /** Attempts before an event becomes a dead letter; default 5. */
    public SubscribeOptions maxAttempts(int attempts) {
        return redelivery(
                new RedeliveryPolicy(attempts, redelivery.baseDelay(), redelivery.maxDelay(), redelivery.backoff()));
    }

    /** Attempts and waits; default {@link RedeliveryPolicy#STANDARD}. */
    public SubscribeOptions redelivery(RedeliveryPolicy policy) {
        SubscribeOptions copy = copy();
        copy.redelivery = Objects.requireNonNull(policy);
        return copy;
    }

    /** What happens to a key whose event became a dead letter; default {@link OnExhausted#CONTINUE}. Holding needs a group. */
    public SubscribeOptions onExhausted(OnExhausted what) {
        if (what == OnExhausted.HOLD_KEY && group == null) {
            throw new IllegalArgumentException("only a group can hold a key; use SubscribeOptions.group(name)");
        }
        SubscribeOptions copy = copy();
        copy.onExhausted = Objects.requireNonNull(what);
        return copy;
    }

    /**
     * Whether the group handles an event id once within the window of the bus's idempotency store: a copy of an event that was handled is
     * acked and counted. Default false, and true on a provider that is effectively once.
     */
    public SubscribeOptions deduplicate(boolean once) {
        if (once && group == null) {
            throw new IllegalArgumentException("only a group can remember; use SubscribeOptions.group(name)");
        }
        SubscribeOptions copy = copy();
        copy.deduplicate = once;
        return copy;
    }

    /** Whether an event that expired becomes a dead letter; default false: it is counted and acked. */
    public SubscribeOptions deadLetterExpired(boolean keep) {
        SubscribeOptions copy = copy();
        copy.deadLetterExpired = keep;
        return copy;
    }

    private static int within(String name, int value, int most) {
        if (value < 1 || value > most) {
            throw new IllegalArgumentException(name + " is " + value + "; it must be between 1 and " + most);
        }
        return value;
    }

    public Optional<String> group() {
        return Optional.ofNullable(group);
    }

    public StartAt startAt() {
        return startAt;
    }

    public boolean manualAck() {
        return manualAck;
    }

    public int concurrency() {
        return concurrency;
    }

    public int maxInFlight() {
        return maxInFlight;
    }

    public int maxParked() {
        return maxParked;
    }

    public Duration ackTimeout() {
        return ackTimeout;
    }

    public RedeliveryPolicy redelivery() {
        return redelivery;
    }

    public OnExhausted onExhausted() {
        return onExhausted;
    }

    public boolean deduplicate() {
        return deduplicate;
    }

    public boolean deadLetterExpired() {
        return deadLetterExpired;
    }
}
