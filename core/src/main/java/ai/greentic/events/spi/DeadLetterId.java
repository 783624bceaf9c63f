package ai.greentic.events.spi;

import java.util.Objects;

/**
 * Id of a dead letter: unique, and growing with time, so that the order of ids is the order of parking.
 *
 * @param value letters, digits and {@code -}
 */
public record DeadLetterId(String value) implements Comparable<DeadLetterId> {
    public DeadLetterId {
        Objects.requireNonNull(value, "value");
    }

    @Override
    public int compareTo(DeadLetterId other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
