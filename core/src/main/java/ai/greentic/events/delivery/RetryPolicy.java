package ai.greentic.events.delivery;

import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * When the engine publishes again after a failure.
 *
 * @param maxRetries publishes after the first one, from 0
 * @param baseDelay wait after the first failure
 * @param maxDelay longest wait
 * @param backoff how the wait grows
 * @param retryableErrors texts of which an error must contain one to be tried again; empty means that its kind decides
 */
public record RetryPolicy(
        int maxRetries, Duration baseDelay, Duration maxDelay, Backoff backoff, List<String> retryableErrors) {
    public RetryPolicy {
        Objects.requireNonNull(baseDelay, "baseDelay");
        Objects.requireNonNull(maxDelay, "maxDelay");
        Objects.requireNonNull(backoff, "backoff");
        retryableErrors = List.copyOf(retryableErrors);
    }
}
