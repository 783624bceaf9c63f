package ai.greentic.events.codec;

import ai.greentic.events.ChannelMessage;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.ReplyScope;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The JSON forms of a channel message. Reads all three generations, keeping what it does not know; writes the chosen one. Immutable and
 * thread-safe.
 */
public final class ChannelMessageCodec {
    /** Writes the sender in both ways, so that readers of every generation find it. */
    public static final ChannelMessageCodec STANDARD = new ChannelMessageCodec(Generation.ALL, EnvelopeCodec.STANDARD);

    /** Which readers a written message is for. */
    public enum Generation {
        /** {@code user_id}, and nothing that this generation would drop: a message with more is refused. */
        FIRST,
        /** {@code from} and {@code to}, and no extensions: a message with some is refused. */
        SECOND,
        /** {@code from}, {@code to} and extensions. */
        THIRD,
        /** As the third, and {@code user_id} too. */
        ALL
    }

    private final Generation generation;
    private final EnvelopeCodec envelopes;
    private final EnvelopeReader reader;

    /**
     * @param envelopes gives the limits and reads the tenant
     */
    public ChannelMessageCodec(Generation generation, EnvelopeCodec envelopes) {
        this.generation = generation;
        this.envelopes = envelopes;
        this.reader =
                new EnvelopeReader(envelopes.maxBytes(), EnvelopeCodec.DEFAULT_MAX_DEPTH, envelopes.lenientPairs());
    }

    /**
     * Reads a message of any generation.
     *
     * @throws EventsException of kind {@code INVALID} that names the field
     */
    public ChannelMessage decode(byte[] json) {
        Fields in = new Fields("", reader.fields(json));
        ChannelMessage.Builder message = ChannelMessage.builder(
                in.text("id"), reader.context(in.take("tenant").toBytes()), in.text("channel"), in.text("session_id"));
        Fields scope = in.object("reply_scope");
        if (scope != null) {
            message.replyScope(new ReplyScope(
                    scope.text("conversation"),
                    scope.optionalText("thread"),
                    scope.optionalText("reply_to"),
                    scope.optionalText("correlation"),
                    scope.rest()));
        }
        String userId = in.optionalText("user_id");
        if (userId != null) {
            message.userId(userId);
        }
        Fields from = in.object("from");
        if (from != null) {
            message.from(actor(from));
        }
        message.to(in.objects("to").stream().map(ChannelMessageCodec::actor).toList());
        String correlationId = in.optionalText("correlation_id");
        if (correlationId != null) {
            message.correlationId(correlationId);
        }
        String text = in.optionalText("text");
        if (text != null) {
            message.text(text);
        }
        message.attachments(in.objects("attachments").stream()
                .map(ChannelMessageCodec::attachment)
                .toList());
        Fields metadata = in.object("metadata");
        if (metadata != null) {
            Map<String, String> strings = new LinkedHashMap<>();
            for (String name : List.copyOf(metadata.values.keySet())) {
                strings.put(name, metadata.text(name));
            }
            message.metadata(strings);
        }
        Fields extensions = in.object("extensions");
        if (extensions != null) {
            message.extensions(extensions.rest());
        }
        Fields fabric = in.object("fabric");
        int hops = fabric == null ? 0 : fabric.hops();
        return message.unknownFields(in.rest()).build().withHops(hops);
    }

    private static ChannelMessage.Actor actor(Fields in) {
        return new ChannelMessage.Actor(in.text("id"), in.optionalText("kind"), in.rest());
    }

    private static ChannelMessage.Attachment attachment(Fields in) {
        Payload content = in.values.remove("content");
        return new ChannelMessage.Attachment(
                in.text("mime_type"), in.optionalText("url"), content, in.optionalText("name"), in.size(), in.rest());
    }

    /**
     * Writes a message.
     *
     * @throws EventsException {@code INVALID_ARGUMENT} if the generation has no place for something in it
     */
    public byte[] encode(ChannelMessage message) {
        refuseWhatDoesNotFit(message);
        JsonBuffer out = new JsonBuffer(1024);
        out.raw("{\"id\":").string(message.id());
        out.raw(",\"tenant\":").bytes(envelopes.encodeContext(message.tenant()));
        out.raw(",\"channel\":").string(message.channel());
        out.raw(",\"session_id\":").string(message.sessionId());
        message.replyScope().ifPresent(scope -> {
            out.raw(",\"reply_scope\":{\"conversation\":").string(scope.conversation());
            out.optional(",\"thread\":", scope.thread());
            out.optional(",\"reply_to\":", scope.replyTo());
            out.optional(",\"correlation\":", scope.correlation());
            out.fields(scope.unknownFields());
            out.raw("}");
        });
        ChannelMessage.Actor sender = message.sender().orElse(null);
        if (sender != null && (generation == Generation.FIRST || generation == Generation.ALL)) {
            out.optional(",\"user_id\":", message.userId().orElse(sender.id()));
        }
        if (sender != null && generation != Generation.FIRST) {
            out.raw(",\"from\":");
            write(out, sender);
        }
        if (!message.to().isEmpty()) {
            String separator = ",\"to\":[";
            for (ChannelMessage.Actor actor : message.to()) {
                write(out.raw(separator), actor);
                separator = ",";
            }
            out.raw("]");
        }
        out.optional(",\"correlation_id\":", message.correlationId().orElse(null));
        out.optional(",\"text\":", message.text().orElse(null));
        if (!message.attachments().isEmpty()) {
            String separator = ",\"attachments\":[";
            for (ChannelMessage.Attachment attachment : message.attachments()) {
                write(out.raw(separator), attachment);
                separator = ",";
            }
            out.raw("]");
        }
        out.raw(",\"metadata\":").stringMap(message.metadata());
        if (!message.extensions().isEmpty()) {
            String separator = ",\"extensions\":{";
            for (Map.Entry<String, Payload> extension : message.extensions().entrySet()) {
                out.raw(separator).string(extension.getKey()).raw(":").payload(extension.getValue());
                separator = ",";
            }
            out.raw("}");
        }
        out.fields(message.unknownFields());
        if (message.hops() > 0) {
            out.raw(",\"fabric\":{\"hops\":").number(message.hops()).raw("}");
        }
        return out.raw("}").toBytes();
    }

