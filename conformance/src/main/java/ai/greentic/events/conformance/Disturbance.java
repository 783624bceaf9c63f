package ai.greentic.events.conformance;

import java.time.Duration;
import java.util.Objects;

/**
 * Something that happens to a transport and ends again, as a sentence: {@code Disturbance.when("the network is cut", proxy::cut)
 * .until("it is whole again", proxy::heal).after(Duration.ofSeconds(5))}. Immutable.
 */
public final class Disturbance {
    /** Something to do; may fail, and the test then fails. */
    @FunctionalInterface
    public interface Action {
        void run() throws Exception;
    }

    private final String begins;
    private final Action begin;
    private final String ends;
    private final Action end;
    private final Duration after;

    private Disturbance(String begins, Action begin, String ends, Action end, Duration after) {
        this.begins = Objects.requireNonNull(begins);
        this.begin = Objects.requireNonNull(begin);
        this.ends = Objects.requireNonNull(ends);
        this.end = Objects.requireNonNull(end);
        this.after = Objects.requireNonNull(after);
    }

    /** What happens. It ends by itself until {@link #until} says otherwise. */
    public static Disturbance when(String happens, Action action) {
        return new Disturbance(happens, action, "it is over", () -> {}, Duration.ZERO);
    }

    /** How it ends. */
    public Disturbance until(String over, Action action) {
        return new Disturbance(begins, begin, over, action, after);
    }

    /** How long it lasts; default no time. */
    public Disturbance after(Duration time) {
        return new Disturbance(begins, begin, ends, end, time);
    }

    /** Does it, waits, and ends it, also if the wait is interrupted. */
    void happen() throws Exception {
        begin.run();
        try {
            Thread.sleep(after.toMillis());
        } finally {
            end.run();
        }
    }

    @Override
    public String toString() {
        return begins + (after.isZero() ? "" : ", and after " + after.toMillis() + " ms " + ends);
    }
}
