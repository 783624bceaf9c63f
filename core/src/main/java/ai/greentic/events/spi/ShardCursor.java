package ai.greentic.events.spi;

import ai.greentic.events.spi.OpenEvents.Open;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * How far the owner of a shard has passed a log, and what of that is not settled: for providers that keep positions of groups themselves.
 * Events are known by their numbers, which rise; the provider reads them again when they are handed over again, so that what waits costs
 * little. While an event of a key is delayed, and while a key is paused, the later ones of the key wait behind. Not thread-safe.
 *
 * <p>The provider {@link #meets meets} each event that it reads and does not {@link #knows know}, says how far it has {@link #pass looked},
 * and hands over again what {@link #takeReturned} says, all of it before it meets another event, and {@link #takeLow}. What {@link #next} and {@link #open} give, written down
 * together, is what the next owner {@link #restore restores}.
 */
public final class ShardCursor {
    /** Finds out about an event that a former owner did not settle. */
    public interface Keys {
        /** Hash of the event's key, 0 if it has none; nothing if the event is no longer kept. */
        OptionalLong of(long seq);
    }

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

    private static final byte[] NOTHING = new byte[0];

    private final Time time;
    private final int mostOpen;
    private boolean changed;

    private long next;
    private long saved;
    private final TreeMap<Long, Item> items = new TreeMap<>();
    /** How many of them are {@link State#DONE}. */
    private int done;

    private final TreeSet<Long> returned = new TreeSet<>();
    private final TreeSet<Long> low = new TreeSet<>();
    private final PriorityQueue<Item> delayed = new PriorityQueue<>(
            Comparator.<Item>comparingLong(item -> item.dueNanos).thenComparingLong(item -> item.seq));
    private final Map<Long, Blocked> blocked = new HashMap<>();

    /**
     * A shard in which nothing is open.
     *
     * @param next the first event to look at
     * @param mostOpen events that may be passed and not settled; beyond it the shard is full
     */
    public ShardCursor(Time time, long next, int mostOpen) {
        this.time = time;
        this.next = next;
        this.saved = next;
        this.mostOpen = mostOpen;
    }

    /**
     * Takes over what a former owner left open; what is no longer kept is passed over.
     *
     * @param open what {@link #open} gave
     * @throws IllegalArgumentException if that is not what it is
     */
    public void restore(byte[] open, Keys keys) {
        long nowMillis = time.now().toEpochMilli();
        OpenEvents.read(open).forEach((seq, one) -> {
            if (one.done()) {
                items.put(seq, new Item(seq, 0, State.DONE));
                done++;
                return;
            }
            OptionalLong key = keys.of(seq);
            if (key.isEmpty()) {
                return;
            }
            Item item = new Item(seq, key.getAsLong(), State.HANDED);
            items.put(seq, item);
            // The wall clock may have been set back: the delay is never longer than it was meant.
            giveBack(item, Math.max(0, Math.min(one.delayMillis(), one.dueMillis() - nowMillis)));
        });
    }

    /** The first event that was not passed. */
    public long next() {
        return next;
    }

    /** The first event that is open or was not passed: what is before it is not needed any more. */
    public long first() {
        for (Item item : items.headMap(next).values()) {
            if (item.state != State.DONE) {
                return item.seq;
            }
        }
        return next;
    }

    /** Whether an event was met and is not settled. */
    public boolean isOpen(long seq) {
        Item item = items.get(seq);
        return item != null && item.state != State.DONE;
    }

    /** Whether so much is open that nothing more is to be read. */
    public boolean isFull() {
        return items.size() >= mostOpen;
    }

    /** Whether an event was met, or passed. */
    public boolean knows(long seq) {
        return seq < next || items.containsKey(seq);
    }

    /**
     * An event is met for the first time; returns whether it is to be handed over now.
     *
     * @param key hash of its key; 0 if it has none
     * @param low whether it waits until there is nothing else
     */
    public boolean meets(long seq, long key, boolean low) {
        Item item = new Item(seq, key, State.HANDED);
        items.put(item.seq, item);
        if (low) {
            item.state = State.LOW;
            this.low.add(item.seq);
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
    public void pass(long through) {
        if (through >= next) {
            next = through + 1;
            if (done > 0) {
                forgetDone();
            }
        }
    }

    private void forgetDone() {
        int before = items.size();
        items.headMap(next).values().removeIf(item -> item.state == State.DONE);
        int forgotten = before - items.size();
        done -= forgotten;
        changed |= forgotten > 0;
    }

    /** Number of the next event to hand over again, which is then with the engine; 0 if there is none. */
    public long takeReturned() {
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
    public long takeLow() {
        Long seq = low.pollFirst();
        Item item = seq == null ? null : items.get(seq);
        if (item == null) {
            return 0;
        }
        item.state = State.HANDED;
        return item.seq;
    }

    /** The event is settled, or gone; returns whether it was with the engine. */
    public boolean end(long seq) {
        Item item = items.get(seq);
        if (item == null || item.state != State.HANDED) {
            return false;
        }
        if (seq < next) {
            items.remove(seq);
        } else {
            item.state = State.DONE;
            done++;
        }
        changed = true;
        return true;
    }

    /** Whether an event is with the engine. */
    public boolean isHanded(long seq) {
        Item item = items.get(seq);
        return item != null && item.state == State.HANDED;
    }

    /** The event is to be handed over again, not before a time; returns whether it was with the engine. */
    public boolean giveBack(long seq, Duration delay) {
        Item item = items.get(seq);
        if (item == null || item.state != State.HANDED) {
            return false;
        }
        giveBack(item, Math.max(0, delay.toMillis()));
        changed = true;
        return true;
    }

    private void giveBack(Item item, long delayMillis) {
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
    public long untilDue() {
        long nowNanos = time.nanos();
        Item first = delayed.peek();
        return first == null ? -1 : Math.max(0, first.dueNanos - nowNanos);
    }

    /** Makes ready what is due. */
    public void release() {
        long nowNanos = time.nanos();
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
    public void pauseKeys(Set<Long> keys) {
        for (Map.Entry<Long, Blocked> known : List.copyOf(blocked.entrySet())) {
            known.getValue().paused = keys.contains(known.getKey());
            unblock(known.getKey(), known.getValue());
        }
        for (Long key : keys) {
            blocked.computeIfAbsent(key, any -> new Blocked()).paused = true;
        }
    }

    /** Whether it has come further than was written down. */
    public boolean isAhead() {
        return changed || next != saved;
    }

    /** What is open, to be written down beside {@link #next}; from now on that counts as written down. */
    public byte[] open() {
        changed = false;
        saved = next;
        if (items.isEmpty()) {
            return NOTHING;
        }
        TreeMap<Long, Open> open = new TreeMap<>();
        for (Item item : items.values()) {
            Open what = item.state == State.DONE
                    ? Open.FINISHED
                    : item.state == State.DELAYED ? new Open(false, item.dueMillis, item.delayMillis) : Open.NOW;
            open.put(item.seq, what);
        }
        return OpenEvents.write(open);
    }
}
