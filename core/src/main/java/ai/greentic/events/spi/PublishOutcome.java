package ai.greentic.events.spi;

import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.PublishReceipt;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What became of one published event. */
public final class PublishOutcome {
    private final @Nullable Position position;
    private final @Nullable EventsException failure;

    private final @Nullable PublishReceipt first;

    private PublishOutcome(
            @Nullable Position position, @Nullable EventsException failure, @Nullable PublishReceipt first) {
        this.position = position;
        this.failure = failure;
        this.first = first;
    }

    /** The provider accepted the event with the durability that it declares. */
    public static PublishOutcome accepted(Position position) {
        return new PublishOutcome(Objects.requireNonNull(position, "position"), null, null);
    }

    /** The provider accepted the event and has no positions to tell. */
    public static PublishOutcome accepted() {
        return new PublishOutcome(null, null, null);
    }

    /** The event's idempotency key is done: this is the receipt of the event that had it first. */
    public static PublishOutcome duplicate(PublishReceipt first) {
        return new PublishOutcome(null, null, Objects.requireNonNull(first, "first"));
    }

    /** The provider refused the event, or does not know; the failure's kind says which. */
    public static PublishOutcome failed(EventsException failure) {
        return new PublishOutcome(null, Objects.requireNonNull(failure, "failure"), null);
    }

    public boolean isAccepted() {
        return failure == null;
    }

    public @Nullable Position position() {
        return position;
    }

    public @Nullable EventsException failure() {
        return failure;
    }

    /** The receipt of the event that had the idempotency key first, if this one is its repetition. */
    public @Nullable PublishReceipt first() {
        return first;
    }
}
