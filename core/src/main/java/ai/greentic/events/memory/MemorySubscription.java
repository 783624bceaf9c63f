package ai.greentic.events.memory;

import ai.greentic.events.Priority;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.Polled;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.Signal;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;

/** A member of an {@link Interest}. Its state is guarded by the provider's lock. */
final class MemorySubscription implements ProviderSubscription {
    private final MemoryProvider provider;
    final Interest interest;
    private final Signal ready;
    private final List<Shard> revoking = new ArrayList<>();
    /** Handed over and perhaps not settled; settled ones are dropped from time to time. */
    private final ArrayDeque<InHand> inHand = new ArrayDeque<>();

    private Set<Shard> paused = Set.of();
    private int unsettled;
    private int turn;
    boolean closed;

    /** A delivery that this member holds. */
    private static final class InHand extends InboundDelivery {
        final Entry entry;
        final ShardQueue queue;
        boolean settled;

        InHand(Entry entry, ShardQueue queue) {
            super(entry.event.address(), entry.event, entry.position, queue.shard, queue.epoch);
            this.entry = entry;
            this.queue = queue;
        }
    }

    MemorySubscription(MemoryProvider provider, Interest interest, Signal ready) {
        this.provider = provider;
        this.interest = interest;
        this.ready = ready;
    }

    void wake() {
        ready.raise();
    }

    void revoke(Shard shard) {
        revoking.add(shard);
        wake();
    }

    @Override
    public Polled poll(int maxDeliveries, Duration maxWait) throws InterruptedException {
        Polled polled = provider.locked(() -> take(maxDeliveries));
        if (polled.deliveries().isEmpty() && polled.revoking().isEmpty() && maxDeliveries > 0 && !maxWait.isZero()) {
            ready.await(maxWait);
            polled = provider.locked(() -> take(maxDeliveries));
        }
        return polled;
    }

    private Polled take(int max) {
        provider.refuseIfClosed(closed);
        List<Shard> toRevoke = revoking.isEmpty() ? List.of() : List.copyOf(revoking);
        revoking.clear();
        List<InboundDelivery> taken = new ArrayList<>(Math.min(max, 64));
        if (interest.hasPriorities) {
            take(Priority.HIGH, max, taken);
        }
        take(Priority.NORMAL, max, taken);
        if (interest.hasPriorities) {
            take(Priority.LOW, max, taken);
        }
        return new Polled(taken, toRevoke, List.of(), true, taken.size() < max);
    }

    /** Takes events of one priority from the shards in turn. */
    private void take(Priority priority, int max, List<InboundDelivery> taken) {
        ShardQueue[] queues = interest.queues;
        for (int i = 0; i < queues.length && taken.size() < max; i++) {
            turn = turn + 1 == queues.length ? 0 : turn + 1;
            ShardQueue queue = queues[turn];
            if (queue.owner != this || queue.revoking || paused.contains(queue.shard)) {
                continue;
            }
            while (taken.size() < max) {
                Entry entry = queue.take(priority);
                if (entry == null) {
                    break;
                }
                InHand delivery = new InHand(entry, queue);
                inHand.addLast(delivery);
                unsettled++;
                taken.add(delivery);
            }
        }
    }

    @Override
    public List<SettleOutcome> settle(List<Settled> settled) {
        return provider.locked(() -> {
            List<SettleOutcome> outcomes = new ArrayList<>(settled.size());
            for (Settled one : settled) {
                outcomes.add(settleOne(one));
            }
            forgetSettled();
            return outcomes;
        });
    }

    private SettleOutcome settleOne(Settled settled) {
        InHand delivery = (InHand) settled.delivery();
        if (!owns(delivery)) {
            return SettleOutcome.LOST;
        }
        delivery.settled = true;
        unsettled--;
        if (settled.settlement() == Settled.Settlement.ACK) {
            delivery.entry.log.release(delivery.entry);
        } else {
            provider.giveBack(delivery.queue, delivery.entry, settled.delay());
        }
        return SettleOutcome.SETTLED;
    }

    private boolean owns(InHand delivery) {
        return !delivery.settled && delivery.queue.owner == this && delivery.queue.epoch == delivery.fence();
    }

    private void forgetSettled() {
        while (!inHand.isEmpty() && inHand.getFirst().settled) {
            inHand.removeFirst();
        }
        if (inHand.size() > 2 * unsettled + 1024) {
            inHand.removeIf(delivery -> delivery.settled);
        }
    }

    /** A hold ends only with the subscription, so there is nothing to prolong but what is no longer held. */
    @Override
    public List<SettleOutcome> extend(List<InboundDelivery> deliveries, Duration by) {
        return provider.locked(() -> deliveries.stream()
                .map(delivery -> owns((InHand) delivery) ? SettleOutcome.SETTLED : SettleOutcome.LOST)
                .toList());
    }

    @Override
    public Duration lease() {
        return Duration.ZERO;
    }

    @Override
    public void pause(Set<Shard> shards) {
        provider.locked(() -> {
            paused = Set.copyOf(shards);
            return paused;
        });
    }

    @Override
    public void released(Shard shard) {
        provider.locked(() -> {
            // Settled as far as the engine knows, but perhaps the word of it did not arrive.
            for (InHand delivery : inHand) {
                if (delivery.queue.shard.equals(shard) && owns(delivery)) {
                    giveBack(delivery);
                }
            }
            interest.released(this, shard);
            return Collections.emptyList();
        });
    }

    @Override
    public void close() {
        provider.leave(this);
    }

    private void giveBack(InHand delivery) {
        delivery.settled = true;
        unsettled--;
        provider.giveBack(delivery.queue, delivery.entry, Duration.ZERO);
    }

    /** Gives everything in hand back. */
    void giveUp() {
        closed = true;
        for (InHand delivery : inHand) {
            if (owns(delivery)) {
                giveBack(delivery);
            }
        }
        inHand.clear();
        unsettled = 0;
        wake();
    }
}
