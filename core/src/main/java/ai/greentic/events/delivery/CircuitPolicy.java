package ai.greentic.events.delivery;

import java.time.Duration;

/**
 * When calls of a provider stop because it does not answer, and when one is tried again.
 *
 * @param failures calls in a row that failed to reach it, at least
 * @param over time since the first of them, at least: a burst of failures alone is no outage
 * @param openFor wait before the first probe; doubles with each probe that fails
 * @param maxOpenFor longest wait between probes
 */
public record CircuitPolicy(int failures, Duration over, Duration openFor, Duration maxOpenFor) {
    /** Ten failures over 2 s; probes after 1 s, doubling to 30 s. */
    public static final CircuitPolicy STANDARD =
            new CircuitPolicy(10, Duration.ofSeconds(2), Duration.ofSeconds(1), Duration.ofSeconds(30));

    /** Never opens. */
    public static final CircuitPolicy NEVER =
            new CircuitPolicy(Integer.MAX_VALUE, Duration.ofDays(1), Duration.ofSeconds(1), Duration.ofSeconds(1));

    public CircuitPolicy {
        if (failures < 1) {
            throw new IllegalArgumentException("failures is " + failures + "; it must be at least 1");
        }
    }

    /** The wait after the n-th opening in a row, from 0. */
    public Duration openFor(int openings) {
        return Backoff.EXPONENTIAL.delay(openings + 1, openFor, maxOpenFor, 0);
    }
}
