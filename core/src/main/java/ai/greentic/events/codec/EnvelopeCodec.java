package ai.greentic.events.codec;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Marks;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import java.util.Map;

/**
 * The Greentic JSON form of an envelope: struct keys in declaration order, map keys in code point order, absent fields left out,
 * {@code metadata} and {@code attempt} always there. The payload's bytes are spliced in as they are. Unknown fields follow the known
 * ones. Immutable and thread-safe.
 */
public final class EnvelopeCodec {
    /** Largest encoded event by default: 1 MiB. */
    public static final int DEFAULT_MAX_BYTES = 1 << 20;

    /** Deepest payload by default, in levels. */
    public static final int DEFAULT_MAX_DEPTH = 126;

    /** Every tenant pair must agree; the default limits. */
    public static final EnvelopeCodec STANDARD = new EnvelopeCodec(DEFAULT_MAX_BYTES, DEFAULT_MAX_DEPTH, false);

    /** An upper bound for everything in an envelope that is neither text nor payload. */
    private static final int SKELETON = 640;

    /** An upper bound for the marks of an event: two times, an id and a group's name, each at most 256 characters. */
    private static final int MOST_MARKS = 4096;

    private final int maxBytes;
    private final boolean lenientPairs;
    private final EnvelopeReader reader;

    /**
     * @param maxBytes largest encoded event
     * @param maxDepth deepest payload, in levels, at most 126 for upstream's readers
     * @param lenientPairs whether {@code tenant} and {@code tenant_id} (likewise team and user) may differ; the first of each pair then
     *     wins for the tenant, the second for team and user, as upstream's readers have it
     */
    public EnvelopeCodec(int maxBytes, int maxDepth, boolean lenientPairs) {
        if (maxBytes < 1024 || maxDepth < 1) {
            throw new IllegalArgumentException("maxBytes must be at least 1024 and maxDepth at least 1");
        }
        this.maxBytes = maxBytes;
        this.lenientPairs = lenientPairs;
        this.reader = new EnvelopeReader(maxBytes, maxDepth, lenientPairs);
    }

    public int maxBytes() {
        return maxBytes;
    }

    public boolean lenientPairs() {
        return lenientPairs;
    }

    /** Refuses an event whose encoded form is too large, without encoding one that is clearly small enough. */
    public void checkSize(EventEnvelope event) {
        if (upperBound(event) > maxBytes) {
            encode(event);
        }
    }

    /**
     * The envelope as UTF-8 bytes.
     *
     * @throws EventsException {@code EVENT_TOO_LARGE} beyond the limit
     */
    public byte[] encode(EventEnvelope event) {
        return encode(event, event.payload());
    }

    /** As {@link #encode}, with the payload in its canonical form: one line, no spaces, keys sorted; what upstream would write. */
    public byte[] encodeCanonical(EventEnvelope event) {
        return encode(event, event.payload().canonical());
    }

    private byte[] encode(EventEnvelope event, Payload payload) {
        JsonBuffer out = new JsonBuffer(SKELETON + payload.size());
        out.raw("{\"id\":").string(event.id().value());
        out.raw(",\"topic\":").string(event.topic().value());
        out.raw(",\"type\":").string(event.type());
        out.raw(",\"source\":").string(event.source());
        out.raw(",\"tenant\":");
        writeContext(out, event.tenant());
        out.optional(",\"subject\":", event.subject().orElse(null));
        out.raw(",\"time\":").time(event.time());
        out.optional(",\"correlation_id\":", event.correlationId().orElse(null));
        out.raw(",\"payload\":").payload(payload);
        out.raw(",\"metadata\":").stringMap(event.metadata());
        out.fields(event.unknownFields());
        if (event.marks() != Marks.NONE) {
            writeMarks(out.raw(",\"fabric\":"), event.marks());
        }
        out.raw("}");
        byte[] encoded = out.toBytes();
        if (encoded.length > maxBytes) {
            throw tooLarge(event + " has " + encoded.length, maxBytes);
        }
        return encoded;
    }

    /** The marks alone, as they stand inside an envelope. */
    static byte[] encodeMarks(Marks marks) {
        JsonBuffer out = new JsonBuffer(256);
        writeMarks(out, marks);
        return out.toBytes();
    }

    /** What the fabric writes on an event, as a last object that readers which do not know it pass over. */
    private static void writeMarks(JsonBuffer out, Marks marks) {
        out.raw("{\"priority\":").string(marks.priority().name().toLowerCase(java.util.Locale.ROOT));
        marks.expiresAt().ifPresent(time -> out.raw(",\"expires_at\":").time(time));
        marks.deliverAt().ifPresent(time -> out.raw(",\"deliver_at\":").time(time));
        if (marks.deadLetter()) {
            out.raw(",\"dead_letter\":true");
        }
        if (marks.hops() > 0) {
            out.raw(",\"hops\":").number(marks.hops());
        }
        marks.redrive().ifPresent(redrive -> {
            out.raw(",\"redrive\":{\"letter\":").string(redrive.letter());
            out.optional(",\"group\":", redrive.group());
            out.raw(",\"count\":").number(redrive.count()).raw("}");
        });
        out.raw("}");
    }

