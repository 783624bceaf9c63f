package ai.greentic.events.codec;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Marks;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.Topic;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * CloudEvents 1.0, both ways and without loss: the structured JSON form, and attributes for the binary form, whose body is the payload.
 *
 * <table>
 * <caption>Mapping</caption>
 * <tr><td>{@code id source type subject time data}</td><td>the envelope's own</td></tr>
 * <tr><td>{@code partitionkey}</td><td>{@code metadata.ordering_key}</td></tr>
 * <tr><td>{@code traceparent tracestate}</td><td>metadata of those names</td></tr>
 * <tr><td>{@code correlationid}</td><td>{@code correlation_id}</td></tr>
 * <tr><td>{@code greentictopic greenticenv greentictenant}</td><td>the address</td></tr>
 * <tr><td>{@code greenticcontext}</td><td>the rest of the tenant context, as JSON text</td></tr>
 * <tr><td>{@code greenticmetadata greenticfields}</td><td>other metadata, unknown envelope fields, as JSON text</td></tr>
 * <tr><td>{@code greenticfabric}</td><td>the marks of the fabric, as JSON text</td></tr>
 * <tr><td>any other attribute {@code x}</td><td>{@code metadata.ce_x}</td></tr>
 * </table>
 */
public final class CloudEvents {
    private static final String FOREIGN = "ce_";
    private static final String DATA = "data";
    private static final String TOPIC = "greentictopic";
    private static final String ENV = "greenticenv";
    private static final String TENANT = "greentictenant";
    private static final String CONTEXT = "greenticcontext";
    private static final String METADATA = "greenticmetadata";
    private static final String FIELDS = "greenticfields";
    private static final String FABRIC = "greenticfabric";
    private static final Map<String, String> METADATA_ATTRIBUTES = Map.of(
            EventEnvelope.ORDERING_KEY, "partitionkey", "traceparent", "traceparent", "tracestate", "tracestate");

    private final EnvelopeCodec codec;
    private final EnvelopeReader reader;

    /** With the limits of a codec. */
    public CloudEvents(EnvelopeCodec codec) {
        this.codec = codec;
        this.reader = new EnvelopeReader(codec.maxBytes() * 2, EnvelopeCodec.DEFAULT_MAX_DEPTH, codec.lenientPairs());
    }

    /** The event in the structured JSON form ({@code application/cloudevents+json}). */
    public byte[] encode(EventEnvelope event) {
        JsonBuffer out = new JsonBuffer(1024 + event.payload().size());
        String separator = "{";
        for (Map.Entry<String, String> attribute : attributes(event).entrySet()) {
            out.raw(separator).string(attribute.getKey()).raw(":").string(attribute.getValue());
            separator = ",";
        }
        return out.raw(",\"data\":").payload(event.payload()).raw("}").toBytes();
    }

    /** The attributes of the binary form, {@code specversion} first; the body is the payload's bytes. */
    public Map<String, String> attributes(EventEnvelope event) {
        Map<String, String> attributes = new LinkedHashMap<>();
        attributes.put("specversion", "1.0");
        attributes.put("id", event.id().value());
        attributes.put("source", event.source());
        attributes.put("type", event.type());
        event.subject().ifPresent(subject -> attributes.put("subject", subject));
        attributes.put("time", Timestamps.format(event.time()));
        attributes.put("datacontenttype", "application/json");
        event.correlationId().ifPresent(id -> attributes.put("correlationid", id));
        TenantContext tenant = event.tenant();
        attributes.put(TOPIC, event.topic().value());
        attributes.put(ENV, tenant.env());
        attributes.put(TENANT, tenant.tenant().name());
        if (!tenant.equals(TenantContext.of(tenant.tenant()))) {
            attributes.put(CONTEXT, new String(codec.encodeContext(tenant), StandardCharsets.UTF_8));
        }
        Map<String, String> rest = new TreeMap<>();
        event.metadata().forEach((key, value) -> {
            String attribute = METADATA_ATTRIBUTES.get(key);
            if (attribute == null && key.matches(FOREIGN + "[a-z0-9]{1,60}")) {
                attribute = key.substring(FOREIGN.length());
            }
            if (attribute == null || attributes.putIfAbsent(attribute, value) != null) {
                rest.put(key, value);
            }
        });
        if (!rest.isEmpty()) {
            attributes.put(METADATA, Payload.of(rest).json());
        }
        if (event.marks() != Marks.NONE) {
            attributes.put(FABRIC, new String(EnvelopeCodec.encodeMarks(event.marks()), StandardCharsets.UTF_8));
        }
        if (!event.unknownFields().isEmpty()) {
            attributes.put(FIELDS, Payload.of(event.unknownFields()).json());
        }
        return attributes;
    }

    /** Reads the structured form of an event that carries its own address. */
    public EventEnvelope decode(byte[] json) {
        return structured(json, Optional.empty(), Optional.empty());
    }

    /**
     * Reads the structured form of an event whose tenant and topic the host knows; one that claims another address is refused.
     *
     * @throws EventsException {@code TENANT_MISMATCH} if it claims another tenant or topic
     */
    public EventEnvelope decode(byte[] json, TenantContext tenant, Topic topic) {
        return structured(json, Optional.of(tenant), Optional.of(topic));
    }

