package ai.greentic.events.codec;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventId;
import ai.greentic.events.EventsException;
import ai.greentic.events.JsonText;
import ai.greentic.events.Marks;
import ai.greentic.events.Payload;
import ai.greentic.events.Priority;
import ai.greentic.events.TenantContext;
import ai.greentic.events.Topic;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.sym.PropertyNameMatcher;
import tools.jackson.core.util.Named;

/** Reads envelopes with Jackson's streaming parser; the payload is walked once and kept as bytes. */
final class EnvelopeReader {
    private static final List<String> ENVELOPE_FIELDS = List.of(
            "id",
            "topic",
            "type",
            "source",
            "tenant",
            "subject",
            "time",
            "correlation_id",
            "payload",
            "metadata",
            "fabric");
    private static final int ENVELOPE_REQUIRED = 0b01_0101_1111;
    private static final List<String> CONTEXT_FIELDS = List.of(
            "env",
            "tenant",
            "tenant_id",
            "team",
            "team_id",
            "user",
            "user_id",
            "session_id",
            "flow_id",
            "node_id",
            "provider_id",
            "trace_id",
            "i18n_id",
            "correlation_id",
            "attributes",
            "deadline",
            "attempt",
            "idempotency_key",
            "impersonation");
    private static final int END = PropertyNameMatcher.MATCH_END_OBJECT;
    private static final int CONTEXT_REQUIRED = 1 | 1 << 1 | 1 << 2 | 1 << 16;

    private final int maxBytes;
    private final int maxDepth;
    private final boolean lenientPairs;
    private final JsonFactory factory;
    private final PropertyNameMatcher envelopeNames;
    private final PropertyNameMatcher contextNames;

