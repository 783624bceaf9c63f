package ai.greentic.events.runner;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.Priority;
import ai.greentic.events.TenantContext;
import ai.greentic.events.Topic;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.PublishOptions;
import ai.greentic.events.codec.EnvelopeCodec;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the operation {@code publish} is asked, as the schema {@code ops/publish/input} describes it: a topic, an event of which only the
 * payload is required, and options. Every problem is told at once. Payload bytes, {@code meta} and unknown fields of the event are kept.
 * Immutable.
 */
public final class PublishInput {
    private static final Set<String> KNOWN = Set.of("topic", "event", "options");
    private static final Set<String> OPTIONS = Set.of("dedupe_key", "ttl_seconds", "priority");
    private static final Set<String> EVENT = Set.of(
            "id",
            "topic",
            "type",
            "source",
            "subject",
            "ts",
            "time",
            "correlation_id",
            "payload",
            "metadata",
            "tenant");
    private static final List<String> TENANT_TEXTS = List.of(
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
            "correlation_id",
            "idempotency_key");
    private static final int MAX_KEY_BYTES = 256;

    private final String topic;
    private final @Nullable String id;
    private final @Nullable String type;
    private final @Nullable String source;
    private final @Nullable String subject;
    private final @Nullable String correlationId;
    private final @Nullable Instant time;
    private final Payload payload;
    private final Map<String, String> metadata;
    private final Map<String, Payload> others;
    private final @Nullable TenantContext tenant;
    private final @Nullable String metaTenant;
    private final PublishOptions options;

    private PublishInput(Form input, List<String> problems) {
        input.close(KNOWN);
        input.require("topic");
        input.require("event");
        this.topic = topic(input);
        Form event = input.form("event");
        if (input.has("event")) {
            event.require("payload");
        }
        String own = event.text("topic");
        if (own != null && !own.equals(topic)) {
            event.problem("topic", "is '" + own + "', the input's is '" + topic + "'; leave it out of the event");
        }
        this.id = id(event);
        this.type = event.text("type");
        this.source = event.text("source");
        this.subject = event.text("subject");
        this.correlationId = event.text("correlation_id");
        Instant ts = event.time("ts");
        Instant at = event.time("time");
        if (ts != null && at != null && !ts.equals(at)) {
            event.problem("time", "is another instant than ts; they are two names of one");
        }
        this.time = ts != null ? ts : at;
        this.payload = Objects.requireNonNullElse(event.value("payload"), Payload.NULL);
        this.metadata = event.texts("metadata");
        this.others = event.others(EVENT);
        Form meta = event.form("meta");
        this.metaTenant = meta.text("tenant");
        meta.checkTexts("tags");
        this.tenant = tenant(event);
        if (tenant != null
                && metaTenant != null
                && !metaTenant.equals(tenant.tenant().name())) {
            meta.problem("tenant", "is '" + metaTenant + "', event.tenant is of " + tenant.tenant());
        }
        this.options = options(input);
        Form.refuse(problems, "the input of publish");
    }

    /**
     * Reads a request.
     *
     * @throws EventsException {@code INVALID_ENVELOPE} with every problem; {@code CORRUPT_EVENT} if it is no JSON object
     */
    public static PublishInput parse(byte[] json) {
        List<String> problems = Form.none();
        return new PublishInput(Form.root(json, "the input of publish", problems), problems);
    }

    private static String topic(Form input) {
        String text = input.text("topic");
        if (text == null) {
            return "";
        }
        if (text.indexOf('*') >= 0 || text.indexOf('?') >= 0) {
            input.problem("topic", "is '" + text + "'; an event has one topic, without wildcards");
        } else if (!conventional(text)) {
            input.problem(
                    "topic",
                    "is '" + text
                            + "'; it must be segments of letters, digits, '_' and '-' joined by dots, such as orders.created");
        }
        return text;
    }

    private static boolean conventional(String text) {
        try {
            return new Topic(text).conventional();
        } catch (EventsException e) {
            return false;
        }
    }

    private static @Nullable String id(Form event) {
        String id = event.text("id");
        if (id != null && !id.matches("[A-Za-z0-9._-]+")) {
            event.problem("id", "is '" + id + "'; it has only letters, digits, '.', '_' and '-'");
            return null;
        }
        return id;
    }

