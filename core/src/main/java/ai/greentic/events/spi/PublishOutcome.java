package ai.greentic.events.spi;

import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What became of one published event. */
public final class PublishOutcome {
    private final @Nullable Position position;
    private final @Nullable EventsException failure;

    private PublishOutcome(@Nullable Position position, @Nullable EventsException failure) {
        this.position = position;
        this.failure = failure;
    }

    /** The provider accepted the event with the durability that it declares. */
    public static PublishOutcome accepted(Position position) {
        return new PublishOutcome(Objects.requireNonNull(position, "position"), null);
    }

    /** The provider accepted the event and has no positions to tell. */
    public static PublishOutcome accepted() {
        return new PublishOutcome(null, null);
    }

    /** The provider refused the event, or does not know; the failure's kind says which. */
    public static PublishOutcome failed(EventsException failure) {
        return new PublishOutcome(null, Objects.requireNonNull(failure, "failure"));
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
}
