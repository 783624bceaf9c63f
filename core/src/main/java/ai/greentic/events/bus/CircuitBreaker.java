package ai.greentic.events.bus;

import ai.greentic.events.delivery.CircuitPolicy;
import java.time.Duration;

/**
 * Stops calling a provider that has been failing for a while, and tries one call now and then until it answers again (Nygard, "Release
 * It!", 2007). One success closes it, so a provider that fails for some events and not for others stays connected. Thread-safe.
 */
final class CircuitBreaker {
    enum State {
        CLOSED,
        OPEN,
        /** One call is out to see whether the provider is back. */
        HALF_OPEN
    }

    private static final long PROBE_NANOS = 100_000_000;

    private final CircuitPolicy policy;
    private State state = State.CLOSED;
    /** Read without the lock on the way of every event: nothing has failed since the last success. */
    private volatile boolean healthy = true;

    private int failures;
    private long firstFailureNanos;
    private long openUntilNanos;
    private int openings;

    CircuitBreaker(CircuitPolicy policy) {
        this.policy = policy;
    }

    /** Whether a call may be made now; in an open circuit whose time has come, this one is the probe. */
    boolean admits(long nowNanos) {
        return healthy || admitsUnhealthy(nowNanos);
    }

    private synchronized boolean admitsUnhealthy(long nowNanos) {
        if (state == State.CLOSED) {
            return true;
        }
        if (state == State.OPEN && openUntilNanos - nowNanos <= 0) {
            state = State.HALF_OPEN;
            return true;
        }
        return false;
    }

    void succeeded() {
        if (!healthy) {
            reset();
        }
    }

    private synchronized void reset() {
        state = State.CLOSED;
        failures = 0;
        openings = 0;
        healthy = true;
    }

    /** The probe said nothing about the provider's health: the next call is the probe. */
    synchronized void undecided() {
        if (state == State.HALF_OPEN) {
            state = State.OPEN;
        }
    }

    /** Notes a call that did not reach the provider; returns whether this opened the circuit. */
    synchronized boolean failed(long nowNanos) {
        if (failures == 0) {
            firstFailureNanos = nowNanos;
        }
        failures++;
        healthy = false;
        boolean opens = state == State.HALF_OPEN
                || state == State.CLOSED
                        && failures >= policy.failures()
                        && nowNanos - firstFailureNanos >= policy.over().toNanos();
        if (opens) {
            boolean first = state == State.CLOSED;
            state = State.OPEN;
            openUntilNanos = nowNanos + policy.openFor(openings++).toNanos();
            return first;
        }
        return false;
    }

    synchronized State state() {
        return state;
    }

    /** How long until the next probe, or until the one that is out may have an answer. */
    synchronized Duration untilProbe(long nowNanos) {
        return Duration.ofNanos(Math.max(PROBE_NANOS, openUntilNanos - nowNanos));
    }

    synchronized int failures() {
        return failures;
    }
}
