package ai.greentic.events.spi;

import ai.greentic.events.EventId;
import ai.greentic.events.PublishReceipt;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The answer to {@link IdempotencyStore#claim}. Stores may extend it with what they need to conclude. Immutable. */
public class Claim {
    /** Where a key stands. */
    public enum State {
        /** Nobody had the key; the caller has it now and must conclude. */
        FRESH,
        /** An earlier claim failed to learn its outcome; the caller has the key now and repeats the event under its first id. */
        IN_DOUBT,
        /** Another claim of the key is open. */
        IN_FLIGHT,
        /** The key is done; its receipt is known. */
        COMPLETED,
        /** The key belongs to an event with another payload. */
        REUSED
    }

    private final IdempotencyKey key;
    private final State state;
    private final EventId eventId;
    private final @Nullable PublishReceipt receipt;

    /**
     * @param eventId id of the event that has the key
     * @param receipt of a completed key
     */
    public Claim(IdempotencyKey key, State state, EventId eventId, @Nullable PublishReceipt receipt) {
        this.key = Objects.requireNonNull(key, "key");
        this.state = Objects.requireNonNull(state, "state");
        this.eventId = Objects.requireNonNull(eventId, "eventId");
        this.receipt = receipt;
        if ((state == State.COMPLETED) != (receipt != null)) {
            throw new IllegalArgumentException("a completed claim has a receipt, and no other has");
        }
    }

    public final IdempotencyKey key() {
        return key;
    }

    public final State state() {
        return state;
    }

    /** Whether the caller has the key and must conclude. */
    public final boolean isHeld() {
        return state == State.FRESH || state == State.IN_DOUBT;
    }

    /** Id of the event that has the key. */
    public final EventId eventId() {
        return eventId;
    }

    public final Optional<PublishReceipt> receipt() {
        return Optional.ofNullable(receipt);
    }
}
