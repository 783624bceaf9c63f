package ai.greentic.events.bus;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventId;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.spi.IdempotencyKey;
import ai.greentic.events.spi.OutboundEvent;
import org.jspecify.annotations.Nullable;

/**
 * An event that was checked, authorised and routed, and waits to be released to its provider. Immutable: the envelope's bytes and the
 * names of pack and provider are all there is to keep, so that it can wait in a store.
 */
public final class PreparedEvent implements OutboundEvent {
    private final EventEnvelope event;
    private final EnvelopeCodec codec;
    private final Registration route;
    private final @Nullable String orderingKey;
    private final @Nullable IdempotencyKey idempotencyKey;
    private byte @Nullable [] encoded;

    PreparedEvent(
            EventEnvelope event, EnvelopeCodec codec, Registration route, @Nullable IdempotencyKey idempotencyKey) {
        this.event = event;
        this.codec = codec;
        this.route = route;
        this.orderingKey = event.orderingKey().orElse(null);
        this.idempotencyKey = idempotencyKey;
    }

    /** The same event under another id, the one of its earlier try. */
    PreparedEvent withId(EventId id) {
        return id.equals(event.id()) ? this : new PreparedEvent(event.withId(id), codec, route, idempotencyKey);
    }

    /** What a repetition is recognised by; null if nothing. */
    @Nullable
    IdempotencyKey idempotencyKey() {
        return idempotencyKey;
    }

    @Override
    public EventEnvelope event() {
        return event;
    }

    /** Encodes on first use; two threads may both do so, with equal results. */
    @Override
    public byte[] encoded() {
        byte[] bytes = encoded;
        if (bytes == null) {
            bytes = codec.encode(event);
            encoded = bytes;
        }
        return bytes;
    }

    @Override
    public @Nullable String orderingKey() {
        return orderingKey;
    }

    /** Name of the provider that the event is routed to. */
    public String provider() {
        return route.name();
    }

    Registration route() {
        return route;
    }

    @Override
    public String toString() {
        return event + " for " + route.name();
    }
}
