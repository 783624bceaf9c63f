package ai.greentic.events.bus;

import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a leg's runner and its dispatcher share: settlements on their way to the provider, and what is held of each shard. Thread-safe.
 */
final class Outbox {
    private Endings endings = new Endings(0);
    private int[] heldByShard = new int[1];
    private long[] newestFences = new long[1];
    private final Map<Shard, Long> lostFences = new HashMap<>();

    /** What is held, if holds end by time. */
    private @Nullable Set<InboundDelivery> leased;
    /** Held, but taken away. */
    private final Set<InboundDelivery> lost = new HashSet<>();

    /** Settlements, and in the same order the deliveries whose owners may want to know how they went. */
    static final class Endings {
        final List<Settled> settled;
        final List<@Nullable BusDelivery> deliveries;

        private Endings(int expected) {
            this.settled = new ArrayList<>(expected);
            this.deliveries = new ArrayList<>(expected);
        }

        private int add(Settled settlement, @Nullable BusDelivery delivery) {
            settled.add(settlement);
            deliveries.add(delivery);
            return settled.size();
        }
    }

    /** Adds a settlement of something held, which is let go; returns how many wait now. */
    synchronized int settle(Settled settled, BusDelivery delivery) {
        letGo(settled.delivery());
        return endings.add(settled, delivery);
    }

    /** Adds a settlement of something that was never held. */
    synchronized void refuse(Settled settled) {
        endings.add(settled, null);
    }

    /** How many settlements wait. */
    synchronized int waiting() {
        return endings.settled.size();
    }

    /** Takes everything that is to be settled; null if there is nothing. */
    synchronized @Nullable Endings take() {
        if (endings.settled.isEmpty()) {
            return null;
        }
        Endings taken = endings;
        endings = new Endings(Math.min(256, taken.settled.size()));
        return taken;
    }

    /** These were not taken; they come before what was added since. */
    synchronized void putBack(Endings refused) {
        refused.settled.addAll(endings.settled);
        refused.deliveries.addAll(endings.deliveries);
        endings = refused;
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
        if (leased != null) {
            leased.add(delivery);
        }
        newestFences[index] = Math.max(newestFences[index], delivery.fence());
    }

    /** The engine no longer has it. */
    synchronized void letGo(InboundDelivery delivery) {
        heldByShard[delivery.shard().index() + 1]--;
        if (leased != null) {
            leased.remove(delivery);
            lost.remove(delivery);
        }
    }

    /** Remembers from now on what is held, so that it can be extended. */
    synchronized void track() {
        if (leased == null) {
            leased = new LinkedHashSet<>();
        }
    }

    /** Everything held. */
    synchronized List<InboundDelivery> held() {
        return leased == null ? List.of() : List.copyOf(leased);
    }

    /** These are somebody else's now. */
    synchronized void lose(Set<InboundDelivery> gone) {
        lost.addAll(gone);
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
        return lost.contains(delivery)
                || !lostFences.isEmpty() && lostFences.getOrDefault(delivery.shard(), -1L) >= delivery.fence();
    }
}
