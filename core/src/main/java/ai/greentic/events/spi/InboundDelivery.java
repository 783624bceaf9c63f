package ai.greentic.events.spi;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.Position;
import ai.greentic.events.TenantTopic;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One hand-over from a provider to the engine. Holds the event itself, where the provider keeps objects, or its bytes. Providers may
 * extend it with what they need to settle.
 */
public class InboundDelivery {
    private final TenantTopic address;
    private final @Nullable EventEnvelope event;
    private final byte @Nullable [] encoded;
    private final Position position;
    private final Shard shard;
    private final long fence;
    private final @Nullable String defect;

    /**
     * @param address tenant and topic as the transport says, not as the envelope claims
     * @param event the event; its tenant must still be compared with the address
     * @param position place of the event in the provider
     * @param shard the part of the group's keys that it belongs to
     * @param fence epoch under which this member owns the shard
     */
    public InboundDelivery(TenantTopic address, EventEnvelope event, Position position, Shard shard, long fence) {
        this.address = Objects.requireNonNull(address, "address");
        this.event = Objects.requireNonNull(event, "event");
        this.encoded = null;
        this.position = Objects.requireNonNull(position, "position");
        this.shard = Objects.requireNonNull(shard, "shard");
        this.fence = fence;
        this.defect = null;
    }

    /** As the other constructor, with the event still encoded. */
    public InboundDelivery(TenantTopic address, byte[] encoded, Position position, Shard shard, long fence) {
        this(address, encoded, position, shard, fence, null);
    }

    /**
     * As the other constructors.
     *
     * @param defect why the bytes are not the event that was accepted; null if they are
     */
    protected InboundDelivery(
            TenantTopic address, byte[] encoded, Position position, Shard shard, long fence, @Nullable String defect) {
        this.address = Objects.requireNonNull(address, "address");
        this.event = null;
        this.encoded = Objects.requireNonNull(encoded, "encoded");
        this.position = Objects.requireNonNull(position, "position");
        this.shard = Objects.requireNonNull(shard, "shard");
        this.fence = fence;
        this.defect = defect;
    }

    public final TenantTopic address() {
        return address;
    }

    /** The event, or null if only its bytes are known. */
    public final @Nullable EventEnvelope event() {
        return event;
    }

    /** The event's bytes, or null if the event itself is known. */
    public final byte @Nullable [] encoded() {
        return encoded;
    }

    /** Why the bytes are not the event that was accepted, or null: the engine then makes a dead letter of them. */
    public final @Nullable String defect() {
        return defect;
    }

    public final Position position() {
        return position;
    }

    public final Shard shard() {
        return shard;
    }

    public final long fence() {
        return fence;
    }
}
