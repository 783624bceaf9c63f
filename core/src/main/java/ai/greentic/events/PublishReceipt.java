package ai.greentic.events;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Proof that an event was accepted. */
public final class PublishReceipt {
    /** How the event was accepted. */
    public enum Status {
        /** The provider accepted it with the durability that it declares. */
        PUBLISHED,
        /** It waits on local disk for a provider that is away. */
        QUEUED,
        /** An earlier event with the same idempotency key was accepted; this is its receipt. */
        DUPLICATE
    }

    private final EventId eventId;
    private final Status status;
    private final String provider;
    private final int attempts;
    private final boolean durable;
    private final @Nullable Position position;

    private PublishReceipt(
            EventId eventId,
            Status status,
            String provider,
            int attempts,
            boolean durable,
            @Nullable Position position) {
        this.eventId = Objects.requireNonNull(eventId, "eventId");
        this.status = Objects.requireNonNull(status, "status");
        this.provider = Objects.requireNonNull(provider, "provider");
        this.attempts = attempts;
        this.durable = durable;
        this.position = position;
    }

    /** A receipt for an event that the provider accepted at the given attempt, counted from 1. */
    public static PublishReceipt published(
            EventId eventId, String provider, int attempts, boolean durable, @Nullable Position position) {
        return new PublishReceipt(eventId, Status.PUBLISHED, provider, attempts, durable, position);
    }

    /** A receipt for an event that waits on local disk for a provider, after so many calls of it, which may be 0. */
    public static PublishReceipt queued(EventId eventId, String provider, int attempts) {
        return new PublishReceipt(eventId, Status.QUEUED, provider, attempts, true, null);
    }

    /** The same receipt, for a later event with the same idempotency key. */
    public PublishReceipt asDuplicate() {
        return new PublishReceipt(eventId, Status.DUPLICATE, provider, attempts, durable, position);
    }

    public EventId eventId() {
        return eventId;
    }

    public Status status() {
        return status;
    }

    /** Name of the provider that accepted the event. */
    public String provider() {
        return provider;
    }

    /** Calls of the provider that it took, counted from 1; 0 if it was queued without one. */
    public int attempts() {
        return attempts;
    }

    /** Whether the event survives a crash of this process. */
    public boolean durable() {
        return durable;
    }

    public Optional<Position> position() {
        return Optional.ofNullable(position);
    }

    @Override
    public String toString() {
        return status + " " + eventId + " by " + provider + (position == null ? "" : " at " + position.opaque());
    }
}
