package ai.greentic.events;

import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whose event it is and in what context it arose. Environment and tenant are the address; team and user authorise; the rest is carried
 * along. Unknown fields that were read are kept and written back.
 */
public final class TenantContext implements TenantScope {
    private static final long MAX_ATTEMPT = 0xffff_ffffL;

    private final Tenant tenant;
    private final @Nullable String team;
    private final @Nullable String user;
    private final @Nullable String sessionId;
    private final @Nullable String flowId;
    private final @Nullable String nodeId;
    private final @Nullable String providerId;
    private final @Nullable String traceId;
    private final @Nullable String i18nId;
    private final @Nullable String correlationId;
    private final Map<String, String> attributes;
    private final @Nullable Long deadlineMillis;
    private final long attempt;
    private final @Nullable String idempotencyKey;
    private final @Nullable Impersonation impersonation;
    private final Map<String, Payload> unknownFields;

    /**
     * Someone acting for someone else.
     *
     * @param actorId who really acts, an identifier
     * @param reason why, in words
     */
    public record Impersonation(String actorId, @Nullable String reason) {
        public Impersonation {
            Text.identifier("impersonation actor id", actorId);
        }
    }

    private TenantContext(Builder builder) {
        this.tenant = builder.tenant;
        this.team = builder.team;
        this.user = builder.user;
        this.sessionId = builder.sessionId;
        this.flowId = builder.flowId;
        this.nodeId = builder.nodeId;
        this.providerId = builder.providerId;
        this.traceId = builder.traceId;
        this.i18nId = builder.i18nId;
        this.correlationId = builder.correlationId;
        this.attributes = Sorted.copyOf(builder.attributes);
        this.deadlineMillis = builder.deadlineMillis;
        this.attempt = builder.attempt;
        this.idempotencyKey = builder.idempotencyKey;
        this.impersonation = builder.impersonation;
        this.unknownFields = Sorted.copyOf(builder.unknownFields);
    }

    private TenantContext(TenantContext original, long attempt) {
        this.tenant = original.tenant;
        this.team = original.team;
        this.user = original.user;
        this.sessionId = original.sessionId;
        this.flowId = original.flowId;
        this.nodeId = original.nodeId;
        this.providerId = original.providerId;
        this.traceId = original.traceId;
        this.i18nId = original.i18nId;
        this.correlationId = original.correlationId;
        this.attributes = original.attributes;
        this.deadlineMillis = original.deadlineMillis;
        this.idempotencyKey = original.idempotencyKey;
        this.impersonation = original.impersonation;
        this.unknownFields = original.unknownFields;
        this.attempt = attempt;
    }

    /** The same context at another attempt. */
    public TenantContext withAttempt(long number) {
        return number == attempt ? this : new TenantContext(this, Builder.checkedAttempt(number));
    }

    /** A context with nothing but its address. */
    public static TenantContext of(String env, String tenant) {
        return builder(env, tenant).build();
    }

    public static TenantContext of(Tenant tenant) {
        return new Builder(tenant).build();
    }

    public static Builder builder(String env, String tenant) {
        return new Builder(new Tenant(env, tenant));
    }

    public Builder toBuilder() {
        Builder copy = new Builder(tenant);
        copy.team = team;
        copy.user = user;
        copy.sessionId = sessionId;
        copy.flowId = flowId;
        copy.nodeId = nodeId;
        copy.providerId = providerId;
        copy.traceId = traceId;
        copy.i18nId = i18nId;
        copy.correlationId = correlationId;
        copy.attributes = attributes;
        copy.deadlineMillis = deadlineMillis;
        copy.attempt = attempt;
        copy.idempotencyKey = idempotencyKey;
        copy.impersonation = impersonation;
        copy.unknownFields = unknownFields;
        return copy;
    }

    /** The address: environment and tenant. */
    public Tenant tenant() {
        return tenant;
    }

    @Override
    public String env() {
        return tenant.env();
    }

    @Override
    public boolean includes(Tenant other) {
        return tenant.equals(other);
    }

    public Optional<String> team() {
        return Optional.ofNullable(team);
    }

    public Optional<String> user() {
        return Optional.ofNullable(user);
    }

    public Optional<String> sessionId() {
        return Optional.ofNullable(sessionId);
    }

    public Optional<String> flowId() {
        return Optional.ofNullable(flowId);
    }

    public Optional<String> nodeId() {
        return Optional.ofNullable(nodeId);
    }

    public Optional<String> providerId() {
        return Optional.ofNullable(providerId);
    }

    public Optional<String> traceId() {
        return Optional.ofNullable(traceId);
    }

    public Optional<String> i18nId() {
        return Optional.ofNullable(i18nId);
    }

    public Optional<String> correlationId() {
        return Optional.ofNullable(correlationId);
    }

