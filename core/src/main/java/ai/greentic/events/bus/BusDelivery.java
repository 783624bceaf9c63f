package ai.greentic.events.bus;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.Position;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.Tasks;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One attempt to handle an event. Its mutable state belongs to the dispatcher's lock; each attempt has a delivery of its own. */
final class BusDelivery implements Delivery {
    final Dispatcher dispatcher;
    final SubscriptionLeg leg;
    final InboundDelivery inbound;
    final EventEnvelope event;
    final @Nullable Key key;
    /** Set when a handler starts. */
    int attempt;

    boolean open = true;
    Tasks.@Nullable Timer ackTimer;

    @Nullable
    CompletableFuture<Void> settledFuture;

    /** An ordering key with its address. */
    record Key(TenantTopic address, String value) {}

    BusDelivery(Dispatcher dispatcher, SubscriptionLeg leg, InboundDelivery inbound, EventEnvelope event, int attempt) {
        this.dispatcher = dispatcher;
        this.leg = leg;
        this.inbound = inbound;
        this.event = event;
        this.attempt = attempt;
        String value = event.metadata().get(EventEnvelope.ORDERING_KEY);
        this.key = value == null ? null : new Key(inbound.address(), value);
    }

    /** The same event, for its next attempt. */
    BusDelivery again() {
        BusDelivery next = new BusDelivery(dispatcher, leg, inbound, event, attempt);
        next.settledFuture = settledFuture;
        return next;
    }

    @Override
    public EventEnvelope event() {
        return event;
    }

    @Override
    public <T> T payload(Class<T> type) {
        return event.payload().as(type, dispatcher.payloadMapper());
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
        return dispatcher.reject(this, reason);
    }

    @Override
    public void extend(Duration by) {
        dispatcher.extend(this, by);
    }

    @Override
    public CompletableFuture<Void> settled() {
        return dispatcher.settledFuture(this);
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
