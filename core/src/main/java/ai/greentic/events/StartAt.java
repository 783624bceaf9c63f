package ai.greentic.events;

import java.time.Instant;
import java.util.Map;
import java.util.Objects;

/**
 * Where a subscription begins when it has no kept position: an ephemeral one always, a group the first time it is seen.
 */
public sealed interface StartAt {
    /** Events accepted after the subscription is ready. */
    StartAt NEW = new New();

    /** The oldest event that is still kept. */
    StartAt EARLIEST = new Earliest();

    static StartAt at(Instant time) {
        return new At(time);
    }

    /** After the given positions, one per provider by name; providers not named start at {@link #NEW}. */
    static StartAt after(Map<String, Position> positions) {
        return new After(positions);
    }

    record New() implements StartAt {}

    record Earliest() implements StartAt {}

    /** The first event accepted at or after a time. */
    record At(Instant time) implements StartAt {
        public At {
            Objects.requireNonNull(time, "time");
        }
    }

    record After(Map<String, Position> positions) implements StartAt {
        public After {
            positions = Map.copyOf(positions);
        }
    }
}
