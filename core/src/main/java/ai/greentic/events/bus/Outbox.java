package ai.greentic.events.bus;

import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a leg's runner and its dispatcher share: settlements on their way to the provider, and what is held of each shard. Thread-safe.
 */
final class Outbox {
    private List<Ending> endings = new ArrayList<>();
    private int[] heldByShard = new int[1];
    private long[] newestFences = new long[1];
    private final Map<Shard, Long> lostFences = new HashMap<>();

    /** A settlement, and the delivery whose owner may want to know how it went. */
    record Ending(Settled settled, @Nullable BusDelivery delivery) {}

    /** Adds a settlement of something held, which is let go; returns how many wait now. */
    synchronized int settle(Settled settled, BusDelivery delivery) {
        heldByShard[settled.delivery().shard().index() + 1]--;
        endings.add(new Ending(settled, delivery));
        return endings.size();
    }

    /** Adds a settlement of something that was never held. */
    synchronized void refuse(Settled settled) {
        endings.add(new Ending(settled, null));
    }

    /** Takes everything that is to be settled. */
    synchronized List<Ending> take() {
        if (endings.isEmpty()) {
            return List.of();
        }
        List<Ending> taken = endings;
        endings = new ArrayList<>(Math.min(256, taken.size()));
        return taken;
    }

    /** The engine has the deliveries from now on. */
    synchronized void hold(List<BusDelivery> deliveries) {
        for (BusDelivery delivery : deliveries) {
            hold(delivery.inbound);
        }
    }

    private void hold(InboundDelivery delivery) {
        int index = delivery.shard().index() + 1;
        if (index >= heldByShard.length) {
            int length = Math.max(index + 1, heldByShard.length * 2);
            heldByShard = Arrays.copyOf(heldByShard, length);
            newestFences = Arrays.copyOf(newestFences, length);
        }
        heldByShard[index]++;
        newestFences[index] = Math.max(newestFences[index], delivery.fence());
    }

    /** The engine no longer has it. */
    synchronized void letGo(Shard shard) {
        heldByShard[shard.index() + 1]--;
    }

    synchronized int heldOf(Shard shard) {
        int index = shard.index() + 1;
        return index < heldByShard.length ? heldByShard[index] : 0;
    }

    /** From now on nothing of the shard that came under the fences seen so far can be settled. */
    synchronized void lose(Shard shard) {
        int index = shard.index() + 1;
        lostFences.put(shard, index < newestFences.length ? newestFences[index] : -1L);
    }

    synchronized boolean isLost(InboundDelivery delivery) {
        return !lostFences.isEmpty() && lostFences.getOrDefault(delivery.shard(), -1L) >= delivery.fence();
    }
}