    static EventsException tooLarge(String what, int maxBytes) {
        return new EventsException(
                ErrorCode.EVENT_TOO_LARGE,
                what + " bytes; at most " + maxBytes
                        + " are allowed: send a reference to the data instead, or raise the limit (EventBusBuilder.codec)");
    }

    /** The context as UTF-8 bytes, as it stands inside an envelope. */
    public byte[] encodeContext(TenantContext context) {
        JsonBuffer out = new JsonBuffer(SKELETON);
        writeContext(out, context);
        return out.toBytes();
    }

    private static void writeContext(JsonBuffer out, TenantContext context) {
        String tenant = context.tenant().name();
        out.raw("{\"env\":").string(context.env());
        out.raw(",\"tenant\":").string(tenant).raw(",\"tenant_id\":").string(tenant);
        String team = context.team().orElse(null);
        out.optional(",\"team\":", team);
        out.optional(",\"team_id\":", team);
        String user = context.user().orElse(null);
        out.optional(",\"user\":", user);
        out.optional(",\"user_id\":", user);
        out.optional(",\"session_id\":", context.sessionId().orElse(null));
        out.optional(",\"flow_id\":", context.flowId().orElse(null));
        out.optional(",\"node_id\":", context.nodeId().orElse(null));
        out.optional(",\"provider_id\":", context.providerId().orElse(null));
        out.optional(",\"trace_id\":", context.traceId().orElse(null));
        out.optional(",\"i18n_id\":", context.i18nId().orElse(null));
        out.optional(",\"correlation_id\":", context.correlationId().orElse(null));
        if (!context.attributes().isEmpty()) {
            out.raw(",\"attributes\":").stringMap(context.attributes());
        }
        context.deadline()
                .ifPresent(time -> out.raw(",\"deadline\":{\"unix_millis\":")
                        .number(time.toEpochMilli())
                        .raw("}"));
        out.raw(",\"attempt\":").number(context.attempt());
        out.optional(",\"idempotency_key\":", context.idempotencyKey().orElse(null));
        context.impersonation().ifPresent(who -> {
            out.raw(",\"impersonation\":{\"actor_id\":").string(who.actorId());
            out.optional(",\"reason\":", who.reason());
            out.raw("}");
        });
        out.fields(context.unknownFields());
        out.raw("}");
    }

    /**
     * Reads an envelope. Refuses a missing or repeated known field, a wrong type, half a surrogate pair, text after the document, a
     * tenant pair that disagrees, and more than the limits allow.
     *
     * @throws EventsException of kind {@code INVALID} that names the field
     */
    public EventEnvelope decode(byte[] json) {
        return reader.envelope(json);
    }

    /** Reads a context alone, by the rules of {@link #decode}. */
    public TenantContext decodeContext(byte[] json) {
        return reader.context(json);
    }

    /** At least the encoded length: every character may need six bytes. */
    private static long upperBound(EventEnvelope event) {
        TenantContext context = event.tenant();
        long characters = event.id().value().length()
                + event.topic().value().length()
                + event.type().length()
                + event.source().length()
                + length(event.subject())
                + length(event.correlationId())
                + length(event.metadata())
                + context.env().length()
                + context.tenant().name().length() * 2L
                + length(context.team()) * 2L
                + length(context.user()) * 2L
                + length(context.sessionId())
                + length(context.flowId())
                + length(context.nodeId())
                + length(context.providerId())
                + length(context.traceId())
                + length(context.i18nId())
                + length(context.correlationId())
                + length(context.attributes())
                + length(context.idempotencyKey())
                + context.impersonation()
                        .map(who -> who.actorId().length()
                                + (who.reason() == null ? 0 : who.reason().length()))
                        .orElse(0);
        return SKELETON
                + event.payload().size()
                + 6 * characters
                + size(event.unknownFields())
                + (event.marks() == Marks.NONE ? 0 : MOST_MARKS)
                + size(context.unknownFields());
    }

    private static int length(java.util.Optional<String> text) {
        return text.isPresent() ? text.get().length() : 0;
    }

    private static long length(Map<String, String> map) {
        long total = 0;
        for (Map.Entry<String, String> entry : map.entrySet()) {
            total += entry.getKey().length() + entry.getValue().length() + 6;
        }
        return total;
    }

    private static long size(Map<String, Payload> fields) {
        long total = 0;
        for (Map.Entry<String, Payload> entry : fields.entrySet()) {
            total += entry.getKey().length() * 6L + entry.getValue().size() + 6;
        }
        return total;
    }
}
