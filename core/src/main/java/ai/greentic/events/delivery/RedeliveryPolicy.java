package ai.greentic.events.delivery;

import java.time.Duration;

/**
 * What happens to a delivery whose handler failed. Pure: the same arguments give the same answer.
 *
 * @param maxAttempts handler starts before the event becomes a dead letter, from 1
 * @param baseDelay wait after the first failure
 * @param maxDelay longest wait
 * @param backoff how the wait grows
 */
public record RedeliveryPolicy(int maxAttempts, Duration baseDelay, Duration maxDelay, Backoff backoff) {
    /** Five attempts, 500 ms doubling to 30 s, with jitter. */
    public static final RedeliveryPolicy STANDARD =
            new RedeliveryPolicy(5, Duration.ofMillis(500), Duration.ofSeconds(30), Backoff.EXPONENTIAL_WITH_JITTER);

    public RedeliveryPolicy {
        if (maxAttempts < 1) {
            throw new IllegalArgumentException("maxAttempts is " + maxAttempts + "; it must be at least 1");
        }
    }

    /** The verdict: another attempt after a delay, or none. */
    public sealed interface Decision {}

    public record Redeliver(Duration delay) implements Decision {}

    public record DeadLetter(String reason) implements Decision {}

    /**
     * Decides after a failed attempt.
     *
     * @param attempt number of the attempt that failed, from 1
     * @param chance a number in [0, 1) that jitter uses
     */
    public Decision decide(int attempt, double chance) {
        return attempt >= maxAttempts
                ? new DeadLetter("failed " + attempt + " of " + maxAttempts + " attempts")
                : new Redeliver(backoff.delay(attempt, baseDelay, maxDelay, chance));
    }
}
