package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.spi.Claim;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.telemetry.Telemetry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One attempt to handle an event. Its mutable state belongs to the dispatcher's lock; each attempt has a delivery of its own. */
final class BusDelivery implements Delivery {
    final Dispatcher dispatcher;
    final SubscriptionLeg leg;
    final InboundDelivery inbound;
    private final ProviderSubscription binding;
    final EventEnvelope event;
    final @Nullable Key key;
    /** Handler starts so far. */
    int attempt;
    /** Whether it may have taken a process down. */
    boolean suspect;
    /** What the attempts so far failed with; its handler's thread's. */
    List<DeadLetter.Attempt> history = List.of();
    /** Marks that the group is handling the event; only while it is, and only if the group remembers. */
    @Nullable
    Claim claim;
    /** How the telemetry calls the end that the delivery is going to have. */
    String outcome = "acked";

    private Telemetry.@Nullable DeliverySpan span;
    private @Nullable Throwable cause;
    /** What the handler sees: the event at this attempt, after interceptors. */
    private @Nullable EventEnvelope visible;

    /** When a parked delivery may be handed over, on the monotonic clock. Under the dispatcher's lock. */
    @Nullable
    Long dueNanos;

    boolean open = true;
    Tasks.@Nullable Timer ackTimer;

    /** Shared by all attempts; made when somebody asks, or for a second attempt. Guarded by this. */
    private @Nullable SettledFuture settledFuture;

    private boolean over;
    private @Nullable EventsException settleFailure;

    /** How the settlement went or will go. Thread-safe. */
    private static final class SettledFuture {
        final CompletableFuture<Void> future = new CompletableFuture<>();

        void complete(@Nullable EventsException failure) {
            if (failure == null) {
                future.complete(null);
            } else {
                future.completeExceptionally(failure);
            }
        }
    }

    /** An ordering key with its address. */
    record Key(TenantTopic address, String value) {}

    BusDelivery(Dispatcher dispatcher, SubscriptionLeg leg, InboundDelivery inbound, EventEnvelope event) {
        this(dispatcher, leg, leg.bound, inbound, event, 0, null);
    }

    private BusDelivery(
            Dispatcher dispatcher,
            SubscriptionLeg leg,
            ProviderSubscription binding,
            InboundDelivery inbound,
            EventEnvelope event,
            int attempt,
            @Nullable SettledFuture settledFuture) {
        this.dispatcher = dispatcher;
        this.leg = leg;
        this.binding = binding;
        this.inbound = inbound;
        this.event = event;
        this.attempt = attempt;
        this.settledFuture = settledFuture;
        String value = event.orderingKey().orElse(null);
        this.key = value == null ? null : new Key(inbound.address(), value);
    }

    /** Under the dispatcher's lock. */
    void stopAckTimer() {
        if (ackTimer != null) {
            ackTimer.cancel();
            ackTimer = null;
        }
    }

    /** The same event, for its next attempt. */
    BusDelivery again() {
        BusDelivery next = new BusDelivery(dispatcher, leg, binding, inbound, event, attempt, sharedFuture());
        next.history = history;
        next.claim = takeClaim();
        return next;
    }

    /** Whether somebody else has the event by now, or will get it: its shard has moved, or its leg has subscribed anew. */
    boolean isLost() {
        return leg.bound != binding || leg.isLost(inbound);
    }

    /** How long a parked delivery still has to wait; zero for any other. */
    Duration untilDue(long nowNanos) {
        return dueNanos == null ? Duration.ZERO : Duration.ofNanos(Math.max(0, dueNanos - nowNanos));
    }

    @Nullable
    Claim takeClaim() {
        Claim taken = claim;
        claim = null;
        return taken;
    }

    /** A handler starts. */
    void begin() {
        if (dispatcher.engine.telemetry.isEnabled()) {
            span = dispatcher.engine.telemetry.delivery(
                    event, leg.place(), dispatcher.subscription(), dispatcher.consumption.group(), attempt);
            dispatcher.engine.telemetry.lag(
                    event.address().tenant(),
                    leg.registration.name(),
                    Duration.between(event.time(), dispatcher.engine.time.now()));
        }
    }

    /** Makes the span of this attempt current on the handler's thread. */
    Telemetry.Entered enter() {
        return span == null ? Telemetry.Entered.NOTHING : span.enter();
    }

    /** Lets the interceptors see the event before the handler does. */
    void intercept() {
        Interceptors interceptors = dispatcher.engine.interceptors;
        if (!interceptors.isEmpty()) {
            visible = interceptors.delivery(event.withAttempt(attempt));
        }
    }

    /** Notes why this attempt failed, in words that hold nothing of the event. */
    void failed(Throwable failure) {
        cause = failure;
        note(
                failure instanceof EventsException known ? known.code() : ErrorCode.HANDLER_FAILED,
                failure.getClass().getName());
    }

    /** Notes what became of this attempt, for its dead letter. */
    void note(ErrorCode code, String text) {
        List<DeadLetter.Attempt> more = new ArrayList<>(history);
        more.add(new DeadLetter.Attempt(dispatcher.engine.time.now(), code, text, dispatcher.engine.host));
        history = more.size() > DeadLetter.MAX_HISTORY ? more.subList(1, more.size()) : more;
    }

    /** This attempt has ended. */
    void end(String how) {
        if (span != null) {
            span.ended(how, cause);
            span = null;
        }
    }

    @Override
    public EventEnvelope event() {
        EventEnvelope seen = visible;
        if (seen == null) {
            seen = event.withAttempt(attempt);
            visible = seen;
        }
        return seen;
    }

    @Override
    public <T> T payload(Class<T> type) {
        return event().payload().as(type, dispatcher.engine.payloadMapper);
    }

    @Override
    public int attempt() {
        return attempt;
    }

    @Override
    public Position position() {
        return inbound.position();
    }

    @Override
    public long fence() {
        return inbound.fence();
    }

    @Override
    public boolean ack() {
        return dispatcher.ack(this);
    }

    @Override
    public boolean redeliver(Duration delay) {
        if (delay.isNegative()) {
            throw new IllegalArgumentException("delay is " + delay + "; it must not be negative");
        }
        return dispatcher.redeliver(this, delay);
    }

    @Override
    public boolean reject(String reason) {
        return dispatcher.attempts.reject(this, reason);
    }

    @Override
    public void extend(Duration by) {
        dispatcher.extend(this, by);
    }

    @Override
    public CompletableFuture<Void> settled() {
        return sharedFuture().future.copy();
    }

    private synchronized SettledFuture sharedFuture() {
        SettledFuture shared = settledFuture;
        if (shared == null) {
            shared = new SettledFuture();
            settledFuture = shared;
            if (over) {
                shared.complete(settleFailure);
            }
        }
        return shared;
    }

    /** The provider has answered; called once, on the last attempt. */
    void settledAs(@Nullable EventsException failure) {
        SettledFuture shared;
        synchronized (this) {
            over = true;
            settleFailure = failure;
            shared = settledFuture;
        }
        if (shared != null) {
            dispatcher.engine.tasks.handle(() -> shared.complete(failure));
        }
    }

    @Override
    public void close() {
        dispatcher.redeliver(this, Duration.ZERO);
    }

    @Override
    public String toString() {
        return event + ", attempt " + attempt;
    }
}
