package ai.greentic.events.delivery;

import java.time.Duration;

/** How the wait before another try grows. */
public enum Backoff {
    /** Always the base. */
    FIXED,
    /** The base, then twice as long each time. */
    EXPONENTIAL,
    /** Anything between nothing and the exponential wait ("full jitter"). */
    EXPONENTIAL_WITH_JITTER;

    /**
     * The wait before the try after the n-th failure.
     *
     * @param failures failures so far, from 1
     * @param base wait after the first failure
     * @param max longest wait
     * @param chance a number in [0, 1) that jitter uses
     */
    public Duration delay(int failures, Duration base, Duration max, double chance) {
        return delay(failures, base, max, 2, chance);
    }

    /**
     * As {@link #delay(int, Duration, Duration, double)}, where an exponential wait grows by something else than 2.
     *
     * @param multiplier by what it grows from try to try, at least 1
     */
    Duration delay(int failures, Duration base, Duration max, double multiplier, double chance) {
        if (failures < 1) {
            throw new IllegalArgumentException("failures are counted from 1");
        }
        double grown = this == FIXED ? base.toNanos() : base.toNanos() * Math.pow(multiplier, failures - 1);
        long nanos = grown >= max.toNanos() ? max.toNanos() : (long) grown;
        return Duration.ofNanos(this == EXPONENTIAL_WITH_JITTER ? (long) (nanos * chance) : nanos);
    }

    /**
     * The wait as the Rust original computes it: {@code fixed} is the base times n, {@code exponential} the base doubled n times, jitter
     * anything up to that.
     *
     * @param failures failures so far, from 1
     * @param base wait that grows
     * @param max longest wait
     * @param chance a number in [0, 1) that jitter uses
     */
    public Duration upstreamDelay(int failures, Duration base, Duration max, double chance) {
        if (this == FIXED) {
            boolean beyond = base.compareTo(max.dividedBy(failures)) > 0;
            return beyond ? max : base.multipliedBy(failures);
        }
        return delay(failures + 1, base, max, chance);
    }
}
