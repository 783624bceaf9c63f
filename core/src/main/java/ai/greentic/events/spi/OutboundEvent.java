package ai.greentic.events.spi;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.TenantTopic;
import org.jspecify.annotations.Nullable;

/** An event on its way to a provider. Immutable. */
public interface OutboundEvent {
    EventEnvelope event();

    /** The event in the Greentic JSON form; encoded on the first call and shared, so not to be changed. */
    byte[] encoded();

    default TenantTopic address() {
        return event().address();
    }

    /** What must stay in order within the address; null if the event is unordered. */
    @Nullable
    String orderingKey();

    /** What must happen once, for a provider that {@link EventProvider#claimsIn claims} by itself; null if the event has no key. */
    default @Nullable IdempotencyKey idempotencyKey() {
        return null;
    }

    /** Hash of the canonical payload, which a repetition of the idempotency key must repeat. */
    default long payloadHash() {
        return 0;
    }

    /**
     * What a provider with {@link Capability#DEDUPLICATION} recognises a repetition by: the event's id, unless a dead letter is put back,
     * which is meant to be delivered once more.
     */
    default String deduplicationId() {
        return event().marks()
                .redrive()
                .map(redrive -> event().id() + "#" + redrive.letter())
                .orElseGet(() -> event().id().value());
    }
}
