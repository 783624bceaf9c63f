package ai.greentic.events;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What only the fabric writes on an event: how long it is worth delivering, from when, how urgent it is, whether it is the copy of a dead
 * letter, how many bridges it has crossed, and whether it is being redriven. It travels in the envelope's field {@code fabric}, outside the
 * users' metadata, and a publish sets it anew: nobody can forge or inherit it. Immutable; every method with an argument returns a
 * changed copy.
 */
public final class Marks {
    /** An ordinary event. */
    public static final Marks NONE = new Marks(null, null, Priority.NORMAL, false, 0, null);

    private final @Nullable Instant expiresAt;
    private final @Nullable Instant deliverAt;
    private final Priority priority;
    private final boolean deadLetter;
    private final int hops;
    private final @Nullable Redrive redrive;

    /**
     * That an event was a dead letter and is delivered once more.
     *
     * @param letter id of the dead letter
     * @param group the only group that is to see it; null if everyone is
     * @param count how often it has been redriven, this time included
     */
    public record Redrive(String letter, @Nullable String group, int count) {
        public Redrive {
            Objects.requireNonNull(letter, "letter");
        }
    }

    private Marks(
            @Nullable Instant expiresAt,
            @Nullable Instant deliverAt,
            Priority priority,
            boolean deadLetter,
            int hops,
            @Nullable Redrive redrive) {
        this.expiresAt = expiresAt;
        this.deliverAt = deliverAt;
        this.priority = priority;
        this.deadLetter = deadLetter;
        this.hops = hops;
        this.redrive = redrive;
    }

    /** From when on the event is no longer handed to anyone. */
    public Optional<Instant> expiresAt() {
        return Optional.ofNullable(expiresAt);
    }

    public Marks expiresAt(@Nullable Instant time) {
        return new Marks(time, deliverAt, priority, deadLetter, hops, redrive);
    }

    /** Whether the event has expired at a time. */
    public boolean expired(Instant now) {
        return expiresAt != null && !now.isBefore(expiresAt);
    }

    /** Before when the event is not handed to anyone. */
    public Optional<Instant> deliverAt() {
        return Optional.ofNullable(deliverAt);
    }

    public Marks deliverAt(@Nullable Instant time) {
        return new Marks(expiresAt, time, priority, deadLetter, hops, redrive);
    }

    public Priority priority() {
        return priority;
    }

    public Marks priority(Priority value) {
        return new Marks(expiresAt, deliverAt, Objects.requireNonNull(value), deadLetter, hops, redrive);
    }

    /** Whether this is the copy of a dead letter: only subscriptions that name its very topic see it. */
    public boolean deadLetter() {
        return deadLetter;
    }

    public Marks deadLetter(boolean value) {
        return new Marks(expiresAt, deliverAt, priority, value, hops, redrive);
    }

    /** Bridges that the event has crossed. */
    public int hops() {
        return hops;
    }

    public Marks hops(int number) {
        return new Marks(expiresAt, deliverAt, priority, deadLetter, number, redrive);
    }

    public Optional<Redrive> redrive() {
        return Optional.ofNullable(redrive);
    }

    public Marks redrive(@Nullable Redrive value) {
        return new Marks(expiresAt, deliverAt, priority, deadLetter, hops, value);
    }

    @Override
    public boolean equals(Object other) {
        return this == other
                || other instanceof Marks that
                        && Objects.equals(expiresAt, that.expiresAt)
                        && Objects.equals(deliverAt, that.deliverAt)
                        && priority == that.priority
                        && deadLetter == that.deadLetter
                        && hops == that.hops
                        && Objects.equals(redrive, that.redrive);
    }

    @Override
    public int hashCode() {
        return Objects.hash(expiresAt, deliverAt, priority, deadLetter, hops, redrive);
    }
}