    private static @Nullable TenantContext tenant(Form event) {
        if (!event.has("tenant")) {
            return null;
        }
        Form tenant = event.form("tenant");
        List.of("env", "tenant", "tenant_id", "attempt").forEach(tenant::require);
        TENANT_TEXTS.forEach(name -> {
            String unused = tenant.text(name);
        });
        Long unusedAttempt = tenant.number("attempt", 0);
        Map<String, String> unusedAttributes = tenant.texts("attributes");
        Form unusedImpersonation = tenant.form("impersonation");
        if (tenant.has("deadline")) {
            Form deadline = tenant.form("deadline");
            deadline.close(Set.of("unix_millis"));
            deadline.require("unix_millis");
            Long unusedMillis = deadline.number("unix_millis", 0);
        }
        try {
            return EnvelopeCodec.STANDARD.decodeContext(
                    Objects.requireNonNull(event.value("tenant")).toBytes());
        } catch (EventsException e) {
            // What the schema says was told above; this is what it cannot say, such as ids that are too long.
            event.problem("tenant", "cannot be used: " + e.getMessage());
            return null;
        }
    }

    private PublishOptions options(Form input) {
        Form form = input.form("options");
        form.close(OPTIONS);
        PublishOptions options = PublishOptions.NONE;
        String key = form.text("dedupe_key");
        if (key != null) {
            if (key.getBytes(StandardCharsets.UTF_8).length > MAX_KEY_BYTES) {
                form.problem("dedupe_key", "has more than " + MAX_KEY_BYTES + " bytes");
            }
            String own = metadata.get(EventEnvelope.IDEMPOTENCY_KEY);
            if (own != null && !own.equals(key)) {
                form.problem("dedupe_key", "is another key than event.metadata.idempotency_key; name one");
            }
            options = options.idempotencyKey(key);
        }
        Long ttl = form.number("ttl_seconds", 0);
        if (ttl != null) {
            options = options.ttl(Duration.ofSeconds(Math.min(ttl, Integer.MAX_VALUE)));
        }
        String priority = form.word("priority", List.of("low", "normal", "high"));
        return priority == null ? options : options.priority(Priority.of(priority));
    }

    /** The topic, of the input and of the event. */
    public Topic topic() {
        return new Topic(topic);
    }

    /** Whose the event says that it is, if it says so in full. */
    public Optional<TenantContext> tenant() {
        return Optional.ofNullable(tenant);
    }

    /** Time to live, priority and idempotency key, for {@code EventBus.publish}. */
    public PublishOptions options() {
        return options;
    }

    /**
     * The event, of a context that the host knows: what the input says of its tenant must agree with it. Where the input has no id, type,
     * source or time, it has those that a bus gives.
     *
     * @throws EventsException {@code TENANT_MISMATCH} if it does not
     */
    public EventEnvelope toEvent(EventBus bus, TenantContext context) {
        String claimed = tenant != null ? tenant.tenant().toString() : metaTenant;
        boolean agrees = tenant != null
                ? tenant.tenant().equals(context.tenant())
                : metaTenant == null || metaTenant.equals(context.tenant().name());
        if (!agrees) {
            throw new EventsException(
                    ErrorCode.TENANT_MISMATCH,
                    "the input of publish is of " + claimed + ", its caller is of " + context.tenant()
                            + "; an event is its caller's");
        }
        EventEnvelope.Builder event = bus.newEvent(tenant != null ? tenant : context, topic)
                .payload(payload)
                .metadata(metadata)
                .unknownFields(new LinkedHashMap<>(others));
        if (type != null) {
            event.type(type);
        }
        if (source != null) {
            event.source(source);
        }
        if (id != null) {
            event.id(id);
        }
        if (subject != null) {
            event.subject(subject);
        }
        if (correlationId != null) {
            event.correlationId(correlationId);
        }
        if (time != null) {
            event.time(time);
        }
        return event.build();
    }

    /** Topic, and whose it is; never the payload. */
    @Override
    public String toString() {
        return "publish to " + topic + (tenant == null ? "" : " of " + tenant.tenant());
    }
}
