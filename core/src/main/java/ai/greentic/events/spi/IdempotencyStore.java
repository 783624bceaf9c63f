package ai.greentic.events.spi;

import ai.greentic.events.EventId;
import ai.greentic.events.PublishReceipt;

/**
 * Remembers, for a window of time, what must not happen twice. A held claim is concluded exactly once, by {@link #complete}, {@link
 * #abandon} or {@link #doubt}; one whose holder died counts as in doubt. Thread-safe; methods may block on storage.
 */
public interface IdempotencyStore {
    /**
     * Claims a key for an event, or tells what became of an earlier claim.
     *
     * @param payloadHash of the event's canonical payload; another one under the same key is {@link Claim.State#REUSED}
     * @throws ai.greentic.events.EventsException {@code IDEMPOTENCY_WINDOW_FULL} if a new key has no room: a live key is never evicted
     */
    Claim claim(IdempotencyKey key, EventId event, long payloadHash);

    /** The event was accepted: from now on the key answers with this receipt, until the window has passed. */
    void complete(Claim held, PublishReceipt receipt);

    /** Nothing happened: the key is free again. */
    void abandon(Claim held);

    /** Nobody knows whether it happened: the next claim repeats it under the same event id. */
    void doubt(Claim held);

    /** How far the promise reaches. */
    StoreScope scope();
}
