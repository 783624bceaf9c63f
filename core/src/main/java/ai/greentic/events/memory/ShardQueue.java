package ai.greentic.events.memory;

import ai.greentic.events.Priority;
import ai.greentic.events.spi.Shard;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Events of one shard that nobody has in hand: fresh ones, those given back, and those given back with a delay. While one event of a key
 * is delayed, the later ones of the key wait behind it. Guarded by the provider's lock.
 */
final class ShardQueue {
    final Shard shard;

    @Nullable
    MemorySubscription owner;

    long epoch;
    boolean revoking;

    private final ArrayDeque<Entry> fresh = new ArrayDeque<>();
    /** Fresh ones that may overtake, and fresh ones that may be overtaken; neither has a key. */
    private final ArrayDeque<Entry> urgent = new ArrayDeque<>();

    private final ArrayDeque<Entry> unhurried = new ArrayDeque<>();
    /** Older than anything fresh, by sequence. */
    private final TreeMap<Long, Entry> returned = new TreeMap<>();

    private final PriorityQueue<Delayed> delayed =
            new PriorityQueue<>(Comparator.comparingLong(Delayed::dueNanos).thenComparingLong(d -> d.entry.sequence));
    /** Delayed events of a key, and the later ones behind them. */
    private final Map<Entry.Key, Blocked> blocked = new HashMap<>();

    private record Delayed(long dueNanos, Entry entry) {}

    private static final class Blocked {
        int delayedCount;
        final TreeMap<Long, Entry> behind = new TreeMap<>();
    }

    ShardQueue(Shard shard) {
        this.shard = shard;
    }

    void append(Entry entry) {
        Priority priority = entry.event.marks().priority();
        (priority == Priority.NORMAL ? fresh : priority == Priority.HIGH ? urgent : unhurried).addLast(entry);
    }

    void giveBack(Entry entry, long dueNanos, boolean now) {
        if (now) {
            returned.put(entry.sequence, entry);
            return;
        }
        delayed.add(new Delayed(dueNanos, entry));
        if (entry.key != null) {
            blocked.computeIfAbsent(entry.key, key -> new Blocked()).delayedCount++;
        }
    }

    boolean isEmpty() {
        return fresh.isEmpty() && returned.isEmpty() && urgent.isEmpty() && unhurried.isEmpty();
    }

    /** The next event of a priority that may be delivered, or null; what was given back counts as normal. */
    @Nullable
    Entry take(Priority priority) {
        if (priority != Priority.NORMAL) {
            return (priority == Priority.HIGH ? urgent : unhurried).pollFirst();
        }
        while (true) {
            Map.Entry<Long, Entry> oldest = returned.pollFirstEntry();
            Entry entry = oldest != null ? oldest.getValue() : fresh.pollFirst();
            if (entry == null) {
                return null;
            }
            Blocked block = entry.key == null ? null : blocked.get(entry.key);
            if (block == null) {
                return entry;
            }
            block.behind.put(entry.sequence, entry);
        }
    }

    /** Makes deliverable what is due; returns whether anything is. */
    boolean release(long nowNanos) {
        boolean any = false;
        for (Delayed next = delayed.peek(); next != null && next.dueNanos - nowNanos <= 0; next = delayed.peek()) {
            delayed.remove();
            Entry entry = next.entry;
            returned.put(entry.sequence, entry);
            any = true;
            if (entry.key != null) {
                Blocked block = java.util.Objects.requireNonNull(blocked.get(entry.key));
                if (--block.delayedCount == 0) {
                    returned.putAll(block.behind);
                    blocked.remove(entry.key);
                }
            }
        }
        return any;
    }

    /** Empties the queue. */
    void drainTo(java.util.function.Consumer<Entry> receiver) {
        fresh.forEach(receiver);
        urgent.forEach(receiver);
        unhurried.forEach(receiver);
        returned.values().forEach(receiver);
        delayed.forEach(waiting -> receiver.accept(waiting.entry));
        blocked.values().forEach(block -> block.behind.values().forEach(receiver));
        fresh.clear();
        urgent.clear();
        unhurried.clear();
        returned.clear();
        delayed.clear();
        blocked.clear();
    }
}
