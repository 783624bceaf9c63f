package ai.greentic.events.memory;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.Position;
import ai.greentic.events.TenantTopic;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** An accepted event. Its counters belong to the provider's lock. */
final class Entry {
    final long sequence;
    final EventEnvelope event;
    final @Nullable Key key;
    final Instant acceptedAt;
    final Position position;
    final TenantLog log;
    /** Subscriptions that have not settled it yet. */
    int holders;

    /** An ordering key with its address. */
    record Key(TenantTopic address, String value) {}

    Entry(
            long sequence,
            EventEnvelope event,
            @Nullable String key,
            Instant acceptedAt,
            Position position,
            TenantLog log) {
        this.sequence = sequence;
        this.event = event;
        this.key = key == null ? null : new Key(event.address(), key);
        this.acceptedAt = acceptedAt;
        this.position = position;
        this.log = log;
    }

    int size() {
        return event.payload().size();
    }
}