    /** Free attributes in code point order; unmodifiable. */
    public Map<String, String> attributes() {
        return attributes;
    }

    /** When the work on this event stops being useful; a publish does not wait beyond it. */
    public Optional<Instant> deadline() {
        return deadlineMillis == null ? Optional.empty() : Optional.of(Instant.ofEpochMilli(deadlineMillis));
    }

    /** Attempts so far: 0 on publish, 1 or more on a delivery; at most 2^32 - 1. */
    public long attempt() {
        return attempt;
    }

    public Optional<String> idempotencyKey() {
        return Optional.ofNullable(idempotencyKey);
    }

    public Optional<Impersonation> impersonation() {
        return Optional.ofNullable(impersonation);
    }

    /** Fields that this version does not know, as they were read; unmodifiable. */
    public Map<String, Payload> unknownFields() {
        return unknownFields;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TenantContext that
                && tenant.equals(that.tenant)
                && attempt == that.attempt
                && Objects.equals(team, that.team)
                && Objects.equals(user, that.user)
                && Objects.equals(sessionId, that.sessionId)
                && Objects.equals(flowId, that.flowId)
                && Objects.equals(nodeId, that.nodeId)
                && Objects.equals(providerId, that.providerId)
                && Objects.equals(traceId, that.traceId)
                && Objects.equals(i18nId, that.i18nId)
                && Objects.equals(correlationId, that.correlationId)
                && Objects.equals(deadlineMillis, that.deadlineMillis)
                && Objects.equals(idempotencyKey, that.idempotencyKey)
                && Objects.equals(impersonation, that.impersonation)
                && attributes.equals(that.attributes)
                && unknownFields.equals(that.unknownFields);
    }

    @Override
    public int hashCode() {
        return Objects.hash(tenant, team, user, sessionId, flowId, nodeId, correlationId, attributes, attempt);
    }

    @Override
    public String toString() {
        return tenant.toString();
    }

    /** Collects the fields of a context. Not thread-safe. */
    public static final class Builder {
        private final Tenant tenant;
        private @Nullable String team;
        private @Nullable String user;
        private @Nullable String sessionId;
        private @Nullable String flowId;
        private @Nullable String nodeId;
        private @Nullable String providerId;
        private @Nullable String traceId;
        private @Nullable String i18nId;
        private @Nullable String correlationId;
        private Map<String, String> attributes = Map.of();
        private @Nullable Long deadlineMillis;
        private long attempt;
        private @Nullable String idempotencyKey;
        private @Nullable Impersonation impersonation;
        private Map<String, Payload> unknownFields = Map.of();

        private Builder(Tenant tenant) {
            this.tenant = Objects.requireNonNull(tenant, "tenant");
        }

        public Builder team(String id) {
            this.team = Text.identifier("team id", id);
            return this;
        }

        public Builder user(String id) {
            this.user = Text.identifier("user id", id);
            return this;
        }

        public Builder sessionId(String id) {
            this.sessionId = id;
            return this;
        }

        public Builder flowId(String id) {
            this.flowId = id;
            return this;
        }

        public Builder nodeId(String id) {
            this.nodeId = id;
            return this;
        }

        public Builder providerId(String id) {
            this.providerId = id;
            return this;
        }

        public Builder traceId(String id) {
            this.traceId = id;
            return this;
        }

        public Builder i18nId(String id) {
            this.i18nId = id;
            return this;
        }

        public Builder correlationId(String id) {
            this.correlationId = id;
            return this;
        }

        public Builder attributes(Map<String, String> values) {
            this.attributes = values;
            return this;
        }

        /** The deadline in milliseconds since 1970-01-01T00:00:00Z; may be negative. */
        public Builder deadlineMillis(long millis) {
            this.deadlineMillis = millis;
            return this;
        }

        public Builder deadline(Instant time) {
            return deadlineMillis(time.toEpochMilli());
        }

        public Builder attempt(long number) {
            this.attempt = checkedAttempt(number);
            return this;
        }

        private static long checkedAttempt(long number) {
            if (number < 0 || number > MAX_ATTEMPT) {
                throw new EventsException(
                        ErrorCode.INVALID_ENVELOPE,
                        "attempt is " + number + "; it must be between 0 and " + MAX_ATTEMPT);
            }
            return number;
        }

        public Builder idempotencyKey(String key) {
            this.idempotencyKey = key;
            return this;
        }

        public Builder impersonation(Impersonation value) {
            this.impersonation = value;
            return this;
        }

        /** Fields outside the known ones; written after them. */
        public Builder unknownFields(Map<String, Payload> fields) {
            this.unknownFields = fields;
            return this;
        }

        public TenantContext build() {
            return new TenantContext(this);
        }
    }
}
