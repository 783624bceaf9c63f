package ai.greentic.events.delivery;

import ai.greentic.events.EventsException;
import ai.greentic.events.Nearest;
import ai.greentic.events.Topic;
import java.math.BigInteger;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
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

    /**
     * Reads overrides as packs and settings write them, and removes them from the map: {@code dlq_topic}, {@code retry.max_retries},
     * {@code retry.base_delay_ms}, {@code retry.max_delay_ms}, {@code retry.strategy}, {@code retry.retryable_errors}.
     *
     * @param raw values by key; keys that are not overrides stay
     * @param where how messages name the place
     * @param problems receives one sentence for each override that cannot be used
     */
    public static ProviderOverrides take(Map<String, ?> raw, String where, Collection<? super String> problems) {
        Reader reader = new Reader(raw, where, problems);
        ProviderOverrides overrides = new ProviderOverrides(
                reader.topic(DLQ_TOPIC),
                reader.integer(RETRY + "max_retries"),
                reader.millis(RETRY + "base_delay_ms"),
                reader.millis(RETRY + "max_delay_ms"),
                reader.backoff(RETRY + "strategy"),
                reader.texts(RETRY + "retryable_errors"));
        raw.keySet().removeIf(key -> {
            boolean stray = key.startsWith(RETRY) || key.equals("retry");
            if (stray) {
                problems.add(where + "." + key + " is not a known setting" + Nearest.hint(key, KEYS));
            }
            return stray;
        });
        return overrides;
    }

    private static final String DLQ_TOPIC = "dlq_topic";
    private static final String RETRY = "retry.";
    /** Every key that {@link #take} reads. */
    public static final List<String> KEYS = List.of(
            DLQ_TOPIC,
            RETRY + "max_retries",
            RETRY + "base_delay_ms",
            RETRY + "max_delay_ms",
            RETRY + "strategy",
            RETRY + "retryable_errors");

    private record Reader(Map<String, ?> raw, String where, Collection<? super String> problems) {
        @Nullable
        String topic(String key) {
            Object value = raw.remove(key);
            if (value instanceof String text) {
                try {
                    return new Topic(text).value();
                } catch (EventsException e) {
                    problems.add(where + "." + key + ": " + e.getMessage());
                    return null;
                }
            }
            return refuse(key, value, "a topic");
        }

        @Nullable
        Integer integer(String key) {
            Object value = raw.remove(key);
            BigInteger number = natural(value, 31);
            return number != null ? (Integer) number.intValue() : refuse(key, value, "an integer from 0 to 2147483647");
        }

        @Nullable
        Duration millis(String key) {
            Object value = raw.remove(key);
            BigInteger number = natural(value, 53);
            return number != null
                    ? Duration.ofMillis(number.longValue())
                    : refuse(key, value, "a number of milliseconds, 0 or more");
        }

        /** The value as a number of at most so many bits that is not negative, or null. */
        private static @Nullable BigInteger natural(@Nullable Object value, int bits) {
            if (!(value instanceof Integer || value instanceof Long || value instanceof BigInteger)) {
                return null;
            }
            BigInteger number = new BigInteger(value.toString());
            return number.signum() >= 0 && number.bitLength() <= bits ? number : null;
        }

        @Nullable
        Backoff backoff(String key) {
            Object value = raw.remove(key);
            if (value instanceof String text) {
                for (Backoff backoff : Backoff.values()) {
                    if (backoff.name().equalsIgnoreCase(text)) {
                        return backoff;
                    }
                }
                List<String> known = Arrays.stream(Backoff.values())
                        .map(b -> b.name().toLowerCase(Locale.ROOT))
                        .toList();
                problems.add(where + "." + key + " is '" + text + "'; it must be one of " + String.join(", ", known)
                        + Nearest.to(text.toLowerCase(Locale.ROOT), known)
                                .map(near -> "; did you mean " + near + "?")
                                .orElse(""));
                return null;
            }
            return refuse(key, value, "one of fixed, exponential, exponential_with_jitter");
        }

        @Nullable
        List<String> texts(String key) {
            Object value = raw.remove(key);
            return value instanceof Collection<?> list && list.stream().allMatch(String.class::isInstance)
                    ? list.stream().map(String.class::cast).toList()
                    : refuse(key, value, "a list of texts");
        }

        private <T> @Nullable T refuse(String key, @Nullable Object value, String rule) {
            if (value != null) {
                problems.add(where + "." + key + " is '" + value + "'; it must be " + rule);
            }
            return null;
        }
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
}
