package ai.greentic.events.pack;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.DefaultIndenter;
import tools.jackson.core.util.DefaultPrettyPrinter;
import tools.jackson.dataformat.cbor.CBORFactory;
import tools.jackson.dataformat.cbor.CBORWriteFeature;

/** Writes trees of maps, lists and plain values as CBOR of definite lengths or as JSON for people; keys keep their order. */
final class Documents {
    private static final CBORFactory CBOR =
            CBORFactory.builder().enable(CBORWriteFeature.WRITE_TYPE_HEADER).build();
    private static final JsonFactory JSON = JsonFactory.builder().build();

    private Documents() {}

    /** CBOR that begins with the tag by which it is known, 55799. */
    static byte[] cbor(Object tree) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator generator = CBOR.createGenerator(ObjectWriteContext.empty(), out)) {
            write(generator, tree);
        }
        return out.toByteArray();
    }

    static byte[] json(Object tree) {
        DefaultPrettyPrinter.Indenter lines = new DefaultIndenter("  ", "\n");
        DefaultPrettyPrinter pretty =
                new DefaultPrettyPrinter().withObjectIndenter(lines).withArrayIndenter(lines);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ObjectWriteContext context = new ObjectWriteContext.Base() {
            @Override
            public tools.jackson.core.PrettyPrinter getPrettyPrinter() {
                return pretty;
            }
        };
        try (JsonGenerator generator = JSON.createGenerator(context, out)) {
            write(generator, tree);
        }
        return out.toByteArray();
    }

    private static void write(JsonGenerator generator, @Nullable Object value) {
        if (value == null) {
            generator.writeNull();
        } else if (value instanceof Map<?, ?> map) {
            generator.writeStartObject(map, map.size());
            map.forEach((key, item) -> {
                generator.writeName((String) key);
                write(generator, item);
            });
            generator.writeEndObject();
        } else if (value instanceof List<?> list) {
            generator.writeStartArray(list, list.size());
            list.forEach(item -> write(generator, item));
            generator.writeEndArray();
        } else if (value instanceof Boolean flag) {
            generator.writeBoolean(flag);
        } else if (value instanceof Integer number) {
            generator.writeNumber(number);
        } else if (value instanceof Long number) {
            generator.writeNumber(number);
        } else if (value instanceof BigInteger number) {
            generator.writeNumber(number);
        } else if (value instanceof BigDecimal number) {
            generator.writeNumber(number);
        } else if (value instanceof String text) {
            generator.writeString(text);
        } else {
            throw new EventsException(ErrorCode.INTERNAL_ERROR, "a " + value.getClass() + " in a document");
        }
    }
}
