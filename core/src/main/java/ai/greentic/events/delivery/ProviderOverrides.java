package ai.greentic.events.delivery;

import ai.greentic.events.EventsException;
import ai.greentic.events.Nearest;
import ai.greentic.events.Topic;
import java.math.BigInteger;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What packs, settings and code may change about the guarantees of one provider. Every field may be absent; layers merge field by
 * field. Immutable: every method with an argument returns a changed copy.
 */
public final class ProviderOverrides {
    /** Nothing is said. */
    public static final ProviderOverrides NONE = new ProviderOverrides(Map.of());

    private static final String DLQ_TOPIC = "dlq_topic";
    private static final String MAX_RETRIES = "retry.max_retries";
    private static final String BASE_DELAY = "retry.base_delay_ms";
    private static final String MAX_DELAY = "retry.max_delay_ms";
    private static final String STRATEGY = "retry.strategy";
    private static final String RETRYABLE_ERRORS = "retry.retryable_errors";
    private static final String FORMULAS = "retry.formulas";
    private static final String ATTEMPT_TIMEOUT = "retry.attempt_timeout_ms";
    private static final String BUDGET = "retry.budget_ms";
    private static final String FORWARD = "forward";

    /** Every key that {@link #take} reads. */
    public static final List<String> KEYS = List.of(
            DLQ_TOPIC,
            MAX_RETRIES,
            BASE_DELAY,
            MAX_DELAY,
            STRATEGY,
            RETRYABLE_ERRORS,
            FORMULAS,
            ATTEMPT_TIMEOUT,
            BUDGET,
            FORWARD);

    private final Map<String, Object> values;

    private ProviderOverrides(Map<String, Object> values) {
        this.values = Map.copyOf(values);
    }

    private ProviderOverrides with(String key, Object value) {
        Map<String, Object> more = new HashMap<>(values);
        more.put(key, value);
        return new ProviderOverrides(more);
    }

    @SuppressWarnings("unchecked") // the key decides the type
    private <T> @Nullable T value(String key) {
        return (T) values.get(key);
    }

    private <T> T value(String key, T otherwise) {
        T value = value(key);
        return value == null ? otherwise : value;
    }

    /** Topic of dead-letter copies; null for {@code <topic>.dlq}. */
    public @Nullable String deadLetterTopic() {
        return value(DLQ_TOPIC);
    }

    public ProviderOverrides deadLetterTopic(String topic) {
        return with(DLQ_TOPIC, new Topic(topic).value());
    }

    /** Publishes after the first one, from 0. */
    public ProviderOverrides maxRetries(int retries) {
        if (retries < 0) {
            throw new IllegalArgumentException("maxRetries is " + retries + "; it must not be negative");
        }
        return with(MAX_RETRIES, retries);
    }

    /** Wait after the first failure. */
    public ProviderOverrides baseDelay(Duration delay) {
        return with(BASE_DELAY, delay);
    }

    /** Longest wait. */
    public ProviderOverrides maxDelay(Duration delay) {
        return with(MAX_DELAY, delay);
    }

    /** How the wait grows. */
    public ProviderOverrides backoff(Backoff backoff) {
        return with(STRATEGY, backoff);
    }

    /** Texts of which an error must contain one to be tried again; empty means that its kind decides alone. */
    public ProviderOverrides retryableErrors(List<String> texts) {
        return with(RETRYABLE_ERRORS, List.copyOf(texts));
    }

    /** Which formulas compute the wait. */
    public ProviderOverrides formulas(RetryPolicy.Formulas formulas) {
        return with(FORMULAS, formulas);
    }

    /** How long one call of the provider may take to answer. */
    public ProviderOverrides attemptTimeout(Duration time) {
        return with(ATTEMPT_TIMEOUT, time);
    }

    /** How long all attempts together may take. */
    public ProviderOverrides budget(Duration time) {
        return with(BUDGET, time);
    }

    /** Whether events are accepted, and kept on local disk, while the provider is away; needs a state store. */
    public ProviderOverrides forward(boolean whileAway) {
        return with(FORWARD, whileAway);
    }

    /** Whether events are accepted while the provider is away; false where nothing is said. */
    public boolean forward() {
        return value(FORWARD, false);
    }

