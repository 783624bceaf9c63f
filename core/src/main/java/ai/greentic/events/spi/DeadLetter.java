package ai.greentic.events.spi;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventId;
import ai.greentic.events.TenantTopic;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A parked event: what, whose, from where, why, and everything that was tried. {@link #toString()} shows no payload. Immutable. */
public final class DeadLetter {
    /** Attempts that are kept of one letter; the oldest ones beyond are left out. */
    public static final int MAX_HISTORY = 20;

    /** Where a letter stands. */
    public enum State {
        /** Waiting for a decision. */
        PARKED,
        /** Being put back; if that was interrupted, the next redrive goes on with it. */
        REDRIVING
    }

    /**
     * A failed attempt.
     *
     * @param time when it failed
     * @param code what went wrong
     * @param text what went wrong in words, without payload or secrets
     * @param host where it was made
     */
    public record Attempt(Instant time, ErrorCode code, String text, String host) {
        public Attempt {
            Objects.requireNonNull(time, "time");
            Objects.requireNonNull(code, "code");
            Objects.requireNonNull(text, "text");
            Objects.requireNonNull(host, "host");
        }
    }

    /**
     * A key of a group that is held from its first dead letter until all of them are dealt with.
     *
     * @param address environment, tenant and topic
     * @param group the group that holds the key
     * @param key the ordering key
     */
    public record SequenceId(TenantTopic address, String group, String key) {
        public SequenceId {
            Objects.requireNonNull(address, "address");
            Objects.requireNonNull(group, "group");
            Objects.requireNonNull(key, "key");
        }
    }

    private final Builder fields;

    private DeadLetter(Builder fields) {
        this.fields = fields.copy();
    }

    /**
     * @param id of the letter
     * @param address tenant and topic as the transport said
     * @param encoded the event byte for byte
     * @param provider where it was to go, or came from
     * @param time when it was parked
     */
    public static Builder builder(DeadLetterId id, TenantTopic address, byte[] encoded, String provider, Instant time) {
        return new Builder(id, address, encoded.clone(), provider, time);
    }

    public Builder toBuilder() {
        return fields.copy();
    }

    public DeadLetterId id() {
        return fields.id;
    }

    public TenantTopic address() {
        return fields.address;
    }

    /** The event's id; empty if its bytes cannot be read. */
    public Optional<EventId> eventId() {
        return Optional.ofNullable(fields.eventId);
    }

    /** The event byte for byte as it was prepared. */
    public byte[] encoded() {
        return fields.encoded.clone();
    }

    public int size() {
        return fields.encoded.length;
    }

    public String provider() {
        return fields.provider;
    }

    /** The group, or the pattern of an ephemeral subscription, whose handler failed; empty if publishing did. */
    public Optional<String> subscription() {
        return Optional.ofNullable(fields.subscription);
    }

    /** Whether {@link #subscription} is a group. */
    public boolean ofGroup() {
        return fields.ofGroup;
    }

    /** Attempts made; the history may hold fewer. */
    public int attempts() {
        return fields.attempts;
    }

    /** The newest attempts, in order. */
    public List<Attempt> history() {
        return fields.history;
    }

    public ErrorCode code() {
        return fields.code;
    }

    /** Why it was parked, in words without payload or secrets. */
    public String reason() {
        return fields.reason;
    }

    /** When it was parked. */
    public Instant time() {
        return fields.time;
    }

    /** The held key that it belongs to, if its subscription holds keys. */
    public Optional<SequenceId> sequence() {
        return Optional.ofNullable(fields.sequence);
    }

    /** Its place in the sequence: not negative, and greater than those of the letters before it. */
    public long number() {
        return fields.number;
    }

    /** Whether nothing was wrong with it but that an earlier event of its key is held. */
    public boolean follower() {
        return fields.follower;
    }

    /** The caller's idempotency key, if it had one. */
    public Optional<String> idempotencyKey() {
        return Optional.ofNullable(fields.idempotencyKey);
    }

    /** W3C trace id of the event, if it was traced. */
    public Optional<String> traceId() {
        return Optional.ofNullable(fields.traceId);
    }

    /** How often it has been redriven. */
    public int redrives() {
        return fields.redrives;
    }

    public State state() {
        return fields.state;
    }

    @Override
    public String toString() {
        return "dead letter " + fields.id + " (" + (fields.eventId == null ? "unreadable" : fields.eventId) + " on "
                + fields.address + "): " + fields.code + " after " + fields.attempts + " attempts";
    }

    /** Collects the fields of a dead letter. Not thread-safe. */
    public static final class Builder {
        private final DeadLetterId id;
        private final TenantTopic address;
        private final byte[] encoded;
        private final String provider;
        private final Instant time;
        private @Nullable EventId eventId;
        private @Nullable String subscription;
        private boolean ofGroup;
        private int attempts;
        private List<Attempt> history = List.of();
        private ErrorCode code = ErrorCode.INTERNAL_ERROR;
        private String reason = "";
        private @Nullable SequenceId sequence;
        private long number;
        private boolean follower;
        private @Nullable String idempotencyKey;
        private @Nullable String traceId;
        private int redrives;
        private State state = State.PARKED;

        private Builder(DeadLetterId id, TenantTopic address, byte[] encoded, String provider, Instant time) {
            this.id = Objects.requireNonNull(id, "id");
            this.address = Objects.requireNonNull(address, "address");
            this.encoded = encoded;
            this.provider = Objects.requireNonNull(provider, "provider");
            this.time = Objects.requireNonNull(time, "time");
        }

        private Builder copy() {
            Builder copy = new Builder(id, address, encoded, provider, time);
            copy.eventId = eventId;
            copy.subscription = subscription;
            copy.ofGroup = ofGroup;
            copy.attempts = attempts;
            copy.history = history;
            copy.code = code;
            copy.reason = reason;
            copy.sequence = sequence;
            copy.number = number;
            copy.follower = follower;
            copy.idempotencyKey = idempotencyKey;
            copy.traceId = traceId;
            copy.redrives = redrives;
            copy.state = state;
            return copy;
        }

        public Builder eventId(@Nullable EventId value) {
            this.eventId = value;
            return this;
        }

        public Builder subscription(String name, boolean group) {
            this.subscription = Objects.requireNonNull(name, "name");
            this.ofGroup = group;
            return this;
        }

        /** How many attempts were made, and what is known of them. */
        public Builder attempts(int count, List<Attempt> known) {
            this.attempts = count;
            this.history = List.copyOf(known.subList(Math.max(0, known.size() - MAX_HISTORY), known.size()));
            return this;
        }

        public Builder cause(ErrorCode what, String why) {
            this.code = Objects.requireNonNull(what, "what");
            this.reason = Objects.requireNonNull(why, "why");
            return this;
        }

        /** The held key and the place in its sequence; a store sets the number of a new follower. */
        public Builder sequence(SequenceId value, long place, boolean behind) {
            this.sequence = Objects.requireNonNull(value, "value");
            this.number = place;
            this.follower = behind;
            return this;
        }

        public Builder idempotencyKey(@Nullable String key) {
            this.idempotencyKey = key;
            return this;
        }

        public Builder traceId(@Nullable String value) {
            this.traceId = value;
            return this;
        }

        public Builder redrives(int count) {
            this.redrives = count;
            return this;
        }

        public Builder state(State value) {
            this.state = Objects.requireNonNull(value, "value");
            return this;
        }

        public DeadLetter build() {
            return new DeadLetter(this);
        }
    }
}
