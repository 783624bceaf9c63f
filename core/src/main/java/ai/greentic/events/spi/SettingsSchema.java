package ai.greentic.events.spi;

import ai.greentic.events.Nearest;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The settings of a provider, declared once: parses, validates, documents and redacts. Immutable.
 */
public final class SettingsSchema {
    /** What a value may be. */
    public enum Type {
        TEXT("a text"),
        INTEGER("an integer"),
        DECIMAL("a decimal"),
        FLAG("true or false"),
        /** Text such as {@code 250ms}, {@code 10s}, {@code 5m}, {@code 36h} or {@code 7d}. */
        DURATION("a duration such as 10s"),
        LIST("a list of texts");

        private final String words;

        Type(String words) {
            this.words = words;
        }

        public String words() {
            return words;
        }
    }

    /**
     * One setting.
     *
     * @param key name, snake_case, dots between levels
     * @param type what the value may be
     * @param defaultValue used when nothing is set; null if there is none
     * @param required whether something must be set
     * @param least smallest number allowed; for durations in milliseconds; null if any
     * @param most largest number allowed; likewise
     * @param oneOf the only texts allowed; empty if any
     * @param secret whether the value must never be shown; give it by reference
     * @param doc one sentence
     */
    public record Setting(
            String key,
            Type type,
            @Nullable Object defaultValue,
            boolean required,
            @Nullable Long least,
            @Nullable Long most,
            List<String> oneOf,
            boolean secret,
            String doc) {
        public static Setting of(String key, Type type, @Nullable Object defaultValue, String doc) {
            return new Setting(key, type, defaultValue, false, null, null, List.of(), false, doc);
        }

        public Setting between(long smallest, long largest) {
            return new Setting(key, type, defaultValue, required, smallest, largest, oneOf, secret, doc);
        }

        public Setting amongst(String... values) {
            return new Setting(key, type, defaultValue, required, least, most, List.of(values), secret, doc);
        }

        public Setting withSecrecy() {
            return new Setting(key, type, defaultValue, required, least, most, oneOf, true, doc);
        }

        public Setting mandatory() {
            return new Setting(key, type, defaultValue, true, least, most, oneOf, secret, doc);
        }
    }

    public static final SettingsSchema EMPTY = new SettingsSchema(List.of());

    private final Map<String, Setting> settings;

    private SettingsSchema(List<Setting> settings) {
        Map<String, Setting> byKey = new LinkedHashMap<>();
        for (Setting setting : settings) {
            if (byKey.put(setting.key, setting) != null) {
                throw new IllegalArgumentException("setting " + setting.key + " is declared twice");
            }
        }
        this.settings = byKey;
    }

    public static SettingsSchema of(Setting... settings) {
        return new SettingsSchema(List.of(settings));
    }

    public static SettingsSchema of(List<Setting> settings) {
        return new SettingsSchema(settings);
    }

    public Collection<Setting> settings() {
        return settings.values();
    }

    public Optional<Setting> setting(String key) {
        return Optional.ofNullable(settings.get(key));
    }

    /**
     * Reads raw values.
     *
     * @param raw values by key: texts, numbers, booleans or lists
     * @param where how messages name the place, for example {@code events.providers.orders}
     * @param problems receives one sentence for each value that cannot be used; the result then holds the default
     */
    public ProviderSettings parse(Map<String, ?> raw, String where, Collection<? super String> problems) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (Setting setting : settings.values()) {
            Object given = raw.get(setting.key);
            if (given == null) {
                if (setting.required) {
                    problems.add(where + "." + setting.key + " is required: " + setting.doc);
                }
                given = setting.defaultValue;
            }
            if (given != null) {
                Object value = convert(setting, given, where, problems);
                if (value != null) {
                    values.put(setting.key, value);
                }
            }
        }
        for (String key : raw.keySet()) {
            if (!settings.containsKey(key)) {
                problems.add(where + "." + key + " is not a known setting" + Nearest.hint(key, settings.keySet()));
            }
        }
        return new ProviderSettings(this, values);
    }

    private static @Nullable Object convert(
            Setting setting, Object given, String where, Collection<? super String> problems) {
        try {
            Object value = convert(setting.type, setting.secret ? SecretReference.resolve(given.toString()) : given);
            Number number = value instanceof Duration duration
                    ? (Number) duration.toMillis()
                    : value instanceof Number n ? n : null;
            if (number != null
                    && (setting.least != null && number.doubleValue() < setting.least
                            || setting.most != null && number.doubleValue() > setting.most)) {
                problems.add(where + "." + setting.key + " is " + shown(setting, given) + "; it must be between "
                        + setting.least + " and " + setting.most
                        + (setting.type == Type.DURATION ? " milliseconds" : ""));
                return null;
            }
            if (!setting.oneOf.isEmpty() && !setting.oneOf.contains(value)) {
                problems.add(where + "." + setting.key + " is " + shown(setting, given) + "; it must be one of "
                        + String.join(", ", setting.oneOf) + Nearest.hint(given.toString(), setting.oneOf));
                return null;
            }
            return value;
        } catch (SecretReference.Missing e) {
            problems.add(where + "." + setting.key + " " + e.getMessage());
            return null;
        } catch (IllegalArgumentException | ArithmeticException | DateTimeParseException e) {
            problems.add(where + "." + setting.key + " is " + shown(setting, given) + "; it must be "
                    + setting.type.words());
            return null;
        }
    }

    private static String shown(Setting setting, Object given) {
        return setting.secret ? "(hidden)" : "'" + given + "'";
    }

    private static Object convert(Type type, Object given) {
        return switch (type) {
            case TEXT -> given.toString();
            case INTEGER -> new BigDecimal(given.toString()).longValueExact();
            case DECIMAL -> new BigDecimal(given.toString());
            case FLAG -> flag(given.toString());
            case DURATION -> given instanceof Duration duration ? duration : duration(given.toString());
            case LIST ->
                given instanceof Collection<?> list
                        ? new ArrayList<>(list.stream().map(Object::toString).toList())
                        : List.of(given.toString());
        };
    }

    private static boolean flag(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "1", "true", "yes", "on" -> true;
            case "0", "false", "no", "off" -> false;
            default -> throw new IllegalArgumentException();
        };
    }

    /**
     * Reads {@code 250ms}, {@code 10s}, {@code 5m}, {@code 36h}, {@code 7d}.
     *
     * @throws IllegalArgumentException for anything else
     */
    public static Duration duration(String text) {
        var parts = java.util.regex.Pattern.compile("(\\d{1,12})(ms|s|m|h|d)").matcher(text);
        if (!parts.matches()) {
            throw new IllegalArgumentException("not a duration: " + text);
        }
        long amount = Long.parseLong(parts.group(1));
        return switch (parts.group(2)) {
            case "ms" -> Duration.ofMillis(amount);
            case "s" -> Duration.ofSeconds(amount);
            case "m" -> Duration.ofMinutes(amount);
            case "h" -> Duration.ofHours(amount);
            default -> Duration.ofDays(amount);
        };
    }
}