    private EventEnvelope structured(byte[] json, Optional<TenantContext> tenant, Optional<Topic> topic) {
        Map<String, Payload> fields = reader.fields(json);
        if (fields.containsKey("data_base64")) {
            throw invalid("data_base64", "binary data is not supported; send JSON in data");
        }
        Payload data = fields.getOrDefault(DATA, Payload.NULL);
        Map<String, String> attributes = new LinkedHashMap<>();
        fields.forEach((name, value) -> {
            String text = value.json();
            if (!name.equals(DATA) && !text.equals("null")) {
                attributes.put(name, text.startsWith("\"") ? value.as(String.class) : text);
            }
        });
        return event(attributes, data, tenant, topic);
    }

    /** Reads the binary form of an event that carries its own address. */
    public EventEnvelope decode(Map<String, String> attributes, byte[] body) {
        return event(
                attributes, body.length == 0 ? Payload.NULL : Payload.json(body), Optional.empty(), Optional.empty());
    }

    /** Reads the binary form of an event whose tenant and topic the host knows; errors as for the structured form. */
    public EventEnvelope decode(Map<String, String> attributes, byte[] body, TenantContext tenant, Topic topic) {
        Payload data = body.length == 0 ? Payload.NULL : Payload.json(body);
        return event(attributes, data, Optional.of(tenant), Optional.of(topic));
    }

    private EventEnvelope event(
            Map<String, String> given, Payload data, Optional<TenantContext> tenant, Optional<Topic> topic) {
        Map<String, String> attributes = new LinkedHashMap<>(given);
        String version = take(attributes, "specversion");
        if (!version.equals("1.0")) {
            throw invalid("specversion", "is " + version + "; only 1.0 is known");
        }
        String type = Optional.ofNullable(attributes.remove("datacontenttype")).orElse("application/json");
        if (!type.matches("(?i)[a-z]+/([a-z0-9.+-]+\\+)?json(;.*)?")) {
            throw invalid("datacontenttype", "is " + type + "; only JSON is supported");
        }
        Topic claimedTopic =
                Optional.ofNullable(attributes.remove(TOPIC)).map(Topic::new).orElse(null);
        TenantContext context = context(attributes, tenant);
        Topic address = topic.or(() -> Optional.ofNullable(claimedTopic))
                .orElseThrow(() -> invalid(TOPIC, "is missing; name the topic"));
        if (claimedTopic != null && !claimedTopic.equals(address)) {
            throw new EventsException(
                    ErrorCode.TENANT_MISMATCH,
                    "the CloudEvent claims topic " + claimedTopic + ", but came in on " + address);
        }
        EventEnvelope.Builder event = EventEnvelope.builder(context, address)
                .id(take(attributes, "id"))
                .source(take(attributes, "source"))
                .type(take(attributes, "type"))
                .time(Optional.ofNullable(attributes.remove("time"))
                        .map(Timestamps::parse)
                        .orElseThrow(() -> invalid("time", "is missing; an event says when it happened")))
                .payload(data);
        Optional.ofNullable(attributes.remove("subject")).ifPresent(event::subject);
        Optional.ofNullable(attributes.remove("correlationid")).ifPresent(event::correlationId);
        Map<String, String> metadata = new LinkedHashMap<>();
        Optional.ofNullable(attributes.remove(METADATA))
                .ifPresent(text -> reader.fields(text.getBytes(StandardCharsets.UTF_8))
                        .forEach((key, value) -> metadata.put(key, value.as(String.class))));
        Optional.ofNullable(attributes.remove(FIELDS))
                .ifPresent(text -> event.unknownFields(reader.fields(text.getBytes(StandardCharsets.UTF_8))));
        Optional.ofNullable(attributes.remove(FABRIC))
                .ifPresent(text -> event.marks(reader.marks(text.getBytes(StandardCharsets.UTF_8))));
        METADATA_ATTRIBUTES.forEach((key, attribute) ->
                Optional.ofNullable(attributes.remove(attribute)).ifPresent(value -> metadata.put(key, value)));
        attributes.forEach((name, value) -> metadata.put(FOREIGN + name, value));
        return event.metadata(metadata).build();
    }

    /** The context that the event carries, which must agree with the host's, if the host has one; the host's wins. */
    private TenantContext context(Map<String, String> attributes, Optional<TenantContext> known) {
        String env = attributes.remove(ENV);
        String name = attributes.remove(TENANT);
        String full = attributes.remove(CONTEXT);
        TenantContext claimed = full != null
                ? codec.decodeContext(full.getBytes(StandardCharsets.UTF_8))
                : env != null && name != null ? TenantContext.of(env, name) : null;
        boolean agree = claimed == null
                || (env == null || claimed.env().equals(env))
                        && (name == null || claimed.tenant().name().equals(name));
        TenantContext context = known.or(() -> Optional.ofNullable(claimed))
                .orElseThrow(() -> invalid(ENV + " and " + TENANT, "are missing; name environment and tenant"));
        if (!agree || claimed != null && !claimed.tenant().equals(context.tenant())) {
            throw new EventsException(
                    ErrorCode.TENANT_MISMATCH,
                    "the CloudEvent claims tenant " + (claimed == null ? name : claimed.tenant()) + ", but belongs to "
                            + context.tenant());
        }
        return context;
    }

    private static String take(Map<String, String> attributes, String name) {
        String value = attributes.remove(name);
        if (value == null || value.isEmpty()) {
            throw invalid(name, "is missing");
        }
        return value;
    }

    private static EventsException invalid(String attribute, String problem) {
        return new EventsException(ErrorCode.INVALID_ENVELOPE, "CloudEvents attribute " + attribute + ": " + problem);
    }
}