    private static void write(JsonBuffer out, ChannelMessage.Actor actor) {
        out.raw("{\"id\":").string(actor.id());
        out.optional(",\"kind\":", actor.kind());
        out.fields(actor.unknownFields());
        out.raw("}");
    }

    private static void write(JsonBuffer out, ChannelMessage.Attachment attachment) {
        out.raw("{\"mime_type\":").string(attachment.mimeType());
        out.optional(",\"url\":", attachment.url());
        Payload content = attachment.content();
        if (content != null) {
            out.raw(",\"content\":").payload(content);
        }
        out.optional(",\"name\":", attachment.name());
        BigInteger size = attachment.sizeBytes();
        if (size != null) {
            out.raw(",\"size_bytes\":").raw(size.toString());
        }
        out.fields(attachment.unknownFields());
        out.raw("}");
    }

    private void refuseWhatDoesNotFit(ChannelMessage message) {
        List<String> surplus = new ArrayList<>();
        if (generation == Generation.FIRST && !message.to().isEmpty()) {
            surplus.add("to");
        }
        if ((generation == Generation.FIRST || generation == Generation.SECOND)
                && !message.extensions().isEmpty()) {
            surplus.add("extensions");
        }
        if (!surplus.isEmpty()) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT,
                    message + " has " + String.join(" and ", surplus) + ", which readers of the generation "
                            + generation + " would lose; write a later generation, or leave it out");
        }
    }

    /** The fields of an object that are still to be read. */
    private final class Fields {
        private final String path;
        private final Map<String, Payload> values;

        Fields(String path, Map<String, Payload> values) {
            this.path = path;
            this.values = values;
        }

        private EventsException invalid(String name, String problem) {
            return new EventsException(
                    ErrorCode.INVALID_ENVELOPE, "channel message field " + path + name + " " + problem);
        }

        Payload take(String name) {
            Payload value = values.remove(name);
            if (value == null) {
                throw invalid(name, "is missing");
            }
            return value;
        }

        String text(String name) {
            return textOf(name, take(name));
        }

        private String textOf(String name, Payload value) {
            if (!value.json().startsWith("\"")) {
                throw invalid(name, "must be a string");
            }
            return value.as(String.class);
        }

        @Nullable
        String optionalText(String name) {
            Payload value = values.remove(name);
            return value == null || isNull(value) ? null : textOf(name, value);
        }

        private boolean isNull(Payload value) {
            return value.json().equals("null");
        }

        @Nullable
        Fields object(String name) {
            Payload value = values.remove(name);
            return value == null || isNull(value) ? null : fields(name, value);
        }

        private Fields fields(String name, Payload value) {
            if (!value.json().startsWith("{")) {
                throw invalid(name, "must be an object");
            }
            return new Fields(path + name + ".", reader.fields(value.toBytes()));
        }

        List<Fields> objects(String name) {
            Payload value = values.remove(name);
            if (value == null) {
                return List.of();
            }
            if (!value.json().startsWith("[")) {
                throw invalid(name, "must be a list");
            }
            List<Fields> objects = new ArrayList<>();
            for (Payload element : reader.elements(value.toBytes())) {
                objects.add(fields(name, element));
            }
            return objects;
        }

        @Nullable
        BigInteger size() {
            Payload value = values.remove("size_bytes");
            if (value == null || isNull(value)) {
                return null;
            }
            try {
                return new BigInteger(value.json());
            } catch (NumberFormatException e) {
                throw invalid("size_bytes", "must be an integer, 0 or more");
            }
        }

        int hops() {
            Payload value = values.remove("hops");
            try {
                return value == null ? 0 : Math.max(0, Integer.parseInt(value.json()));
            } catch (NumberFormatException e) {
                throw invalid("hops", "must be a small integer");
            }
        }

        Map<String, Payload> rest() {
            return values;
        }
    }
}
