package ai.greentic.events.delivery;

import ai.greentic.events.ErrorKind;
import ai.greentic.events.EventsException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/** When the engine publishes again after a failure. Immutable: every method with an argument returns a changed copy. */
public final class RetryPolicy {
    /** Which formulas compute the wait. */
    public enum Formulas {
        /** The n-th wait is the base, or the base doubled n - 1 times. */
        STANDARD,
        /** As the Rust original computes it: {@code fixed} grows with n, {@code exponential} begins at twice the base. */
        UPSTREAM
    }

    /** Three retries, 500 ms doubling to 30 s with jitter, 10 s for each attempt, 2 minutes for all. */
    public static final RetryPolicy STANDARD = new RetryPolicy(
            3,
            Duration.ofMillis(500),
            Duration.ofSeconds(30),
            Backoff.EXPONENTIAL_WITH_JITTER,
            List.of(),
            Formulas.STANDARD,
            Duration.ofSeconds(10),
            Duration.ofMinutes(2),
            2);

    private final int maxRetries;
    private final Duration baseDelay;
    private final Duration maxDelay;
    private final Backoff backoff;
    private final List<String> retryableErrors;
    private final Formulas formulas;
    private final Duration attemptTimeout;
    private final Duration budget;
    private final double multiplier;

    private RetryPolicy(
            int maxRetries,
            Duration baseDelay,
            Duration maxDelay,
            Backoff backoff,
            List<String> retryableErrors,
            Formulas formulas,
            Duration attemptTimeout,
            Duration budget,
            double multiplier) {
        this.maxRetries = maxRetries;
        this.baseDelay = Objects.requireNonNull(baseDelay, "baseDelay");
        this.maxDelay = Objects.requireNonNull(maxDelay, "maxDelay");
        this.backoff = Objects.requireNonNull(backoff, "backoff");
        this.retryableErrors = List.copyOf(retryableErrors);
        this.formulas = Objects.requireNonNull(formulas, "formulas");
        this.attemptTimeout = Objects.requireNonNull(attemptTimeout, "attemptTimeout");
        this.budget = Objects.requireNonNull(budget, "budget");
        this.multiplier = multiplier;
    }

    /** The verdict after a failed attempt. */
    public sealed interface Decision {}

    /** Try again, not earlier than after the delay. */
    public record RetryAfter(Duration delay) implements Decision {}

    /** No further attempt, and why. */
    public record GiveUp(String why) implements Decision {}

    /**
     * Decides after a failed attempt. Pure. The failure's kind decides whether trying again can help; where {@link #retryableErrors} are
     * given, its text must also hold one of them.
     *
     * @param attempts attempts made, from 1
     * @param elapsed time since the first attempt began
     * @param left time until nobody waits for the event any more
     * @param atMostOnce whether an attempt whose outcome is unknown must not be repeated
     * @param chance a number in [0, 1) that jitter uses
     */
    public Decision decide(
            int attempts, Duration elapsed, Duration left, EventsException failure, boolean atMostOnce, double chance) {
        if (!failure.kind().retryable()) {
            return new GiveUp("trying again cannot help (" + failure.code() + ")");
        }
        if (atMostOnce && failure.kind() == ErrorKind.OUTCOME_UNKNOWN) {
            return new GiveUp("its outcome is unknown, and at_most_once allows no repetition");
        }
        String text = String.valueOf(failure.getMessage());
        if (!retryableErrors.isEmpty() && retryableErrors.stream().noneMatch(text::contains)) {
            return new GiveUp("its error holds none of retryable_errors");
        }
        if (attempts > maxRetries) {
            return new GiveUp(attempts + " of " + (maxRetries + 1L) + " attempts failed");
        }
        Duration delay = delay(attempts, chance);
        if (elapsed.plus(delay).compareTo(budget) > 0) {
            return new GiveUp("its retry budget of " + budget + " is used up");
        }
        if (delay.compareTo(left) >= 0) {
            return new GiveUp("its time would run out before the next attempt");
        }
        return new RetryAfter(delay);
    }

    /**
     * The wait after the n-th failure.
     *
     * @param failures failures so far, from 1
     * @param chance a number in [0, 1) that jitter uses
     */
    public Duration delay(int failures, double chance) {
        return formulas == Formulas.STANDARD
                ? backoff.delay(failures, baseDelay, maxDelay, multiplier, chance)
                : backoff.upstreamDelay(failures, baseDelay, maxDelay, chance);
    }

    public int maxRetries() {
        return maxRetries;
    }

    /** Publishes after the first one, from 0. */
    public RetryPolicy maxRetries(int retries) {
        if (retries < 0) {
            throw new IllegalArgumentException("maxRetries is " + retries + "; it must not be negative");
        }
        return new RetryPolicy(
                retries, baseDelay, maxDelay, backoff, retryableErrors, formulas, attemptTimeout, budget, multiplier);
    }

    public Duration baseDelay() {
        return baseDelay;
    }

    public Duration maxDelay() {
        return maxDelay;
    }

    /** Wait after the first failure, and the longest wait. */
    public RetryPolicy delays(Duration base, Duration max) {
        return new RetryPolicy(
                maxRetries, base, max, backoff, retryableErrors, formulas, attemptTimeout, budget, multiplier);
    }

    public Backoff backoff() {
        return backoff;
    }

    public RetryPolicy backoff(Backoff growth) {
        return new RetryPolicy(
                maxRetries, baseDelay, maxDelay, growth, retryableErrors, formulas, attemptTimeout, budget, multiplier);
    }

    /** Texts of which an error must contain one to be tried again; empty means that its kind decides alone. */
    public List<String> retryableErrors() {
        return retryableErrors;
    }

    public RetryPolicy retryableErrors(List<String> texts) {
        return new RetryPolicy(
                maxRetries, baseDelay, maxDelay, backoff, texts, formulas, attemptTimeout, budget, multiplier);
    }

    public Formulas formulas() {
        return formulas;
    }

    public RetryPolicy formulas(Formulas which) {
        return new RetryPolicy(
                maxRetries, baseDelay, maxDelay, backoff, retryableErrors, which, attemptTimeout, budget, multiplier);
    }

    /** How long one call of the provider may take to answer before its outcome counts as unknown. */
    public Duration attemptTimeout() {
        return attemptTimeout;
    }

    public RetryPolicy attemptTimeout(Duration time) {
        return new RetryPolicy(
                maxRetries, baseDelay, maxDelay, backoff, retryableErrors, formulas, time, budget, multiplier);
    }

    /** How long all attempts together may take, waits included. */
    public Duration budget() {
        return budget;
    }

    public RetryPolicy budget(Duration time) {
        return new RetryPolicy(
                maxRetries, baseDelay, maxDelay, backoff, retryableErrors, formulas, attemptTimeout, time, multiplier);
    }

    /** By what an exponential wait grows from try to try, with the standard formulas; 2 unless told otherwise. */
    public double multiplier() {
        return multiplier;
    }

    public RetryPolicy multiplier(double growth) {
        if (!(growth >= 1) || Double.isInfinite(growth)) {
            throw new IllegalArgumentException("multiplier is " + growth + "; it must be at least 1, and finite");
        }
        return new RetryPolicy(
                maxRetries, baseDelay, maxDelay, backoff, retryableErrors, formulas, attemptTimeout, budget, growth);
    }
}
