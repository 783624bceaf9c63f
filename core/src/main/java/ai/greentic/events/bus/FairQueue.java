package ai.greentic.events.bus;

import ai.greentic.events.Tenant;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The publishes of a lane, each tenant's in a queue of its own, taken in turn by deficit round-robin (Shreedhar and Varghese, 1995): a
 * tenant with many or large events gets no more than its share while others have something to send. A tenant may occupy as much room as is
 * left free, so that a newcomer always finds some (dynamic thresholds, Choudhury and Hahne, 1998). Belongs to the lane's lock.
 */
final class FairQueue {
    private static final int QUANTUM = 2 << 10;
    private static final int IDLE_SHARES = 256;

    private final int room;
    private final ReentrantLock lock;
    private final Tasks tasks;
    private final Time time;
    private final ToIntFunction<Tenant> weights;

    private final Map<Tenant, Share> shares = new HashMap<>();
    /** Those with something ready; the first one's turn it is. */
    private final ArrayDeque<Share> turns = new ArrayDeque<>();

    private final Set<Share> withoutRoom = new LinkedHashSet<>();
    private int outstanding;
    private int ready;
    private @Nullable Share latest;

    /** One tenant's part. */
    private final class Share {
        final Tenant tenant;
        final int weight;
        final KeyedQueue<Publish> queue = new KeyedQueue<>();
        /** Taken and not done, on their way included. */
        int outstanding;

        long deficit;
        boolean hasTurn;
        boolean served;
        private @Nullable WaitingLine line;

        Share(Tenant tenant) {
            this.tenant = tenant;
            this.weight = weights.applyAsInt(tenant);
        }

        WaitingLine line() {
            WaitingLine known = line;
            if (known == null) {
                known = new WaitingLine(lock, tasks, time);
                line = known;
            }
            return known;
        }

        boolean hasRoom() {
            return outstanding < room - FairQueue.this.outstanding;
        }

        void readied() {
            ready++;
            if (!hasTurn) {
                hasTurn = true;
                turns.addLast(this);
            }
        }
    }

    /**
     * @param capacity publishes of one tenant alone; several share twice as much
     * @param weights how many turns a tenant gets for each of another's
     */
    FairQueue(int capacity, ReentrantLock lock, Tasks tasks, Time time, ToIntFunction<Tenant> weights) {
        this.room = 2 * capacity;
        this.lock = lock;
        this.tasks = tasks;
        this.time = time;
        this.weights = weights;
    }

    private Share share(Publish publish) {
        Tenant tenant = publish.event.address().tenant();
        Share share = latest;
        if (share == null || !share.tenant.equals(tenant)) {
            share = shares.get(tenant);
            if (share == null) {
                if (shares.size() >= IDLE_SHARES) {
                    shares.values()
                            .removeIf(idle -> idle.outstanding == 0 && !idle.hasTurn && !withoutRoom.contains(idle));
                    latest = null;
                }
                share = new Share(tenant);
                shares.put(tenant, share);
            }
            latest = share;
        }
        return share;
    }

    boolean hasRoom(Publish publish) {
        return share(publish).hasRoom();
    }

    /** Waits for room in the tenant's share; returns whether it was called and not out of time. */
    boolean awaitRoom(Publish publish, long deadlineNanos) throws InterruptedException {
        Share share = share(publish);
        withoutRoom.add(share);
        return share.line().await(deadlineNanos, this::callForRoom);
    }

    /** Counts a publish in; it is to be added next. */
    void admit(Publish publish) {
        share(publish).outstanding++;
        outstanding++;
    }

    /** Adds a publish that was admitted. */
    void add(Publish publish) {
        Share share = share(publish);
        if (share.queue.add(publish.key, publish)) {
            publish.state = Publish.State.READY;
            share.readied();
        } else {
            publish.state = Publish.State.BEHIND;
        }
    }

    /** Puts a publish that has its key back in front of its tenant's. */
    void putBack(Publish publish) {
        publish.state = Publish.State.READY;
        Share share = share(publish);
        share.queue.putBack(publish);
        share.readied();
    }

    /** Takes the next publish; there must be a ready one. */
    Publish poll() {
        while (true) {
            Share share = turns.getFirst();
            if (share.queue.ready() == 0) {
                endTurns(share);
                continue;
            }
            if (turns.size() == 1) {
                return take(share);
            }
            if (!share.served) {
                share.served = true;
                share.deficit += (long) QUANTUM * share.weight;
            }
            int cost = share.queue.readyItems().iterator().next().cost;
            if (cost <= share.deficit) {
                share.deficit -= cost;
                return take(share);
            }
            share.served = false;
            turns.addLast(turns.removeFirst());
        }
    }

    private Publish take(Share share) {
        ready--;
        Publish next = java.util.Objects.requireNonNull(share.queue.poll());
        if (share.queue.ready() == 0 && turns.peekFirst() == share) {
            endTurns(share);
        }
        return next;
    }

    private void endTurns(Share share) {
        turns.removeFirst();
        share.hasTurn = false;
        share.served = false;
        share.deficit = 0;
    }

    /** Takes a publish out of the ready ones; it keeps its key. */
    void removeReady(Publish publish) {
        share(publish).queue.removeReady(publish);
        ready--;
    }

    int ready() {
        return ready;
    }

    int outstanding() {
        return outstanding;
    }

    /** A ready publish that somebody waits for, of the tenant whose turn it is if there is one; or null. */
    @Nullable
    Publish firstAwaited() {
        for (Share share : turns) {
            for (Publish candidate : share.queue.readyItems()) {
                if (candidate.waiter != null) {
                    return candidate;
                }
            }
        }
        return null;
    }

    /** Ends a publish that was ready or is out: its follower becomes ready. */
    void finish(Publish publish) {
        Share share = share(publish);
        if (publish.state == Publish.State.READY) {
            removeReady(publish);
        }
        if (publish.state == Publish.State.BEHIND) {
            share.queue.removeBehind(java.util.Objects.requireNonNull(publish.key), publish);
        } else {
            Publish next = share.queue.release(publish.key);
            if (next != null) {
                next.state = Publish.State.READY;
                share.readied();
            }
        }
        share.outstanding--;
        outstanding--;
        callForRoom();
    }

    /** Calls one waiting thread for whom there is room now. */
    void callForRoom() {
        if (withoutRoom.isEmpty()) {
            return;
        }
        for (Share share : List.copyOf(withoutRoom)) {
            if (share.line().isEmpty()) {
                withoutRoom.remove(share);
            } else if (share.hasRoom()) {
                share.line().call(1);
                withoutRoom.remove(share);
                if (!share.line().isEmpty()) {
                    withoutRoom.add(share);
                }
                return;
            }
        }
    }

    /** Calls everybody who waits for room. */
    void callAll() {
        withoutRoom.forEach(share -> share.line().callAll());
    }

    /** Everything that is not with the provider. */
    List<Publish> waiting() {
        List<Publish> all = new ArrayList<>();
        for (Share share : shares.values()) {
            share.queue.readyItems().forEach(all::add);
            share.queue.behindItems().forEach(all::add);
        }
        return all;
    }
}
