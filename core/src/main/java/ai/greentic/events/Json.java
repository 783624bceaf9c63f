package ai.greentic.events;

import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonWriteFeature;

/** JSON on Jackson's streaming parser: checking, plain values, canonical form. Numbers never pass through a double. */
final class Json {
    static final int MAX_DEPTH = 126;

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxNumberLength(10_000)
                    .maxStringLength(Integer.MAX_VALUE)
                    .build())
            .disable(JsonWriteFeature.WRITE_HEX_UPPER_CASE)
            .build();

    private Json() {}

    /** That the bytes are one document of Unicode text. Its texts are passed over, which checks them, and never made. */
    static void check(byte[] json) {
        if (!JsonText.isUnicode(json)) {
            throw new EventsException(ErrorCode.INVALID_PAYLOAD, "the payload is not well-formed UTF-8");
        }
        try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), json)) {
            if (parser.nextToken() == null) {
                throw new EventsException(
                        ErrorCode.INVALID_PAYLOAD,
                        "the payload is empty; a payload is one JSON document, at least null");
            }
            parser.skipChildren();
            if (parser.nextToken() != null) {
                throw new EventsException(ErrorCode.INVALID_PAYLOAD, "the payload has text after its JSON document");
            }
        } catch (JacksonException e) {
            throw refusal(e);
        }
    }

    /** Says where the text is wrong, without quoting it: it may be confidential. */
    private static EventsException refusal(JacksonException e) {
        if (e instanceof StreamConstraintsException) {
            return new EventsException(
                    ErrorCode.NESTED_TOO_DEEP,
                    "the payload nests deeper than " + MAX_DEPTH
                            + " levels or holds a number of more than 10000 digits");
        }
        var at = e.getLocation();
        return new EventsException(
                ErrorCode.INVALID_PAYLOAD,
                "the payload is not JSON (line " + at.getLineNr() + ", column " + at.getColumnNr()
                        + "); quote strings and keys, for example {\"id\":1}");
    }

    static byte[] write(Object value) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(256);
        try (JsonGenerator generator = FACTORY.createGenerator(ObjectWriteContext.empty(), out)) {
            write(generator, value);
        } catch (JacksonException e) {
            throw new EventsException(
                    ErrorCode.INVALID_PAYLOAD, "the value cannot be written as JSON: " + e.getOriginalMessage());
        }
        return out.toByteArray();
    }

    private static void write(JsonGenerator generator, @Nullable Object value) {
        if (value == null) {
            generator.writeNull();
        } else if (value instanceof String text) {
            if (Text.hasLoneSurrogate(text)) {
                throw new EventsException(ErrorCode.INVALID_PAYLOAD, "a text in the value has half a surrogate pair");
            }
            generator.writeString(text);
        } else if (value instanceof Boolean bool) {
            generator.writeBoolean(bool);
        } else if (value instanceof Double || value instanceof Float) {
            double number = ((Number) value).doubleValue();
            if (Double.isNaN(number) || Double.isInfinite(number)) {
                throw new EventsException(ErrorCode.INVALID_PAYLOAD, "JSON has no number " + number);
            }
            generator.writeNumber(new BigDecimal(value.toString()));
        } else if (value instanceof BigDecimal number) {
            generator.writeNumber(number);
        } else if (value instanceof BigInteger number) {
            generator.writeNumber(number);
        } else if (value instanceof Number number) {
            generator.writeNumber(number.longValue());
        } else if (value instanceof Payload payload) {
            generator.writeRawValue(payload.json());
        } else if (value instanceof Map<?, ?> map) {
            generator.writeStartObject();
            map.forEach((key, item) -> {
                generator.writeName((String) key);
                write(generator, item);
            });
            generator.writeEndObject();
        } else {
            generator.writeStartArray();
            Collection<?> items = value instanceof Collection<?> list ? list : Arrays.asList((Object[]) value);
            items.forEach(item -> write(generator, item));
            generator.writeEndArray();
        }
    }

    static boolean reads(Class<?> type) {
        return type == Object.class
                || type == Map.class
                || type == List.class
                || type == String.class
                || type == Boolean.class
                || type == Integer.class
                || type == Long.class
                || type == Double.class
                || type == BigDecimal.class
                || type == BigInteger.class;
    }

    static Object read(byte[] json, Class<?> type) {
        Object value;
        try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), json)) {
            value = readValue(parser, parser.nextToken());
        }
        Object fitting = value;
        if (value instanceof Number number) {
            BigDecimal exact = new BigDecimal(number.toString());
            try {
                if (type == Integer.class) {
                    fitting = exact.intValueExact();
                } else if (type == Long.class) {
                    fitting = exact.longValueExact();
                } else if (type == BigInteger.class) {
                    fitting = exact.toBigIntegerExact();
                }
            } catch (ArithmeticException e) {
                throw new EventsException(
                        ErrorCode.INVALID_PAYLOAD, "the payload's number does not fit " + type.getSimpleName(), e);
            }
            if (type == BigDecimal.class) {
                fitting = exact;
            } else if (type == Double.class) {
                fitting = exact.doubleValue();
            }
        }
        if (fitting == null || !type.isInstance(fitting)) {
            throw new EventsException(
                    ErrorCode.INVALID_PAYLOAD,
                    "the payload is "
                            + (fitting == null
                                    ? "null"
                                    : "a " + fitting.getClass().getSimpleName())
                            + ", not " + type.getSimpleName());
        }
        return fitting;
    }

    private static @Nullable Object readValue(JsonParser parser, JsonToken token) {
        return switch (token) {
            case START_OBJECT -> {
                Map<String, @Nullable Object> map = new LinkedHashMap<>();
                for (String name = parser.nextName(); name != null; name = parser.nextName()) {
                    map.put(name, readValue(parser, parser.nextToken()));
                }
                yield map;
            }
            case START_ARRAY -> {
                List<@Nullable Object> list = new ArrayList<>();
                for (JsonToken item = parser.nextToken(); item != JsonToken.END_ARRAY; item = parser.nextToken()) {
                    list.add(readValue(parser, item));
                }
                yield list;
            }
            case VALUE_STRING -> parser.getString();
            case VALUE_NUMBER_INT -> parser.getNumberValue();
            case VALUE_NUMBER_FLOAT -> parser.getDecimalValue();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            default -> null;
        };
    }

    static byte[] canonical(byte[] json) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(json.length);
        try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), json);
                JsonGenerator generator = FACTORY.createGenerator(ObjectWriteContext.empty(), out)) {
            canonical(parser, parser.nextToken(), generator);
        }
        return out.toByteArray();
    }

    private static void canonical(JsonParser parser, JsonToken token, JsonGenerator generator) {
        switch (token) {
            case START_OBJECT -> {
                Map<String, byte[]> sorted = new TreeMap<>(Text.CODE_POINT_ORDER);
                for (String name = parser.nextName(); name != null; name = parser.nextName()) {
                    ByteArrayOutputStream item = new ByteArrayOutputStream();
                    try (JsonGenerator nested = FACTORY.createGenerator(ObjectWriteContext.empty(), item)) {
                        canonical(parser, parser.nextToken(), nested);
                    }
                    sorted.put(name, item.toByteArray());
                }
                generator.writeStartObject();
                sorted.forEach((name, item) -> {
                    generator.writeName(name);
                    generator.writeRawValue(new String(item, StandardCharsets.UTF_8));
                });
                generator.writeEndObject();
            }
            case START_ARRAY -> {
                generator.writeStartArray();
                for (JsonToken item = parser.nextToken(); item != JsonToken.END_ARRAY; item = parser.nextToken()) {
                    canonical(parser, item, generator);
                }
                generator.writeEndArray();
            }
            case VALUE_STRING -> generator.writeString(parser.getString());
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> generator.writeRawValue(parser.getString());
            default -> generator.writeRawValue(token.asString());
        }
    }
}
