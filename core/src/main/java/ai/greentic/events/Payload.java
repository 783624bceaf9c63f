package ai.greentic.events;

import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The content of an event: one JSON document, kept as the bytes it arrived in and parsed only on demand, so that numbers, key order and
 * white space survive. Two payloads are equal when their bytes are. {@link #toString()} never shows the content.
 */
public final class Payload {
    /** The JSON value {@code null}. */
    public static final Payload NULL = new Payload("null".getBytes(StandardCharsets.UTF_8));

    private final byte[] json;

    private Payload(byte[] json) {
        this.json = json;
    }

    /**
     * One JSON document.
     *
     * @throws EventsException {@code INVALID_PAYLOAD} if the text is not one well-formed document, {@code NESTED_TOO_DEEP} beyond 126
     *     levels
     */
    public static Payload json(String text) {
        if (Text.hasLoneSurrogate(text)) {
            throw new EventsException(
                    ErrorCode.INVALID_PAYLOAD, "payload has half a surrogate pair; it is not Unicode text");
        }
        return checked(text.getBytes(StandardCharsets.UTF_8));
    }

    /** One JSON document in UTF-8; the bytes are copied. Errors as {@link #json(String)}. */
    public static Payload json(byte[] utf8) {
        return checked(utf8.clone());
    }

    /** The document alone, as it stands in an envelope: blanks around it are not part of it. */
    private static Payload checked(byte[] json) {
        Json.check(json);
        int from = 0;
        int to = json.length;
        while (isBlank(json[from])) {
            from++;
        }
        while (isBlank(json[to - 1])) {
            to--;
        }
        return new Payload(from == 0 && to == json.length ? json : Arrays.copyOfRange(json, from, to));
    }

    private static boolean isBlank(byte character) {
        return character == ' ' || character == '\n' || character == '\r' || character == '\t';
    }

    /**
     * A document that a parser has already checked, without checking it again; for codecs. The bytes are copied.
     *
     * @param utf8 the text that holds the document
     * @param from first byte of the document
     * @param to byte after the document
     */
    public static Payload parsed(byte[] utf8, int from, int to) {
        return new Payload(Arrays.copyOfRange(utf8, from, to));
    }

    /**
     * A value as JSON: null, text, numbers, booleans, maps, lists and arrays directly, anything else through the {@link PayloadMapper}
     * found on the class path. A {@link String} becomes a JSON string; JSON text goes through {@link #json(String)}.
     */
    public static Payload of(@Nullable Object value) {
        return of(value, null);
    }

    /** As {@link #of(Object)}, with a mapper for values that are not plain. */
    public static Payload of(@Nullable Object value, @Nullable PayloadMapper mapper) {
        if (value == null) {
            return NULL;
        }
        if (value instanceof Payload payload) {
            return payload;
        }
        if (isPlain(value)) {
            return checked(Json.write(value));
        }
        try {
            return checked(Mappers.orDefault(mapper).write(value));
        } catch (EventsException e) {
            throw e;
        } catch (Exception e) {
            throw new EventsException(
                    ErrorCode.INVALID_PAYLOAD,
                    "a value of type " + value.getClass().getName() + " could not be written as JSON: "
                            + e.getClass().getSimpleName(),
                    e);
        }
    }

    private static boolean isPlain(@Nullable Object value) {
        if (value instanceof Map<?, ?> map) {
            return map.keySet().stream().allMatch(String.class::isInstance)
                    && map.values().stream().allMatch(Payload::isPlain);
        }
        if (value instanceof Collection<?> list) {
            return list.stream().allMatch(Payload::isPlain);
        }
        if (value instanceof Object[] array) {
            return Arrays.stream(array).allMatch(Payload::isPlain);
        }
        return value == null
                || value instanceof String
                || value instanceof Boolean
                || value instanceof Integer
                || value instanceof Long
                || value instanceof Short
                || value instanceof Byte
                || value instanceof Double
                || value instanceof Float
                || value instanceof BigDecimal
                || value instanceof BigInteger
                || value instanceof Payload;
    }

    /**
     * The content as a value of a type. {@code Object}, {@code Map}, {@code List}, {@code String}, {@code Boolean} and the number types
     * need no library: integers arrive as {@link BigInteger} or smaller, decimals as {@link BigDecimal}.
     *
     * @throws EventsException {@code INVALID_PAYLOAD} if the content does not fit the type
     */
    public <T> T as(Class<T> type) {
        return as(type, null);
    }

    /** As {@link #as(Class)}, for a generic type. */
    @SuppressWarnings("unchecked")
    public <T> T as(TypeRef<T> type) {
        return (T) read(type.type(), null);
    }

    /** As {@link #as(Class)}, with a mapper for types that are not plain. */
    @SuppressWarnings("unchecked")
    public <T> T as(Class<T> type, @Nullable PayloadMapper mapper) {
        return (T) read(type, mapper);
    }

    private Object read(Type type, @Nullable PayloadMapper mapper) {
        if (type == Payload.class) {
            return this;
        }
        try {
            if (type instanceof Class<?> plain && Json.reads(plain)) {
                return Json.read(json, plain);
            }
            return Mappers.orDefault(mapper).read(json, type);
        } catch (EventsException e) {
            throw e;
        } catch (Exception e) {
            throw new EventsException(
                    ErrorCode.INVALID_PAYLOAD,
                    "the payload cannot be read as " + type.getTypeName() + ": "
                            + e.getClass().getSimpleName(),
                    e);
        }
    }

    /** The document as text, exactly as it was given. */
    public String json() {
        return new String(json, StandardCharsets.UTF_8);
    }

    /** A copy of the document's bytes in UTF-8. */
    public byte[] toBytes() {
        return json.clone();
    }

    /** Copies the document into a buffer and returns the index after it. */
    public int copyTo(byte[] buffer, int at) {
        System.arraycopy(json, 0, buffer, at, json.length);
        return at + json.length;
    }

    /** Length in bytes of UTF-8. */
    public int size() {
        return json.length;
    }

    /**
     * The same value with no white space between tokens and the keys of every object in code point order, the last of equal keys kept;
     * numbers keep their text. What upstream would write, and a stable form to hash.
     */
    public Payload canonical() {
        return new Payload(Json.canonical(json));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Payload that && Arrays.equals(json, that.json);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(json);
    }

    @Override
    public String toString() {
        return "Payload[" + json.length + " bytes]";
    }

    /** Finds the mapper of the class path once. */
    private static final class Mappers {
        private static final java.util.Optional<PayloadMapper> FOUND = find();

        private static java.util.Optional<PayloadMapper> find() {
            var found = java.util.ServiceLoader.load(PayloadMapper.class, Payload.class.getClassLoader()).stream()
                    .iterator();
            java.util.Optional<PayloadMapper> usable = java.util.Optional.empty();
            while (usable.isEmpty() && found.hasNext()) {
                try {
                    usable = java.util.Optional.of(found.next().get());
                } catch (java.util.ServiceConfigurationError | LinkageError absent) {
                    // The bindings ship here, their libraries are optional: the next one may have its own.
                    usable = java.util.Optional.empty();
                }
            }
            return usable;
        }

        static PayloadMapper orDefault(@Nullable PayloadMapper given) {
            return Objects.requireNonNullElseGet(
                    given,
                    () -> FOUND.orElseThrow(() -> new EventsException(
                            ErrorCode.INVALID_PAYLOAD,
                            "no JSON binding on the class path; add jackson-databind, or give a PayloadMapper to the bus,"
                                    + " or use plain types (maps, lists, text, numbers)")));
        }
    }
}
