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
        if (failures < 1) {
            throw new IllegalArgumentException("failures are counted from 1");
        }
        long cap = max.toNanos();
        long nanos = base.toNanos();
        if (this != FIXED) {
            int doublings = failures - 1;
            nanos = doublings >= Long.numberOfLeadingZeros(Math.max(1, nanos)) - 1 ? cap : nanos << doublings;
        }
        nanos = Math.min(cap, nanos);
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
