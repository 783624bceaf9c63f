package ai.greentic.events.bus;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Everything that a dispatcher has fetched and not settled: ready, handed over, parked, or waiting behind another one of its key. Belongs
 * to the dispatcher's lock.
 */
final class InHand {
    /** A delivery has its key while it is ready, handed over, or parked. */
    private final KeyedQueue<BusDelivery> queue = new KeyedQueue<>();

    final Parking parking = new Parking(queue);
    /** Parked deliveries whose next attempt is due. They take turns with the others, so that retries get half of the handlers at most. */
    private final ArrayDeque<BusDelivery> due = new ArrayDeque<>();

    private boolean dueIsNext;
    private int held;
    private int handed;
    /** Those that may have taken a process down. */
    private int suspects;

    /** How many more may be fetched. */
    int room(int maxInFlight, int maxParked) {
        int parked = parking.waiting();
        return Math.max(0, Math.min(maxInFlight - (held - parked), maxParked - parked));
    }

    void add(BusDelivery delivery) {
        held++;
        suspects += delivery.suspect ? 1 : 0;
        if (!queue.add(delivery.key, delivery)) {
            parking.followed(delivery);
        }
    }

    int ready() {
        return queue.ready() + due.size();
    }

    /** How many may be handed over at once. */
    int most(int concurrency) {
        return suspects > 0 ? 1 : concurrency;
    }

    /** The next delivery to hand over; none while a suspect has to be alone. */
    @Nullable
    BusDelivery take() {
        if (suspects > 0 && handed > 0) {
            return null;
        }
        BusDelivery delivery = dueIsNext || queue.ready() == 0 ? pollDue() : queue.poll();
        if (delivery == null) {
            delivery = queue.poll();
        }
        dueIsNext = !dueIsNext;
        if (delivery != null) {
            handed++;
        }
        return delivery;
    }

    private @Nullable BusDelivery pollDue() {
        BusDelivery delivery = due.pollFirst();
        while (delivery != null && !parking.unpark(delivery)) {
            delivery = due.pollFirst();
        }
        return delivery;
    }

    /** A delivery that was handed over is to be taken next. */
    void putBack(BusDelivery delivery) {
        handed--;
        queue.putBack(delivery);
    }

    /** A delivery is no longer in a handler's hands. */
    void returned(BusDelivery delivery) {
        handed--;
        cleared(delivery);
    }

    int handed() {
        return handed;
    }

    /** A suspect proved harmless, or is gone. */
    void cleared(BusDelivery delivery) {
        if (delivery.suspect) {
            delivery.suspect = false;
            suspects--;
        }
    }

    /** Lets a delivery go that was handed over and came back; the next one of its key becomes ready. */
    void release(BusDelivery delivery) {
        held--;
        queue.release(delivery.key);
        parking.released(delivery.key);
    }

    /** Lets a delivery go that no handler has and that was taken out of the queue, or never was in it. */
    void letGo(BusDelivery delivery) {
        held--;
        cleared(delivery);
    }

    /** The next attempt at a parked delivery is due. */
    void due(BusDelivery delivery) {
        if (parking.isParked(delivery)) {
            due.addLast(delivery);
        }
    }

    /** Takes what waits behind a delivery that is not coming back. */
    List<BusDelivery> dissolve(BusDelivery delivery) {
        List<BusDelivery> followers = queue.dissolve(delivery.key);
        parking.recheck();
        return followers;
    }

    /** Takes what no handler holds; a key whose head goes is free, one whose head is being handled is not. */
    List<BusDelivery> takeIdle(Predicate<BusDelivery> which) {
        List<BusDelivery> heads = queue.takeReady(which);
        for (BusDelivery waiting : parking.heads()) {
            if (which.test(waiting) && parking.unpark(waiting)) {
                heads.add(waiting);
            }
        }
        due.removeIf(which);
        List<BusDelivery> taken = new ArrayList<>(heads);
        heads.forEach(head -> taken.addAll(queue.dissolve(head.key)));
        taken.addAll(queue.takeBehind(which));
        parking.recheck();
        return taken;
    }
}
