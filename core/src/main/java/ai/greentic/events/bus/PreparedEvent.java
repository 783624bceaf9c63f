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
    /** Whether it was accepted before, and waited in the forward store. */
    final boolean forwarded;

    private boolean claimedApart;
    private byte @Nullable [] encoded;

    PreparedEvent(
            EventEnvelope event, EnvelopeCodec codec, Registration route, @Nullable IdempotencyKey idempotencyKey) {
        this(event, codec, route, idempotencyKey, false);
    }

    private PreparedEvent(
            EventEnvelope event,
            EnvelopeCodec codec,
            Registration route,
            @Nullable IdempotencyKey idempotencyKey,
            boolean forwarded) {
        this.event = event;
        this.codec = codec;
        this.route = route;
        this.orderingKey = event.orderingKey().orElse(null);
        this.idempotencyKey = idempotencyKey;
        this.forwarded = forwarded;
    }

    /** An event that waited in the forward store. Its idempotency key was done when it was accepted. */
    static PreparedEvent forwarded(EventEnvelope event, EnvelopeCodec codec, Registration route) {
        return new PreparedEvent(event, codec, route, null, true);
    }

    /** The same event under another id, the one of its earlier try. */
    PreparedEvent withId(EventId id) {
        if (id.equals(event.id())) {
            return this;
        }
        PreparedEvent renamed = new PreparedEvent(event.withId(id), codec, route, idempotencyKey, forwarded);
        renamed.claimedApart = claimedApart;
        return renamed;
    }

    /** The same event, its idempotency key claimed before it is sent, also where the provider would do that itself. */
    PreparedEvent claimApart() {
        PreparedEvent apart = new PreparedEvent(event, codec, route, idempotencyKey, forwarded);
        apart.claimedApart = true;
        return apart;
    }

    boolean claimedApart() {
        return claimedApart;
    }

    /** What a repetition is recognised by; null if nothing. */
    @Nullable
    IdempotencyKey key() {
        return idempotencyKey;
    }

    @Override
    public @Nullable IdempotencyKey idempotencyKey() {
        return claimedApart ? null : idempotencyKey;
    }

    @Override
    public long payloadHash() {
        return Claims.hash(event.payload());
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
