package ai.greentic.events.bus;

import ai.greentic.events.spi.OrderingKey;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Deliveries that wait: parked ones for their next attempt, and those behind another one of their key. When too much waits behind one
 * key, the provider pauses that key, or its shard if it cannot pause a key alone, until half of it is gone; everything else flows. Belongs to the dispatcher's lock.
 */
final class Parking {
    /** Deliveries that may wait behind one of their key. */
    static final int MAX_FOLLOWERS = 256;

    private final KeyedQueue<BusDelivery> queue;
    private final Set<BusDelivery> heads = new LinkedHashSet<>();
    private final Set<BusDelivery.Key> parkedKeys = new HashSet<>();
    /** Keys with too much behind them, and a delivery of the leg that paused their shard. */
    private final Map<BusDelivery.Key, BusDelivery> blocked = new HashMap<>();

    Parking(KeyedQueue<BusDelivery> queue) {
        this.queue = queue;
    }

    void park(BusDelivery head) {
        heads.add(head);
        if (head.key != null) {
            parkedKeys.add(head.key);
        }
    }

    boolean isParked(BusDelivery head) {
        return heads.contains(head);
    }

    /** Ends the waiting of a head; returns whether it waited. */
    boolean unpark(BusDelivery head) {
        boolean was = heads.remove(head);
        if (was) {
            parkedKeys.remove(head.key);
        }
        return was;
    }

    /** A delivery was queued behind another one. */
    void followed(BusDelivery follower) {
        BusDelivery.Key key = follower.key;
        if (key != null && queue.followers(key) >= MAX_FOLLOWERS && blocked.putIfAbsent(key, follower) == null) {
            follower.leg.block(new OrderingKey(key.address(), key.value()), follower.inbound.shard());
        }
    }

    /** Fewer deliveries wait behind a key. */
    void released(BusDelivery.@Nullable Key key) {
        if (key != null && !blocked.isEmpty() && queue.followers(key) <= MAX_FOLLOWERS / 2) {
            BusDelivery cause = blocked.remove(key);
            if (cause != null) {
                cause.leg.unblock(new OrderingKey(key.address(), key.value()));
            }
        }
    }

    /** Deliveries were taken out of the queue. */
    void recheck() {
        List.copyOf(blocked.keySet()).forEach(this::released);
    }

    List<BusDelivery> heads() {
        return List.copyOf(heads);
    }

    int waiting() {
        return heads.size() + queue.behind();
    }

    /** Keys that fail, with so much behind them that their shard pauses. */
    int blockedKeys() {
        return (int) blocked.keySet().stream().filter(parkedKeys::contains).count();
    }
}
