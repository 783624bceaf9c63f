package ai.greentic.events.spi;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Parsed settings of one provider. Immutable. {@link #toString()} hides secrets. */
public final class ProviderSettings {
    private final SettingsSchema schema;
    private final Map<String, Object> values;

    ProviderSettings(SettingsSchema schema, Map<String, Object> values) {
        this.schema = schema;
        this.values = Map.copyOf(values);
    }

    /** The defaults of a schema. */
    public static ProviderSettings defaults(SettingsSchema schema) {
        return schema.parse(Map.of(), "defaults", new java.util.ArrayList<>());
    }

    public Optional<String> text(String key) {
        return Optional.ofNullable((String) values.get(known(key)));
    }

    public long integer(String key) {
        return (Long) present(key);
    }

    public BigDecimal decimal(String key) {
        return (BigDecimal) present(key);
    }

    public boolean flag(String key) {
        return (Boolean) present(key);
    }

    public Duration duration(String key) {
        return (Duration) present(key);
    }

    @SuppressWarnings("unchecked")
    public List<String> list(String key) {
        return (List<String>) values.getOrDefault(known(key), List.of());
    }

    private Object present(String key) {
        Object value = values.get(known(key));
        if (value == null) {
            throw new IllegalStateException("setting " + key + " has neither a value nor a default");
        }
        return value;
    }

    private String known(String key) {
        if (schema.setting(key).isEmpty()) {
            throw new IllegalArgumentException("setting " + key + " is not in the schema");
        }
        return key;
    }

    @Override
    public String toString() {
        return values.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .map(entry -> entry.getKey() + "="
                        + (schema.setting(entry.getKey()).orElseThrow().secret() ? "(hidden)" : entry.getValue()))
                .collect(Collectors.joining(", ", "{", "}"));
    }
}
