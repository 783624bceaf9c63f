package ai.greentic.events.embedded;

import ai.greentic.events.embedded.OpenEvents.Open;
import ai.greentic.events.spi.Time;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A shard as its owner has it in memory: how far it has passed the log, and what of that is not settled. Events are known by their
 * numbers and read again when they are handed over again, so that what waits costs little. Guarded by its subscription.
 */
final class ShardState {
    /** Events of a shard that may be passed and not settled; beyond it the shard waits. */
    static final int MOST_OPEN = 10_000;

    private enum State {
        /** With the engine. */
        HANDED,
        /** To be handed over again. */
        RETURNED,
        /** Not before its time. */
        DELAYED,
        /** Behind a delayed one of its key. */
        BEHIND,
        /** Of low priority: when there is nothing else. */
        LOW,
        /** Settled ahead of those before it. */
        DONE
    }

    private static final class Item {
        final long seq;
        final long key;
        State state;
        long dueNanos;
        long dueMillis;
        long delayMillis;

        Item(long seq, long key, State state) {
            this.seq = seq;
            this.key = key;
            this.state = state;
        }
    }

    /** A key with delayed events, or one that is paused, and what waits behind. */
    private static final class Blocked {
        int delayed;
        boolean paused;
        final TreeSet<Long> behind = new TreeSet<>();
    }

    final int index;
    final long epoch;
    boolean revoking;
    private boolean changed;

    private long next;
    private long saved;
    private final TreeMap<Long, Item> items = new TreeMap<>();
    private final TreeSet<Long> returned = new TreeSet<>();
    private final TreeSet<Long> low = new TreeSet<>();
    private final PriorityQueue<Item> delayed = new PriorityQueue<>(
            Comparator.<Item>comparingLong(item -> item.dueNanos).thenComparingLong(item -> item.seq));
    private final Map<Long, Blocked> blocked = new HashMap<>();

    ShardState(int index, long epoch, long next) {
        this.index = index;
        this.epoch = epoch;
        this.next = next;
        this.saved = next;
    }

    /** Takes over what a former owner left; what is no longer kept is passed over. */
    static ShardState load(Groups.Row row, EventLog log, Time time) {
        ShardState state = new ShardState(row.shard(), row.epoch(), row.next());
        long nowMillis = time.now().toEpochMilli();
        OpenEvents.read(row.open()).forEach((seq, open) -> {
            if (open.done()) {
                state.items.put(seq, new Item(seq, 0, State.DONE));
                return;
            }
            Entry entry = log.entry(seq);
            if (entry == null) {
                return;
            }
            long key = entry.record().isIntact() ? entry.record().key() : 0;
            Item item = new Item(seq, key, State.HANDED);
            state.items.put(seq, item);
            // The wall clock may have been set back: the delay is never longer than it was meant.
            long left = Math.max(0, Math.min(open.delayMillis(), open.dueMillis() - nowMillis));
            state.giveBack(item, left, time);
        });
        return state;
    }

    /** The first event that was not passed. */
    long next() {
        return next;
    }

    boolean isFull() {
        return items.size() >= MOST_OPEN;
    }

    /** How many events are passed and not settled. */
    int open() {
        return items.size();
    }

    boolean knows(long seq) {
        return seq < next || items.containsKey(seq);
    }

    /** An event is met for the first time; returns whether it is to be handed over now. */
    boolean meets(Entry entry, boolean lowWaits) {
        boolean intact = entry.record().isIntact();
        long key = intact ? entry.record().key() : 0;
        Item item = new Item(entry.seq(), key, State.HANDED);
        items.put(item.seq, item);
        if (lowWaits && intact && entry.record().priority() < 0) {
            item.state = State.LOW;
            low.add(item.seq);
            return false;
        }
        return !waitsBehind(item);
    }

    private boolean waitsBehind(Item item) {
        Blocked block = item.key == 0 ? null : blocked.get(item.key);
        if (block != null) {
            item.state = State.BEHIND;
            block.behind.add(item.seq);
        }
        return block != null;
    }

    /** Everything up to a number was looked through. */
    void pass(long through) {
        if (through >= next) {
            next = through + 1;
            changed |= items.headMap(next).values().removeIf(item -> item.state == State.DONE);
        }
    }