    EnvelopeReader(int maxBytes, int maxDepth, boolean lenientPairs) {
        this.maxBytes = maxBytes;
        this.maxDepth = maxDepth;
        this.lenientPairs = lenientPairs;
        this.factory = JsonFactory.builder()
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(maxDepth + 1)
                        .maxNumberLength(10_000)
                        .maxStringLength(Integer.MAX_VALUE)
                        .build())
                .build();
        this.envelopeNames = names(ENVELOPE_FIELDS);
        this.contextNames = names(CONTEXT_FIELDS);
    }

    private PropertyNameMatcher names(List<String> fields) {
        List<Named> names = fields.stream().map(Named::fromString).toList();
        return factory.constructNameMatcher(names, false);
    }

    EventEnvelope envelope(byte[] json) {
        return new Reading(json).document(Reading::envelope);
    }

    TenantContext context(byte[] json) {
        return new Reading(json).document(reading -> reading.context(""));
    }

    Marks marks(byte[] json) {
        return new Reading(json).document(reading -> reading.marks(JsonToken.START_OBJECT, "fabric"));
    }

    /** The fields of any JSON object as bytes; by the limits of an envelope. */
    Map<String, Payload> fields(byte[] json) {
        return new Reading(json).document(Reading::fields);
    }

    /** The elements of a JSON array as bytes; by the limits of an envelope. */
    List<Payload> elements(byte[] json) {
        byte[] wrapped = new byte[json.length + 6];
        System.arraycopy("{\"a\":".getBytes(StandardCharsets.US_ASCII), 0, wrapped, 0, 5);
        System.arraycopy(json, 0, wrapped, 5, json.length);
        wrapped[wrapped.length - 1] = '}';
        return new Reading(wrapped).document(Reading::elements);
    }

    private static EventsException invalid(String path, String problem) {
        return new EventsException(ErrorCode.INVALID_ENVELOPE, "envelope field " + path + ": " + problem);
    }

    private interface Document<T> {
        T read(Reading reading);
    }

    /** One pass over one text. */
    private final class Reading {
        private final byte[] json;
        private @Nullable JsonParser open;

        Reading(byte[] json) {
            this.json = json;
        }

        <T> T document(Document<T> document) {
            if (json.length > maxBytes) {
                throw EnvelopeCodec.tooLarge("an event of " + json.length, maxBytes);
            }
            if (!JsonText.isUnicode(json)) {
                throw new EventsException(
                        ErrorCode.INVALID_ENVELOPE,
                        "the envelope is not well-formed UTF-8, or escapes half a surrogate pair");
            }
            try (JsonParser parser = factory.createParser(ObjectReadContext.empty(), json)) {
                open = parser;
                if (parser.nextToken() != JsonToken.START_OBJECT) {
                    throw new EventsException(ErrorCode.INVALID_ENVELOPE, "an envelope is a JSON object: {\"id\":…}");
                }
                T value = document.read(this);
                if (parser.nextToken() != null) {
                    throw new EventsException(ErrorCode.INVALID_ENVELOPE, "there is text after the envelope");
                }
                return value;
            } catch (StreamConstraintsException e) {
                throw new EventsException(
                        ErrorCode.NESTED_TOO_DEEP,
                        "the payload nests deeper than " + maxDepth
                                + " levels, or holds a number of more than 10000 digits");
            } catch (JacksonException e) {
                throw new EventsException(
                        ErrorCode.INVALID_ENVELOPE,
                        "the envelope is not JSON (line " + e.getLocation().getLineNr() + ", column "
                                + e.getLocation().getColumnNr() + ")");
            }
        }

        private JsonParser parser() {
            return java.util.Objects.requireNonNull(open);
        }

        /** Number of the next field's name; {@link #END} after the last one, another negative number for any other name. */
        private int nextField(PropertyNameMatcher names) {
            int field = parser().nextNameMatch(names);
            return field == PropertyNameMatcher.MATCH_ODD_TOKEN ? END : field;
        }

        private int mark(int seen, int field, String path, String name) {
            if ((seen & 1 << field) != 0) {
                throw invalid(path + name, "stands twice; keep one");
            }
            return seen | 1 << field;
        }

        private void require(int seen, int required, List<String> names, String path) {
            if ((seen & required) == required) {
                return;
            }
            List<String> missing = new ArrayList<>();
            for (int i = 0; i < names.size(); i++) {
                if ((required & ~seen & 1 << i) != 0) {
                    missing.add(path + names.get(i));
                }
            }
            throw new EventsException(ErrorCode.INVALID_ENVELOPE, "the envelope lacks " + String.join(", ", missing));
        }

        EventEnvelope envelope() {
            JsonParser parser = parser();
            int seen = 0;
            String id = "";
            String topic = "";
            String type = "";
            String source = "";
            TenantContext tenant = null;
            String subject = null;
            Instant time = Instant.EPOCH;
            String correlationId = null;
            Payload payload = Payload.NULL;
            Map<String, String> metadata = Map.of();
            Map<String, Payload> unknown = Map.of();
            Marks marks = Marks.NONE;
            for (int field = nextField(envelopeNames); field != END; field = nextField(envelopeNames)) {
                if (field < 0) {
                    unknown = keep(unknown);
                    continue;
                }
                JsonToken token = parser.nextToken();
                String name = ENVELOPE_FIELDS.get(field);
                seen = mark(seen, field, "", name);
                switch (field) {
                    case 0 -> id = text(token, name);
                    case 1 -> topic = text(token, name);
                    case 2 -> type = text(token, name);
                    case 3 -> source = text(token, name);
                    case 4 -> {
                        object(token, name, "must be an object");
                        tenant = context("tenant.");
                    }
                    case 5 -> subject = optionalText(token, name);
                    case 6 -> time = Timestamps.parse(text(token, name));
                    case 7 -> correlationId = optionalText(token, name);
                    case 8 -> payload = value();
                    case 9 -> metadata = strings(token, name);
                    default -> marks = marks(token, name);
                }
            }
            require(seen, ENVELOPE_REQUIRED, ENVELOPE_FIELDS, "");
            EventEnvelope.Builder event = EventEnvelope.builder(
                            java.util.Objects.requireNonNull(tenant), new Topic(topic))
                    .id(new EventId(id))
                    .type(type)
                    .source(source)
                    .time(time)
                    .payload(payload)
                    .metadata(metadata)
                    .marks(marks)
                    .unknownFields(unknown);
            set(subject, event::subject);
            set(correlationId, event::correlationId);
            return event.build();
        }

        TenantContext context(String path) {
            JsonParser parser = parser();
            @Nullable String[] texts = new String[CONTEXT_FIELDS.size()];
            int seen = 0;
            Map<String, String> attributes = Map.of();
            Long deadline = null;
            long attempt = 0;
            TenantContext.Impersonation impersonation = null;
            Map<String, Payload> unknown = Map.of();
            for (int field = nextField(contextNames); field != END; field = nextField(contextNames)) {
                if (field < 0) {
                    unknown = keep(unknown);
                    continue;
                }
                JsonToken token = parser.nextToken();
                String name = CONTEXT_FIELDS.get(field);
                seen = mark(seen, field, path, name);
                switch (field) {
                    case 0, 1, 2 -> texts[field] = text(token, path, name);
                    case 14 -> attributes = strings(token, path + name);
                    case 15 -> deadline = deadline(token, path + name);
                    case 16 -> attempt = integer(token, path, name);
                    case 18 -> impersonation = impersonation(token, path + name);
                    default -> texts[field] = token == JsonToken.VALUE_NULL ? null : text(token, path, name);
                }
            }
            require(seen, CONTEXT_REQUIRED, CONTEXT_FIELDS, path);
            TenantContext.Builder context = TenantContext.builder(
                            java.util.Objects.requireNonNull(texts[0]), agreed(texts, 1, 1, path))
                    .attributes(attributes)
                    .attempt(attempt)
                    .unknownFields(unknown);
            if (texts[3] != null || texts[4] != null) {
                context.team(agreed(texts, 3, 4, path));
            }
            if (texts[5] != null || texts[6] != null) {
                context.user(agreed(texts, 5, 6, path));
            }
            set(texts[7], context::sessionId);
            set(texts[8], context::flowId);
            set(texts[9], context::nodeId);
            set(texts[10], context::providerId);
            set(texts[11], context::traceId);
            set(texts[12], context::i18nId);
            set(texts[13], context::correlationId);
            set(texts[17], context::idempotencyKey);
            if (deadline != null) {
                context.deadlineMillis(deadline);
            }
            if (impersonation != null) {
                context.impersonation(impersonation);
            }
            return context.build();
        }

        private void set(@Nullable String value, java.util.function.Consumer<String> field) {
            if (value != null) {
                field.accept(value);
            }
        }

        /** The value of a pair of fields that must be equal where both are there. */
        private String agreed(@Nullable String[] texts, int first, int preferred, String path) {
            String a = texts[first];
            String b = texts[first + 1];
            if (a != null && b != null && !a.equals(b) && !lenientPairs) {
                throw new EventsException(
                        ErrorCode.TENANT_MISMATCH,
                        "envelope fields " + path + CONTEXT_FIELDS.get(first) + " and " + path
                                + CONTEXT_FIELDS.get(first + 1) + " differ; they must name the same");
            }
            String wanted = preferred == first ? a : b;
            return java.util.Objects.requireNonNull(wanted != null ? wanted : a != null ? a : b);
        }

        private void object(JsonToken token, String path, String rule) {
            if (token != JsonToken.START_OBJECT) {
                throw invalid(path, rule);
            }
        }

        private String text(JsonToken token, String path) {
            return text(token, path, "");
        }

        private String text(JsonToken token, String path, String name) {
            if (token != JsonToken.VALUE_STRING) {
                throw invalid(path + name, "must be a string");
            }
            return parser().getString();
        }

        private @Nullable String optionalText(JsonToken token, String path) {
            return token == JsonToken.VALUE_NULL ? null : text(token, path);
        }

        private Map<String, String> strings(JsonToken token, String path) {
            object(token, path, "must be an object of strings; leave it out or write {} if empty");
            Map<String, String> map = new LinkedHashMap<>(4);
            for (String name = parser().nextName(); name != null; name = parser().nextName()) {
                JsonToken value = parser().nextToken();
                map.put(name, value == JsonToken.VALUE_STRING ? parser().getString() : text(value, path + "." + name));
            }
            return map;
        }

        private long integer(JsonToken token, String path, String name) {
            if (token != JsonToken.VALUE_NUMBER_INT) {
                throw invalid(path + name, "must be an integer");
            }
            if (parser().getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
                throw invalid(path + name, "is beyond 64 bits");
            }
            return parser().getLongValue();
        }

        private @Nullable Long deadline(JsonToken token, String path) {
            if (token == JsonToken.VALUE_NULL) {
                return null;
            }
            object(token, path, "must be {\"unix_millis\": integer}");
            Long millis = null;
            for (String name = parser().nextName(); name != null; name = parser().nextName()) {
                JsonToken value = parser().nextToken();
                if (name.equals("unix_millis")) {
                    millis = integer(value, path, ".unix_millis");
                } else {
                    parser().skipChildren();
                }
            }
            if (millis == null) {
                throw invalid(path, "lacks unix_millis");
            }
            return millis;
        }

        private TenantContext.@Nullable Impersonation impersonation(JsonToken token, String path) {
            if (token == JsonToken.VALUE_NULL) {
                return null;
            }
            object(token, path, "must be {\"actor_id\": string, \"reason\": string}");
            String actor = null;
            String reason = null;
            for (String name = parser().nextName(); name != null; name = parser().nextName()) {
                JsonToken value = parser().nextToken();
                switch (name) {
                    case "actor_id" -> actor = text(value, path + ".actor_id");
                    case "reason" -> reason = optionalText(value, path + ".reason");
                    default -> parser().skipChildren();
                }
            }
            if (actor == null) {
                throw invalid(path, "lacks actor_id");
            }
            return new TenantContext.Impersonation(actor, reason);
        }

        private Marks marks(JsonToken token, String path) {
            object(token, path, "is the fabric's own; leave it out");
            Marks marks = Marks.NONE;
            for (String name = parser().nextName(); name != null; name = parser().nextName()) {
                JsonToken value = parser().nextToken();
                String at = path + "." + name;
                switch (name) {
                    case "priority" -> marks = marks.priority(Priority.of(text(value, at)));
                    case "expires_at" -> marks = marks.expiresAt(Timestamps.parse(text(value, at)));
                    case "deliver_at" -> marks = marks.deliverAt(Timestamps.parse(text(value, at)));
                    case "dead_letter" -> marks = marks.deadLetter(value == JsonToken.VALUE_TRUE);
                    case "hops" -> marks = marks.hops(small(value, at));
                    case "redrive" -> marks = marks.redrive(redrive(value, at));
                    default -> parser().skipChildren();
                }
            }
            return marks;
        }

        private Marks.Redrive redrive(JsonToken token, String path) {
            object(token, path, "is the fabric's own; leave it out");
            String letter = "";
            String group = null;
            int count = 0;
            for (String name = parser().nextName(); name != null; name = parser().nextName()) {
                JsonToken value = parser().nextToken();
                switch (name) {
                    case "letter" -> letter = text(value, path + ".letter");
                    case "group" -> group = optionalText(value, path + ".group");
                    case "count" -> count = small(value, path + ".count");
                    default -> parser().skipChildren();
                }
            }
            return new Marks.Redrive(letter, group, count);
        }

        private int small(JsonToken token, String path) {
            long value = integer(token, path, "");
            if (value < 0 || value > 1_000_000) {
                throw invalid(path, "is out of range");
            }
            return (int) value;
        }

        Map<String, Payload> fields() {
            Map<String, Payload> fields = new LinkedHashMap<>();
            for (String name = parser().nextName(); name != null; name = parser().nextName()) {
                parser().nextToken();
                if (fields.put(name, value()) != null) {
                    throw invalid(name, "stands twice; keep one");
                }
            }
            return fields;
        }

        /** The elements of the array that is the only field. */
        List<Payload> elements() {
            List<Payload> elements = new ArrayList<>();
            parser().nextName();
            parser().nextToken();
            while (parser().nextToken() != JsonToken.END_ARRAY) {
                elements.add(value());
            }
            parser().nextToken();
            return elements;
        }

        /** The field that the parser stands at, as it is. */
        private Map<String, Payload> keep(Map<String, Payload> unknown) {
            Map<String, Payload> more = unknown.isEmpty() ? new LinkedHashMap<>(4) : unknown;
            String name = parser().currentName();
            parser().nextToken();
            more.put(name, value());
            return more;
        }

        /** The current value as bytes; leaves the parser on its last token. */
        private Payload value() {
            JsonParser parser = parser();
            int from = (int) parser.currentTokenLocation().getByteOffset();
            parser.skipChildren();
            parser.finishToken();
            return Payload.parsed(json, from, (int) parser.currentLocation().getByteOffset());
        }
    }
}
