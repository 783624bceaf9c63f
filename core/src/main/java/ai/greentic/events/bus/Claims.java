package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventId;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.spi.Claim;
import ai.greentic.events.spi.IdempotencyKey;
import ai.greentic.events.spi.IdempotencyStore;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The idempotency store as the engine uses it: whoever waits for a key in this process hears at once when it is concluded. Thread-safe. */
final class Claims {
    private static final Logger LOG = LoggerFactory.getLogger(Claims.class);

    private static final ThreadLocal<MessageDigest> SHA256 = ThreadLocal.withInitial(Claims::sha256);

    final IdempotencyStore store;
    private final Map<IdempotencyKey, Map<Publish, PublishLane>> waiting = new HashMap<>();

    Claims(IdempotencyStore store) {
        this.store = store;
    }

    /** Claims the key of an event that has one. */
    Claim claim(PreparedEvent event) {
        return store.claim(
                java.util.Objects.requireNonNull(event.key()), event.event().id(), event.payloadHash());
    }

    /** The first 64 bits of the SHA-256 of the canonical form: the same payload in another order or spacing is the same. */
    static long hash(Payload payload) {
        return ByteBuffer.wrap(SHA256.get().digest(payload.canonical().toBytes()))
                .getLong();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** Lets a publish that waits in its lane go on when the key is concluded in this process; it looks again anyway after a while. */
    void await(IdempotencyKey key, PublishLane lane, Publish publish) {
        synchronized (waiting) {
            waiting.computeIfAbsent(key, any -> new HashMap<>()).put(publish, lane);
        }
    }

    void noLongerAwaits(IdempotencyKey key, Publish publish) {
        synchronized (waiting) {
            waiting.computeIfPresent(key, (any, publishes) -> {
                publishes.remove(publish);
                return publishes.isEmpty() ? null : publishes;
            });
        }
    }

    void complete(Claim claim, PublishReceipt receipt) {
        try {
            store.complete(claim, receipt);
        } catch (RuntimeException e) {
            LOG.error(
                    "the idempotency store did not take the completion of a key; until it does, a repetition of event {}"
                            + " may be accepted under the same event id",
                    claim.eventId(),
                    e);
        }
        concluded(claim);
    }

    /** Frees a key, or leaves it in doubt. */
    void conclude(Claim claim, boolean mayHaveHappened) {
        try {
            if (mayHaveHappened) {
                store.doubt(claim);
            } else {
                store.abandon(claim);
            }
        } catch (RuntimeException e) {
            LOG.error("the idempotency store did not free the key of event {}", claim.eventId(), e);
        }
        concluded(claim);
    }

    private void concluded(Claim claim) {
        Map<Publish, PublishLane> told;
        synchronized (waiting) {
            told = waiting.remove(claim.key());
        }
        if (told != null) {
            told.forEach((publish, lane) -> lane.goOn(publish));
        }
    }

    static EventsException reused(PreparedEvent event, EventId first) {
        return new EventsException(
                ErrorCode.IDEMPOTENCY_KEY_REUSED,
                event + " was not sent: its idempotency key belongs to event " + first
                        + ", whose payload is another one; use a key for one payload only");
    }

    static EventsException unusable(PreparedEvent event, RuntimeException cause) {
        return cause instanceof EventsException known
                ? known
                : new EventsException(
                        ErrorCode.INTERNAL_ERROR,
                        event + " was not sent: the idempotency store failed with "
                                + cause.getClass().getSimpleName(),
                        cause);
    }
}
