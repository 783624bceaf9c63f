package ai.greentic.events.runner;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** JSON objects as fields whose values stay the bytes that they are, so that nothing is lost on the way through. */
final class Fields {
    private static final JsonFactory JSON = JsonFactory.builder().build();

    private Fields() {}

    /**
     * @param what is read, for the message
     * @throws EventsException {@code CORRUPT_EVENT} if it is no JSON object
     */
    static Map<String, Payload> of(byte[] json, String what) {
        // Checks that it is one document of Unicode text within the limits of depth.
        byte[] document;
        try {
            document = Payload.json(json).toBytes();
        } catch (EventsException e) {
            throw new EventsException(ErrorCode.CORRUPT_EVENT, what + " is not JSON: " + e.getMessage(), e);
        }
        Map<String, Payload> fields = new LinkedHashMap<>();
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), document)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new EventsException(ErrorCode.CORRUPT_EVENT, what + " is not a JSON object");
            }
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String name = parser.currentName();
                fields.put(name, value(parser, document));
            }
        } catch (JacksonException e) {
            throw new EventsException(ErrorCode.CORRUPT_EVENT, what + " is not JSON: " + e.getOriginalMessage(), e);
        }
        return fields;
    }

    private static Payload value(JsonParser parser, byte[] document) {
        parser.nextToken();
        int from = (int) parser.currentTokenLocation().getByteOffset();
        parser.skipChildren();
        parser.finishToken();
        return Payload.parsed(document, from, (int) parser.currentLocation().getByteOffset());
    }

    /** The items of an array; empty if there is none. */
    static List<Payload> items(Map<String, Payload> fields, String name, String what) {
        Payload array = fields.get(name);
        if (array == null || array.equals(Payload.NULL)) {
            return List.of();
        }
        byte[] document = array.toBytes();
        List<Payload> items = new ArrayList<>();
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), document)) {
            if (parser.nextToken() != JsonToken.START_ARRAY) {
                throw new EventsException(ErrorCode.CORRUPT_EVENT, what + ": " + name + " is not a list");
            }
            for (JsonToken token = parser.nextToken(); token != JsonToken.END_ARRAY; token = parser.nextToken()) {
                int from = (int) parser.currentTokenLocation().getByteOffset();
                parser.skipChildren();
                parser.finishToken();
                items.add(Payload.parsed(
                        document, from, (int) parser.currentLocation().getByteOffset()));
            }
        }
        return items;
    }

    static Optional<String> text(Map<String, Payload> fields, String name) {
        Payload value = fields.get(name);
        return value != null && value.json().startsWith("\"") ? Optional.of(value.as(String.class)) : Optional.empty();
    }

    /** The object of these fields, in their order. */
    static byte[] object(Map<String, Payload> fields) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(256);
        out.write('{');
        boolean first = true;
        for (Map.Entry<String, Payload> field : fields.entrySet()) {
            if (!first) {
                out.write(',');
            }
            first = false;
            out.writeBytes(Payload.of(field.getKey()).toBytes());
            out.write(':');
            out.writeBytes(field.getValue().toBytes());
        }
        out.writeBytes("}".getBytes(StandardCharsets.US_ASCII));
        return out.toByteArray();
    }
}
