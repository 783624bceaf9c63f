package ai.greentic.events;

import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * An event with everything that travels with it. Unknown fields that were read are kept and written back. {@link #toString()} names the
 * event and never shows payload or metadata.
 */
public final class EventEnvelope {
    /** Metadata key of the ordering key: events of one (tenant, topic, ordering key) keep their publish order. */
    public static final String ORDERING_KEY = "ordering_key";

    /** Metadata key of the caller's duplicate mark. */
    public static final String IDEMPOTENCY_KEY = "idempotency_key";

    /** Type of an event whose publisher named none. */
    public static final String GENERIC_TYPE = "greentic.events.generic";

    /** Source of an event whose publisher named none. */
    public static final String GENERIC_SOURCE = "greentic-events";

    private final EventId id;
    private final TenantTopic address;
    private final String type;
    private final String source;
    private final TenantContext tenant;
    private final @Nullable String subject;
    private final Instant time;
    private final @Nullable String correlationId;
    private final Payload payload;
    private final Map<String, String> metadata;
    private final Map<String, Payload> unknownFields;
    private final Marks marks;
    private final @Nullable String orderingKey;

    private EventEnvelope(Builder builder) {
        this.id = Objects.requireNonNull(
                builder.id, "id: an envelope has an id; EventBus.publish(tenant, topic, payload) makes one");
        this.tenant = builder.tenant;
        this.address = new TenantTopic(builder.tenant.tenant(), builder.topic);
        this.type = builder.type;
        this.source = builder.source;
        this.subject = builder.subject;
        this.time = Objects.requireNonNull(builder.time, "time");
        this.correlationId = builder.correlationId;
        this.payload = builder.payload;
        this.metadata = Sorted.copyOf(builder.metadata);
        this.unknownFields = Sorted.copyOf(builder.unknownFields);
        this.marks = builder.marks;
        this.orderingKey = metadata.get(ORDERING_KEY);
    }

    /** A copy that shares everything but what is given. */
    private EventEnvelope(EventEnvelope original, EventId id, TenantContext tenant, Marks marks) {
        this.id = id;
        this.tenant = tenant;
        this.marks = marks;
        this.address = original.address;
        this.type = original.type;
        this.source = original.source;
        this.subject = original.subject;
        this.time = original.time;
        this.correlationId = original.correlationId;
        this.payload = original.payload;
        this.metadata = original.metadata;
        this.unknownFields = original.unknownFields;
        this.orderingKey = original.orderingKey;
    }

    /** The same event under another id. */
    public EventEnvelope withId(EventId other) {
        return new EventEnvelope(this, other, tenant, marks);
    }

    /** The same event with {@code tenant.attempt} set. */
    public EventEnvelope withAttempt(long attempt) {
        return new EventEnvelope(this, id, tenant.withAttempt(attempt), marks);
    }

    /** The same event with other marks; the engine sets them on publish, whatever the caller wrote. */
    public EventEnvelope withMarks(Marks others) {
        return others.equals(marks) ? this : new EventEnvelope(this, id, tenant, others);
    }

    /** An envelope for a tenant's topic; id and time are required, the rest has defaults. */
    public static Builder builder(TenantContext tenant, Topic topic) {
        return new Builder(tenant, topic);
    }

    /** @see #builder(TenantContext, Topic) */
    public static Builder builder(TenantContext tenant, String topic) {
        return new Builder(tenant, new Topic(topic));
    }

    public Builder toBuilder() {
        Builder copy = new Builder(tenant, address.topic());
        copy.id = id;
        copy.type = type;
        copy.source = source;
        copy.subject = subject;
        copy.time = time;
        copy.correlationId = correlationId;
        copy.payload = payload;
        copy.metadata = metadata;
        copy.unknownFields = unknownFields;
        copy.marks = marks;
        return copy;
    }

    public EventId id() {
        return id;
    }

    public Topic topic() {
        return address.topic();
    }

    /** Tenant and topic together. */
    public TenantTopic address() {
        return address;
    }

    /** What kind of thing happened, by convention reverse-DNS with a version. */
    public String type() {
        return type;
    }

    /** Who says so. A claim of the sender: never an identity to authorise. */
    public String source() {
        return source;
    }

    public TenantContext tenant() {
        return tenant;
    }

    /** What it happened to. */
    public Optional<String> subject() {
        return Optional.ofNullable(subject);
    }

    /** When it happened, by the sender's clock. */
    public Instant time() {
        return time;
    }

    public Optional<String> correlationId() {
        return Optional.ofNullable(correlationId);
    }

    public Payload payload() {
        return payload;
    }

    /** Metadata in code point order; unmodifiable. */
    public Map<String, String> metadata() {
        return metadata;
    }

    /** What must stay in order within (env, tenant, topic); absent means that the event is unordered. */
    public Optional<String> orderingKey() {
        return Optional.ofNullable(orderingKey);
    }

    /** What only the fabric writes on an event. */
    public Marks marks() {
        return marks;
    }

    /** Fields that this version does not know, as they were read; unmodifiable. */
    public Map<String, Payload> unknownFields() {
        return unknownFields;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof EventEnvelope that
                && id.equals(that.id)
                && address.equals(that.address)
                && type.equals(that.type)
                && source.equals(that.source)
                && tenant.equals(that.tenant)
                && Objects.equals(subject, that.subject)
                && time.equals(that.time)
                && Objects.equals(correlationId, that.correlationId)
                && payload.equals(that.payload)
                && metadata.equals(that.metadata)
                && marks.equals(that.marks)
                && unknownFields.equals(that.unknownFields);
    }

    @Override
    public int hashCode() {
        return id.hashCode();
    }

    @Override
    public String toString() {
        return "event " + id + " on " + address;
    }

    /** Collects the fields of an envelope. Not thread-safe. */
    public static final class Builder {
        private TenantContext tenant;
        private Topic topic;
        private @Nullable EventId id;
        private String type = GENERIC_TYPE;
        private String source = GENERIC_SOURCE;
        private @Nullable String subject;
        private @Nullable Instant time;
        private @Nullable String correlationId;
        private Payload payload = Payload.NULL;
        private Map<String, String> metadata = Map.of();
        private Map<String, Payload> unknownFields = Map.of();
        private Marks marks = Marks.NONE;

        private Builder(TenantContext tenant, Topic topic) {
            this.tenant = Objects.requireNonNull(tenant, "tenant");
            this.topic = Objects.requireNonNull(topic, "topic");
        }

        public Builder tenant(TenantContext value) {
            this.tenant = Objects.requireNonNull(value, "tenant");
            return this;
        }

        public Builder topic(Topic value) {
            this.topic = Objects.requireNonNull(value, "topic");
            return this;
        }

        public Builder id(String value) {
            return id(new EventId(value));
        }

        public Builder id(EventId value) {
            this.id = value;
            return this;
        }

        public Builder type(String value) {
            this.type = Objects.requireNonNull(value, "type");
            return this;
        }

        public Builder source(String value) {
            this.source = Objects.requireNonNull(value, "source");
            return this;
        }

        public Builder subject(String value) {
            this.subject = value;
            return this;
        }

        public Builder time(Instant value) {
            this.time = value;
            return this;
        }

        public Builder correlationId(String value) {
            this.correlationId = value;
            return this;
        }

        public Builder payload(Payload value) {
            this.payload = Objects.requireNonNull(value, "payload");
            return this;
        }

        /** Replaces all metadata. */
        public Builder metadata(Map<String, String> values) {
            this.metadata = values;
            return this;
        }

        /** Adds or replaces one metadata entry. */
        public Builder metadata(String key, String value) {
            Map<String, String> more = new TreeMap<>(metadata);
            more.put(key, value);
            this.metadata = more;
            return this;
        }

        /** Events of one key keep their publish order within (env, tenant, topic). At most 256 bytes of UTF-8. */
        public Builder orderingKey(String key) {
            return metadata(ORDERING_KEY, key);
        }

        /** Marks repetitions of one publish, within (env, tenant, topic). */
        public Builder idempotencyKey(String key) {
            return metadata(IDEMPOTENCY_KEY, key);
        }

        /** Fields outside the known ones; written after them. */
        public Builder unknownFields(Map<String, Payload> fields) {
            this.unknownFields = fields;
            return this;
        }

        /** For codecs; a publish sets them anew. */
        public Builder marks(Marks value) {
            this.marks = Objects.requireNonNull(value, "marks");
            return this;
        }

        public EventEnvelope build() {
            return new EventEnvelope(this);
        }
    }
}