    /**
     * Reads overrides as packs and settings write them, and removes them from the map: {@code dlq_topic}, {@code retry.max_retries},
     * {@code retry.base_delay_ms}, {@code retry.max_delay_ms}, {@code retry.strategy}, {@code retry.retryable_errors} and the
     * others of {@link #KEYS}.
     *
     * @param raw values by key; keys that are not overrides stay
     * @param where how messages name the place
     * @param problems receives one sentence for each override that cannot be used
     */
    public static ProviderOverrides take(Map<String, ?> raw, String where, Collection<? super String> problems) {
        Reader reader = new Reader(raw, where, problems);
        Map<String, Object> found = new HashMap<>();
        reader.into(found, DLQ_TOPIC, reader.topic(DLQ_TOPIC));
        reader.into(found, MAX_RETRIES, reader.integer(MAX_RETRIES));
        reader.into(found, STRATEGY, reader.constant(STRATEGY, Backoff.class));
        reader.into(found, FORMULAS, reader.constant(FORMULAS, RetryPolicy.Formulas.class));
        reader.into(found, RETRYABLE_ERRORS, reader.texts(RETRYABLE_ERRORS));
        reader.into(found, FORWARD, reader.flag(FORWARD));
        for (String key : List.of(BASE_DELAY, MAX_DELAY, ATTEMPT_TIMEOUT, BUDGET)) {
            reader.into(found, key, reader.millis(key));
        }
        raw.keySet().removeIf(key -> {
            boolean stray = key.startsWith("retry.") || key.equals("retry");
            if (stray) {
                problems.add(where + "." + key + " is not a known setting" + Nearest.hint(key, KEYS));
            }
            return stray;
        });
        return new ProviderOverrides(found);
    }

    private record Reader(Map<String, ?> raw, String where, Collection<? super String> problems) {
        void into(Map<String, Object> found, String key, @Nullable Object value) {
            if (value != null) {
                found.put(key, value);
            }
        }

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

        <E extends Enum<E>> @Nullable E constant(String key, Class<E> type) {
            Object value = raw.remove(key);
            List<String> known = Arrays.stream(type.getEnumConstants())
                    .map(constant -> constant.name().toLowerCase(Locale.ROOT))
                    .toList();
            if (value instanceof String text) {
                for (E constant : type.getEnumConstants()) {
                    if (constant.name().equalsIgnoreCase(text)) {
                        return constant;
                    }
                }
                problems.add(where + "." + key + " is '" + text + "'; it must be one of " + String.join(", ", known)
                        + Nearest.to(text.toLowerCase(Locale.ROOT), known)
                                .map(near -> "; did you mean " + near + "?")
                                .orElse(""));
                return null;
            }
            return refuse(key, value, "one of " + String.join(", ", known));
        }

        @Nullable
        Boolean flag(String key) {
            Object value = raw.remove(key);
            return value instanceof Boolean flag ? flag : refuse(key, value, "true or false");
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
        Map<String, Object> merged = new HashMap<>(lower.values);
        merged.putAll(values);
        return new ProviderOverrides(merged);
    }

    /** What is said, under the keys and in the form in which packs and settings write it, in the order of {@link #KEYS}. */
    public Map<String, Object> written() {
        Map<String, Object> written = new LinkedHashMap<>();
        for (String key : KEYS) {
            Object value = values.get(key);
            if (value instanceof Duration time) {
                written.put(key, time.toMillis());
            } else if (value instanceof Enum<?> constant) {
                written.put(key, constant.name().toLowerCase(Locale.ROOT));
            } else if (value != null) {
                written.put(key, value);
            }
        }
        return written;
    }

    /** The retry policy that results, with {@link RetryPolicy#STANDARD} where nothing is said. */
    public RetryPolicy retryPolicy() {
        RetryPolicy standard = RetryPolicy.STANDARD;
        return standard.maxRetries(value(MAX_RETRIES, standard.maxRetries()))
                .backoff(value(STRATEGY, standard.backoff()))
                .delays(value(BASE_DELAY, standard.baseDelay()), value(MAX_DELAY, standard.maxDelay()))
                .retryableErrors(value(RETRYABLE_ERRORS, standard.retryableErrors()))
                .formulas(value(FORMULAS, standard.formulas()))
                .attemptTimeout(value(ATTEMPT_TIMEOUT, standard.attemptTimeout()))
                .budget(value(BUDGET, standard.budget()));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ProviderOverrides that && values.equals(that.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        return new TreeMap<>(values).toString();
    }
}
