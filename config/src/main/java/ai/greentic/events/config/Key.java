package ai.greentic.events.config;

import java.math.BigDecimal;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A known setting.
 *
 * @param path its place
 * @param type what the value may be
 * @param defaultValue used when no layer says anything; null if there is none
 * @param variable environment variable, or null if there is none
 * @param oneOf the only texts allowed, with their other spellings after them; empty if any
 * @param doc one sentence
 */
record Key(
        Path path,
        Type type,
        @Nullable Object defaultValue,
        @Nullable String variable,
        List<String> oneOf,
        String doc) {
    enum Type {
        TEXT("a text"),
        IDENTIFIER("an identifier of letters, digits, '.', '_' and '-'"),
        PATH("a path"),
        FLAG("one of 1/true/yes/on or 0/false/no/off"),
        PORT("a number from 0 to 65535"),
        U32("a number from 0 to 4294967295"),
        U64("a number from 0 to 9223372036854775807"),
        DECIMAL("a decimal number"),
        LIST("a list"),
        /** Anything: a free map or list. */
        ANY("anything");

        final String words;

        Type(String words) {
            this.words = words;
        }
    }

    static Key of(String path, Type type, @Nullable Object defaultValue, String doc) {
        Path place = Path.of(path);
        String variable = "GREENTIC_" + path.toUpperCase(Locale.ROOT).replace('.', '_');
        return new Key(place, type, defaultValue, variable, List.of(), doc);
    }

    Key variable(@Nullable String name) {
        return new Key(path, type, defaultValue, name, oneOf, doc);
    }

    Key amongst(String... texts) {
        return new Key(path, type, defaultValue, variable, List.of(texts), doc);
    }

    /** The value as it is kept, or an {@link IllegalArgumentException} if it does not fit. */
    Object convert(Object given) {
        Object value = switch (type) {
            case TEXT, PATH -> scalar(given).toString();
            case IDENTIFIER -> identifier(scalar(given).toString());
            case FLAG -> given instanceof Boolean flag ? flag : (Object) flag(given.toString());
            case PORT -> integer(given, 65_535L);
            case U32 -> integer(given, 4_294_967_295L);
            case U64 -> integer(given, Long.MAX_VALUE);
            case DECIMAL -> new BigDecimal(scalar(given).toString());
            case LIST -> {
                if (!(given instanceof Collection<?>)) {
                    throw new IllegalArgumentException();
                }
                yield given;
            }
            case ANY -> given;
        };
        return oneOf.isEmpty() ? value : oneOf(value.toString());
    }

    /** Known spellings are written {@code canonical} or {@code other=canonical}. */
    private String oneOf(String text) {
        for (String allowed : oneOf) {
            int equals = allowed.indexOf('=');
            if (allowed.substring(0, equals < 0 ? allowed.length() : equals).equalsIgnoreCase(text)) {
                return allowed.substring(equals + 1);
            }
        }
        throw new IllegalArgumentException();
    }

    /** What the value must be, in words. */
    String rule() {
        return oneOf.isEmpty()
                ? type.words
                : "one of "
                        + String.join(
                                ", ",
                                oneOf.stream()
                                        .map(word -> word.replaceAll("=.*", ""))
                                        .toList());
    }

    private static Object scalar(Object given) {
        if (given instanceof Collection<?> || given instanceof java.util.Map<?, ?>) {
            throw new IllegalArgumentException();
        }
        return given;
    }

    private static String identifier(String text) {
        if (!text.matches("[A-Za-z0-9._-]{1,256}")) {
            throw new IllegalArgumentException();
        }
        return text;
    }

    static boolean flag(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "1", "true", "yes", "on" -> true;
            case "0", "false", "no", "off" -> false;
            default -> throw new IllegalArgumentException();
        };
    }

    private static Long integer(Object given, long most) {
        try {
            long value = new BigDecimal(scalar(given).toString()).longValueExact();
            if (value < 0 || value > most) {
                throw new IllegalArgumentException();
            }
            return value;
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
