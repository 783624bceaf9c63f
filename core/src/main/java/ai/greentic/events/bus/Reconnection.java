package ai.greentic.events.bus;

import java.time.Duration;

/** How long to leave a provider alone after it failed, the longer the more often in a row. For one thread. */
final class Reconnection {
    private static final long FIRST_WAIT_MILLIS = 100;
    private static final long LONGEST_WAIT_MILLIS = 5_000;
    private static final int FAILURES_BEFORE_REBIND = 3;

    private int failures;
    private long notBefore;

    /** It failed; returns how long to wait. */
    Duration failed(long nowNanos) {
        failures++;
        Duration wait =
                Duration.ofMillis(Math.min(LONGEST_WAIT_MILLIS, FIRST_WAIT_MILLIS << Math.min(10, failures - 1)));
        notBefore = nowNanos + wait.toNanos();
        return wait;
    }

    /** Whether it is still to be left alone: whatever else wakes the caller up must not turn the wait into a storm. */
    boolean isTooSoon(long nowNanos) {
        return failures > 0 && nowNanos - notBefore < 0;
    }

    /** Whether it failed so often that a new subscription may help. */
    boolean wantsRebinding() {
        return failures >= FAILURES_BEFORE_REBIND;
    }

    /** It works; returns whether it had failed before. */
    boolean succeeded() {
        boolean before = failures > 0;
        failures = 0;
        return before;
    }
}
