package ai.greentic.events.bus;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Deliveries that wait for their next attempt, with what waits behind them. When too much waits behind one key, its shard pauses until half
 * of it is gone; everything else flows. Belongs to the dispatcher's lock.
 */
final class Parking {
    /** Deliveries that may wait behind one parked key. */
    static final int MAX_FOLLOWERS = 256;

    private final KeyedQueue<BusDelivery> queue;
    private final Set<BusDelivery> heads = new LinkedHashSet<>();
    private final Set<BusDelivery.Key> parkedKeys = new LinkedHashSet<>();
    /** Keys with too much behind them, and the leg that paused their shard. */
    private final Map<BusDelivery.Key, BusDelivery> blocked = new HashMap<>();

    private int waiting;

    Parking(KeyedQueue<BusDelivery> queue) {
        this.queue = queue;
    }

    void park(BusDelivery head) {
        heads.add(head);
        waiting += 1 + queue.followers(head.key);
        if (head.key != null) {
            parkedKeys.add(head.key);
            blockIfTooMany(head);
        }
    }

    /** A delivery was queued behind another one. */
    void followed(BusDelivery follower) {
        if (parkedKeys.contains(follower.key)) {
            waiting++;
            blockIfTooMany(follower);
        }
    }

    private void blockIfTooMany(BusDelivery delivery) {
        BusDelivery.Key key = delivery.key;
        if (key != null && !blocked.containsKey(key) && queue.followers(key) >= MAX_FOLLOWERS) {
            blocked.put(key, delivery);
            delivery.leg.block(delivery.inbound.shard());
        }
    }

    boolean isParked(BusDelivery head) {
        return heads.contains(head);
    }

    /** Ends the waiting of a head; returns whether it waited. */
    boolean unpark(BusDelivery head) {
        if (!heads.remove(head)) {
            return false;
        }
        parkedKeys.remove(head.key);
        waiting -= 1 + queue.followers(head.key);
        return true;
    }

    /** A key lost its head. */
    void released(BusDelivery.@Nullable Key key) {
        if (key != null && !blocked.isEmpty() && queue.followers(key) <= MAX_FOLLOWERS / 2) {
            BusDelivery cause = blocked.remove(key);
            if (cause != null) {
                cause.leg.unblock(cause.inbound.shard());
            }
        }
    }

    List<BusDelivery> heads() {
        return List.copyOf(heads);
    }

    /** Counts anew, after deliveries were taken out of the queue. */
    void recount() {
        waiting = 0;
        heads.forEach(head -> waiting += 1 + queue.followers(head.key));
        List.copyOf(blocked.keySet()).forEach(this::released);
    }

    /** Parked deliveries and those behind them. */
    int waiting() {
        return waiting;
    }

    int blockedKeys() {
        return blocked.size();
    }
}
