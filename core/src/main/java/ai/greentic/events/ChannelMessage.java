package ai.greentic.events;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A message of a channel such as chat or e-mail: the other side of a bridge. Holds what all generations of the format know, and keeps
 * the rest. {@link #toString()} names the message and never shows its content. Immutable.
 */
public final class ChannelMessage {
    private static final BigInteger MAX_UNSIGNED = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);

    private final Builder fields;

    /**
     * Who sent a message, or for whom it is.
     *
     * @param id the id in the channel
     * @param kind for instance {@code user} or {@code bot}; null if unknown
     * @param unknownFields fields that this version does not know, as they were read
     */
    public record Actor(String id, @Nullable String kind, Map<String, Payload> unknownFields) {
        public Actor {
            Objects.requireNonNull(id, "id");
            unknownFields = Sorted.copyOf(unknownFields);
        }

        public Actor(String id, @Nullable String kind) {
            this(id, kind, Map.of());
        }
    }

    /**
     * Something attached.
     *
     * @param mimeType its media type
     * @param url where it is; null if the content is inline
     * @param content the content itself, any JSON; null if there is none
     * @param name a file name, or null
     * @param sizeBytes its size, 0 to 2^64 - 1, or null
     * @param unknownFields fields that this version does not know, as they were read
     */
    public record Attachment(
            String mimeType,
            @Nullable String url,
            @Nullable Payload content,
            @Nullable String name,
            @Nullable BigInteger sizeBytes,
            Map<String, Payload> unknownFields) {
        public Attachment {
            Objects.requireNonNull(mimeType, "mimeType");
            unknownFields = Sorted.copyOf(unknownFields);
            if (sizeBytes != null && (sizeBytes.signum() < 0 || sizeBytes.compareTo(MAX_UNSIGNED) > 0)) {
                throw new EventsException(
                        ErrorCode.INVALID_ENVELOPE,
                        "attachment size_bytes is " + sizeBytes + "; it must be between 0 and " + MAX_UNSIGNED);
            }
        }

        /** Something at a place. */
        public static Attachment at(String mimeType, String url) {
            return new Attachment(mimeType, Objects.requireNonNull(url, "url"), null, null, null, Map.of());
        }
    }

    private ChannelMessage(Builder fields) {
        this.fields = fields.copy();
        this.fields.to = List.copyOf(fields.to);
        this.fields.attachments = List.copyOf(fields.attachments);
        this.fields.metadata = Sorted.copyOf(fields.metadata);
        this.fields.extensions = Sorted.copyOf(fields.extensions);
        this.fields.unknownFields = Sorted.copyOf(fields.unknownFields);
    }

    /**
     * @param id of the message in its channel
     * @param tenant whose message it is
     * @param channel the channel, for example {@code webchat}
     * @param sessionId the session it belongs to
     */
    public static Builder builder(String id, TenantContext tenant, String channel, String sessionId) {
        return new Builder(id, tenant, channel, sessionId);
    }

    public Builder toBuilder() {
        return fields.copy();
    }

    public String id() {
        return fields.id;
    }

    public TenantContext tenant() {
        return fields.tenant;
    }

    public String channel() {
        return fields.channel;
    }

    public String sessionId() {
        return fields.sessionId;
    }

    public Optional<ReplyScope> replyScope() {
        return Optional.ofNullable(fields.replyScope);
    }

    /** The sender as the first generation names it; see {@link #sender}. */
    public Optional<String> userId() {
        return Optional.ofNullable(fields.userId);
    }

    /** The sender as later generations name it; see {@link #sender}. */
    public Optional<Actor> from() {
        return Optional.ofNullable(fields.from);
    }

    /** The sender, whichever way the message names it. */
    public Optional<Actor> sender() {
        return fields.from != null ? from() : userId().map(id -> new Actor(id, null));
    }

    public List<Actor> to() {
        return fields.to;
    }

    public Optional<String> correlationId() {
        return Optional.ofNullable(fields.correlationId);
    }

    public Optional<String> text() {
        return Optional.ofNullable(fields.text);
    }

    public List<Attachment> attachments() {
        return fields.attachments;
    }

    /** Metadata in code point order; unmodifiable. */
    public Map<String, String> metadata() {
        return fields.metadata;
    }

    /** Extensions in code point order, any JSON; unmodifiable. */
    public Map<String, Payload> extensions() {
        return fields.extensions;
    }

    /** Fields that this version does not know, as they were read; unmodifiable. */
    public Map<String, Payload> unknownFields() {
        return fields.unknownFields;
    }

    /** Bridges that the message has crossed; set by the fabric. */
    public int hops() {
        return fields.hops;
    }

    /** The same message after so many bridges. */
    public ChannelMessage withHops(int number) {
        Builder copy = fields.copy();
        copy.hops = number;
        return copy.build();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ChannelMessage that && fields.values().equals(that.fields.values());
    }

    @Override
    public int hashCode() {
        return fields.id.hashCode();
    }

    @Override
    public String toString() {
        return "message " + Text.quote(fields.id) + " on " + Text.quote(fields.channel) + " of " + fields.tenant;
    }

    /** Collects the fields of a message. Not thread-safe. */
    public static final class Builder {
        private final String id;
        private final TenantContext tenant;
        private final String channel;
        private final String sessionId;
        private @Nullable ReplyScope replyScope;
        private @Nullable String userId;
        private @Nullable Actor from;
        private List<Actor> to = List.of();
        private @Nullable String correlationId;
        private @Nullable String text;
        private List<Attachment> attachments = List.of();
        private Map<String, String> metadata = Map.of();
        private Map<String, Payload> extensions = Map.of();
        private Map<String, Payload> unknownFields = Map.of();
        private int hops;

        private Builder(String id, TenantContext tenant, String channel, String sessionId) {
            this.id = Objects.requireNonNull(id, "id");
            this.tenant = Objects.requireNonNull(tenant, "tenant");
            this.channel = Objects.requireNonNull(channel, "channel");
            this.sessionId = Objects.requireNonNull(sessionId, "sessionId");
        }

        private Builder copy() {
            Builder copy = new Builder(id, tenant, channel, sessionId);
            copy.replyScope = replyScope;
            copy.userId = userId;
            copy.from = from;
            copy.to = to;
            copy.correlationId = correlationId;
            copy.text = text;
            copy.attachments = attachments;
            copy.metadata = metadata;
            copy.extensions = extensions;
            copy.unknownFields = unknownFields;
            copy.hops = hops;
            return copy;
        }

        private List<Optional<?>> values() {
            return List.of(
                    Optional.of(id),
                    Optional.of(tenant),
                    Optional.of(channel),
                    Optional.of(sessionId),
                    Optional.ofNullable(replyScope),
                    Optional.ofNullable(userId),
                    Optional.ofNullable(from),
                    Optional.of(to),
                    Optional.ofNullable(correlationId),
                    Optional.ofNullable(text),
                    Optional.of(attachments),
                    Optional.of(metadata),
                    Optional.of(extensions),
                    Optional.of(unknownFields),
                    Optional.of(hops));
        }

        public Builder replyScope(ReplyScope value) {
            this.replyScope = value;
            return this;
        }

        /** The sender as the first generation names it. */
        public Builder userId(@Nullable String value) {
            this.userId = value;
            return this;
        }

        /** The sender as later generations name it. */
        public Builder from(Actor value) {
            this.from = value;
            return this;
        }

        public Builder to(List<Actor> actors) {
            this.to = actors;
            return this;
        }

        public Builder correlationId(String value) {
            this.correlationId = value;
            return this;
        }

        public Builder text(String value) {
            this.text = value;
            return this;
        }

        public Builder attachments(List<Attachment> values) {
            this.attachments = values;
            return this;
        }

        public Builder metadata(Map<String, String> values) {
            this.metadata = values;
            return this;
        }

        public Builder extensions(Map<String, Payload> values) {
            this.extensions = values;
            return this;
        }

        /** Fields outside the known ones; written after them. */
        public Builder unknownFields(Map<String, Payload> values) {
            this.unknownFields = values;
            return this;
        }

        public ChannelMessage build() {
            return new ChannelMessage(this);
        }
    }
}
