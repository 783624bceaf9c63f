package ai.greentic.events.delivery;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What packs, settings and code may change about the guarantees of one provider. Every field may be absent; layers merge field by
 * field.
 *
 * @param deadLetterTopic topic of dead-letter copies instead of {@code <topic>.dlq}
 * @param maxRetries publishes after the first one, from 0
 * @param baseDelay wait after the first failure
 * @param maxDelay longest wait
 * @param backoff how the wait grows
 * @param retryableErrors texts of which an error must contain one to be tried again; empty means that its kind decides
 */
public record ProviderOverrides(
        @Nullable String deadLetterTopic,
        @Nullable Integer maxRetries,
        @Nullable Duration baseDelay,
        @Nullable Duration maxDelay,
        @Nullable Backoff backoff,
        @Nullable List<String> retryableErrors) {
    public static final ProviderOverrides NONE = new ProviderOverrides(null, null, null, null, null, null);

    public ProviderOverrides {
        if (maxRetries != null && maxRetries < 0) {
            throw new IllegalArgumentException("maxRetries is " + maxRetries + "; it must not be negative");
        }
        retryableErrors = retryableErrors == null ? null : List.copyOf(retryableErrors);
    }

    /** These values, and where one is absent, the lower layer's. */
    public ProviderOverrides over(ProviderOverrides lower) {
        return new ProviderOverrides(
                deadLetterTopic != null ? deadLetterTopic : lower.deadLetterTopic,
                maxRetries != null ? maxRetries : lower.maxRetries,
                baseDelay != null ? baseDelay : lower.baseDelay,
                maxDelay != null ? maxDelay : lower.maxDelay,
                backoff != null ? backoff : lower.backoff,
                retryableErrors != null ? retryableErrors : lower.retryableErrors);
    }

    /** The retry policy that results, with upstream's defaults where nothing is said. */
    public RetryPolicy retryPolicy() {
        return new RetryPolicy(
                Objects.requireNonNullElse(maxRetries, 3),
                Objects.requireNonNullElse(baseDelay, Duration.ofMillis(500)),
                Objects.requireNonNullElse(maxDelay, Duration.ofSeconds(30)),
                Objects.requireNonNullElse(backoff, Backoff.EXPONENTIAL_WITH_JITTER),
                Objects.requireNonNullElse(retryableErrors, List.of()));
    }

    public Optional<String> deadLetterTopicOverride() {
        return Optional.ofNullable(deadLetterTopic);
    }
}