    /** Number of the next event to hand over again, which is then with the engine; 0 if there is none. */
    long takeReturned() {
        for (Long seq = returned.pollFirst(); seq != null; seq = returned.pollFirst()) {
            Item item = items.get(seq);
            if (item != null && !waitsBehind(item)) {
                item.state = State.HANDED;
                return seq;
            }
        }
        return 0;
    }

    /** As {@link #takeReturned}, of those of low priority. */
    long takeLow() {
        Long seq = low.pollFirst();
        Item item = seq == null ? null : items.get(seq);
        if (item == null) {
            return 0;
        }
        item.state = State.HANDED;
        return item.seq;
    }

    /** The event is settled, or gone; returns whether it was with the engine. */
    boolean end(long seq) {
        Item item = items.get(seq);
        if (item == null || item.state != State.HANDED) {
            return false;
        }
        if (seq < next) {
            items.remove(seq);
        } else {
            item.state = State.DONE;
        }
        changed = true;
        return true;
    }

    /** Whether an event is with the engine. */
    boolean isHanded(long seq) {
        Item item = items.get(seq);
        return item != null && item.state == State.HANDED;
    }

    /** The event is to be handed over again, not before a time; returns whether it was with the engine. */
    boolean giveBack(long seq, Duration delay, Time time) {
        Item item = items.get(seq);
        if (item == null || item.state != State.HANDED) {
            return false;
        }
        giveBack(item, Math.max(0, delay.toMillis()), time);
        changed = true;
        return true;
    }

    private void giveBack(Item item, long delayMillis, Time time) {
        if (delayMillis <= 0) {
            item.state = State.RETURNED;
            returned.add(item.seq);
            return;
        }
        item.state = State.DELAYED;
        item.delayMillis = delayMillis;
        // A millisecond more, since both clocks round down.
        item.dueNanos = time.nanos() + Duration.ofMillis(delayMillis).toNanos();
        item.dueMillis = time.now().toEpochMilli() + delayMillis + 1;
        delayed.add(item);
        if (item.key != 0) {
            blocked.computeIfAbsent(item.key, any -> new Blocked()).delayed++;
        }
    }

    /** Nanoseconds until the next delayed event is due; -1 if there is none. */
    long untilDue(long nowNanos) {
        Item first = delayed.peek();
        return first == null ? -1 : Math.max(0, first.dueNanos - nowNanos);
    }

    /** Makes ready what is due. */
    void release(long nowNanos) {
        for (Item item = delayed.peek(); item != null && item.dueNanos - nowNanos <= 0; item = delayed.peek()) {
            delayed.remove();
            item.state = State.RETURNED;
            item.dueMillis = 0;
            returned.add(item.seq);
            Blocked block = blocked.get(item.key);
            if (block != null && --block.delayed == 0) {
                unblock(item.key, block);
            }
        }
    }

    private void unblock(long key, Blocked block) {
        if (block.delayed > 0 || block.paused) {
            return;
        }
        blocked.remove(key);
        for (Long behind : block.behind) {
            Item follower = items.get(behind);
            if (follower != null) {
                follower.state = State.RETURNED;
                returned.add(behind);
            }
        }
    }

    /** Hands over nothing of these keys any more, and of the others again. */
    void pauseKeys(Set<Long> keys) {
        for (Map.Entry<Long, Blocked> known : List.copyOf(blocked.entrySet())) {
            known.getValue().paused = keys.contains(known.getKey());
            unblock(known.getKey(), known.getValue());
        }
        for (Long key : keys) {
            blocked.computeIfAbsent(key, any -> new Blocked()).paused = true;
        }
    }

    /** Whether it has come further than was written down. */
    boolean isAhead() {
        return changed || next != saved;
    }

    /** What to write down. */
    Groups.Progress progress() {
        changed = false;
        saved = next;
        TreeMap<Long, Open> open = new TreeMap<>();
        for (Item item : items.values()) {
            Open what = item.state == State.DONE
                    ? Open.FINISHED
                    : item.state == State.DELAYED ? new Open(false, item.dueMillis, item.delayMillis) : Open.NOW;
            open.put(item.seq, what);
        }
        return new Groups.Progress(index, epoch, next, open);
    }
}
