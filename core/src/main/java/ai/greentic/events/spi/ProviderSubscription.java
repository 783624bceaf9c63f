package ai.greentic.events.spi;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * A provider's side of a subscription. {@link #poll}, {@link #settle}, {@link #extend}, {@link #pause} and {@link #released} are called by one thread at
 * a time; {@link #close} and {@link #closeLater} by any, and a blocked poll then returns or throws soon.
 */
public interface ProviderSubscription extends AutoCloseable {
    /**
     * Fetches deliveries.
     *
     * @param maxDeliveries at most so many; 0 keeps membership and fetches nothing
     * @param maxWait how long to wait for the first one
     * @throws ai.greentic.events.EventsException of kind {@code UNAVAILABLE} while the transport is away: the engine tries again; of
     *     any other kind: the subscription fails and says so
     */
    Polled poll(int maxDeliveries, Duration maxWait) throws InterruptedException;

    /**
     * Ends deliveries; one outcome for each, in order. {@code UNKNOWN} is for what the provider will deliver again unless it was settled
     * after all. When it throws, nothing is known of any of them: the engine asks again with the same ones, and after some failures
     * subscribes anew (a group) or goes on without them (an ephemeral subscription), so what is settled a second time is {@code LOST}, not
     * an error.
     *
     * @throws ai.greentic.events.EventsException while the transport is away
     */
    List<SettleOutcome> settle(List<Settled> settled);

    /**
     * As {@link #settle}, but need not wait for the transport: the engine polls on meanwhile. At most one is under way; {@link #settle},
     * {@link #released} and {@link #close} may follow before it is complete. It completes exceptionally where {@link #settle} would throw, and
     * always completes.
     */
    default CompletionStage<List<SettleOutcome>> settleLater(List<Settled> settled) {
        return CompletableFuture.completedFuture(settle(settled));
    }

    /** Prolongs the hold on deliveries; one outcome for each, in order. */
    List<SettleOutcome> extend(List<InboundDelivery> deliveries, Duration by);

    /**
     * How long a delivery may stay unsettled before the provider takes it back; the engine extends what it still holds in time. Zero means
     * that a hold does not end by time.
     */
    Duration lease();

    /**
     * From the next poll on, fetches nothing of these shards, until the next call says otherwise. What was fetched stays in hand, and so
     * does membership. The engine pauses a shard in which too much waits behind one key.
     */
    void pause(Set<Shard> shards);

    /**
     * From the next poll on, fetches nothing of these keys, until the next call says otherwise; every other key flows. What comes for
     * them meanwhile waits with the provider, in order. The engine pauses a key with too much behind an event that waits.
     *
     * @return whether the provider can; the engine pauses the keys' shards where it cannot
     */
    default boolean pauseKeys(Set<OrderingKey> keys) {
        return false;
    }

    /** The engine has drained a shard that was being revoked. */
    void released(Shard shard);

    /** Leaves the group, if any; what was not settled goes to other members or to the next subscription. Idempotent. */
    @Override
    void close();

    /**
     * As {@link #close}, but need not wait for the transport: other subscriptions that the engine's thread serves go on meanwhile, and where
     * members wait for each other, one that leaves may need them to. Completes when it has left, and always does within some seconds.
     */
    default CompletionStage<Void> closeLater() {
        close();
        return CompletableFuture.completedFuture(null);
    }
}
