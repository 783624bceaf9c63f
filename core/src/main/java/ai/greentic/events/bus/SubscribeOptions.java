package ai.greentic.events.bus;

import ai.greentic.events.StartAt;
import ai.greentic.events.delivery.RedeliveryPolicy;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How to subscribe. A <em>group</em> keeps its position and its members compete; an <em>ephemeral</em> subscription has neither.
 * Immutable: every method returns a changed copy.
 */
public final class SubscribeOptions {
    private final @Nullable String group;
    private final StartAt startAt;
    private final boolean manualAck;
    private final int concurrency;
    private final int maxInFlight;
    private final Duration ackTimeout;
    private final RedeliveryPolicy redelivery;

    private SubscribeOptions(
            @Nullable String group,
            StartAt startAt,
            boolean manualAck,
            int concurrency,
            int maxInFlight,
            Duration ackTimeout,
            RedeliveryPolicy redelivery) {
        this.group = group;
        this.startAt = startAt;
        this.manualAck = manualAck;
        this.concurrency = concurrency;
        this.maxInFlight = maxInFlight;
        this.ackTimeout = ackTimeout;
        this.redelivery = redelivery;
    }

    private static SubscribeOptions defaults(@Nullable String group) {
        return new SubscribeOptions(
                group, StartAt.NEW, false, 8, 256, Duration.ofSeconds(30), RedeliveryPolicy.STANDARD);
    }

    /** No kept position, no competing members: every event from now on. */
    public static SubscribeOptions ephemeral() {
        return defaults(null);
    }

    /** A kept position under this name, which belongs to the subscription's tenant or environment. */
    public static SubscribeOptions group(String name) {
        return defaults(new ai.greentic.events.EventId(name).value());
    }

    /** Where to begin if there is no kept position; default {@link StartAt#NEW}. */
    public SubscribeOptions startAt(StartAt start) {
        return new SubscribeOptions(
                group, Objects.requireNonNull(start), manualAck, concurrency, maxInFlight, ackTimeout, redelivery);
    }

    /** A handler's return settles nothing; default false. Pull subscriptions are always manual. */
    public SubscribeOptions manualAck(boolean manual) {
        return new SubscribeOptions(group, startAt, manual, concurrency, maxInFlight, ackTimeout, redelivery);
    }

    /** Handlers at work at once, 1 to 10,000; default 8. */
    public SubscribeOptions concurrency(int handlers) {
        return new SubscribeOptions(
                group,
                startAt,
                manualAck,
                within("concurrency", handlers, 10_000),
                maxInFlight,
                ackTimeout,
                redelivery);
    }

    /** Deliveries fetched and not settled, 1 to 100,000; default 256. */
    public SubscribeOptions maxInFlight(int deliveries) {
        return new SubscribeOptions(
                group,
                startAt,
                manualAck,
                concurrency,
                within("maxInFlight", deliveries, 100_000),
                ackTimeout,
                redelivery);
    }

    /** How long a manual, asynchronous or pulled delivery may stay unsettled before it is taken back; default 30 s. */
    public SubscribeOptions ackTimeout(Duration time) {
        if (time.isZero() || time.isNegative()) {
            throw new IllegalArgumentException("ackTimeout is " + time + "; it must be positive");
        }
        return new SubscribeOptions(group, startAt, manualAck, concurrency, maxInFlight, time, redelivery);
    }

    /** Attempts before an event becomes a dead letter; default 5. */
    public SubscribeOptions maxAttempts(int attempts) {
        return redelivery(
                new RedeliveryPolicy(attempts, redelivery.baseDelay(), redelivery.maxDelay(), redelivery.backoff()));
    }

    /** Attempts and waits; default {@link RedeliveryPolicy#STANDARD}. */
    public SubscribeOptions redelivery(RedeliveryPolicy policy) {
        return new SubscribeOptions(
                group, startAt, manualAck, concurrency, maxInFlight, ackTimeout, Objects.requireNonNull(policy));
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

    public Duration ackTimeout() {
        return ackTimeout;
    }

    public RedeliveryPolicy redelivery() {
        return redelivery;
    }
}
