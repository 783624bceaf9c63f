package ai.greentic.events.embedded;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;
import org.jspecify.annotations.Nullable;

/**
 * Reading the log. Its newest events stay in memory, from this process's commits and from what the follower fetches of the others';
 * older ones are read from the database, past the buckets in which a reader's addresses have nothing. Sequence numbers are dense: a
 * number that is missing without having been removed is damage and is said. Thread-safe.
 */
final class EventLog {
    private static final int BUCKET_BITS = 14;
    private static final int RING = 8192;
    private static final long RING_BYTES = 16L << 20;
    private static final int MOST_ROWS = 1000;

    /**
     * What a read brought.
     *
     * @param entries wanted ones, in order
     * @param through up to where the log was looked through
     */
    record Chunk(List<Entry> entries, long through) {}

    private final Database database;
    private final Set<EmbeddedSubscription> readers = new CopyOnWriteArraySet<>();
    private final Map<Long, List<EmbeddedSubscription>> audiences = new HashMap<>();
    private final @Nullable Entry[] ring = new @Nullable Entry[RING];
    private long ringBytes;
    /** The ring holds the events from here to the tail. */
    private long ringFrom;
    /** The newest event that may be delivered. */
    private long tail;

    private long newestHigh;
    private volatile long verifiedBucket = -1;
    /** Buckets whose counts were right once. */
    private final BitSet skippable = new BitSet();

    EventLog(Database database) {
        this.database = database;
    }

    static long bucket(long seq) {
        return seq >> BUCKET_BITS;
    }

    static long firstOf(long bucket) {
        return Math.max(1, bucket << BUCKET_BITS);
    }

    /** Begins at what is there already. */
    synchronized void begin(long newest, long newestHighPriority) {
        tail = newest;
        ringFrom = newest + 1;
        newestHigh = newestHighPriority;
    }

    synchronized long tail() {
        return tail;
    }

    /** The newest event of high priority that is known. */
    synchronized long newestHigh() {
        return newestHigh;
    }

    void add(EmbeddedSubscription reader) {
        readers.add(reader);
        forgetAudiences();
    }

    void remove(EmbeddedSubscription reader) {
        readers.remove(reader);
        forgetAudiences();
    }

    private synchronized void forgetAudiences() {
        audiences.clear();
    }

    /** This process has committed and synced these. */
    void committed(List<Entry> entries) {
        long first = entries.get(0).seq();
        if (first > tail() + 1) {
            catchUp(first - 1);
        }
        publish(entries);
    }

    /** Fetches what other processes have committed and synced, up to a number. */
    void catchUp(long newest) {
        long from = tail() + 1;
        if (newest - from >= RING) {
            skipTo(newest);
        } else if (newest >= from) {
            publish(rows(from, newest, RING, null));
            // What was removed meanwhile leaves no rows; nobody waits for it.
            skipTo(newest);
        }
    }

    /** Nobody who waits is spared looking for itself. */
    private synchronized void skipTo(long newest) {
        if (newest <= tail) {
            return;
        }
        tail = newest;
        clearRing();
        newestHigh = newest;
        readers.forEach(reader -> reader.arrived(-1));
    }

    private void clearRing() {
        java.util.Arrays.fill(ring, null);
        ringBytes = 0;
        ringFrom = tail + 1;
    }

    private synchronized void publish(List<Entry> entries) {
        for (Entry entry : entries) {
            if (entry.seq() <= tail) {
                continue;
            }
            if (entry.seq() != tail + 1) {
                tail = entry.seq() - 1;
                clearRing();
            }
            keep(entry);
            if (entry.record().priority() > 0) {
                newestHigh = entry.seq();
            }
            for (EmbeddedSubscription reader : audience(entry.address())) {
                reader.arrived(entry.seq());
            }
        }
    }

    private void keep(Entry entry) {
        long size = entry.record().body().length;
        while (ringFrom <= tail && (tail + 1 - ringFrom >= RING || ringBytes + size > RING_BYTES)) {
            int oldest = (int) (ringFrom % RING);
            Entry dropped = ring[oldest];
            ringBytes -= dropped == null ? 0 : dropped.record().body().length;
            ring[oldest] = null;
            ringFrom++;
        }
        tail = entry.seq();
        ring[(int) (tail % RING)] = entry;
        ringBytes += size;
    }

    private List<EmbeddedSubscription> audience(long address) {
        List<EmbeddedSubscription> known = audiences.get(address);
        if (known == null) {
            known = readers.stream()
                    .filter(reader -> reader.interest.wants(address))
                    .toList();
            audiences.put(address, known);
        }
        return known;
    }

    /**
     * Lets a reader rest if it has seen everything.
     *
     * @param next the first number that it has not seen
     * @return whether there is nothing more
     */
    synchronized boolean rest(EmbeddedSubscription reader, long next) {
        if (next <= tail) {
            return false;
        }
        reader.resting(next);
        return true;
    }

    /**
     * Where a reader that rested may go on: everything between its rest and there was not for it. 0 if it must look for itself.
     */
    synchronized long resume(EmbeddedSubscription reader) {
        return reader.takeResume();
    }

    /** Reads on from a number. */
    Chunk read(long from, int max, Interest interest) {
        long newest;
        synchronized (this) {
            newest = tail;
            if (from >= ringFrom) {
                return readRing(from, max, interest);
            }
            newest = Math.min(newest, ringFrom - 1);
        }
        return readRows(from, newest, max, interest);
    }

    private Chunk readRing(long from, int max, Interest interest) {
        List<Entry> found = new ArrayList<>();
        long seq = from;
        for (; seq <= tail && found.size() < max; seq++) {
            Entry entry = ring[(int) (seq % RING)];
            if (entry != null && interest.wants(entry.address())) {
                found.add(entry);
            }
        }
        return new Chunk(found, seq - 1);
    }

    private Chunk readRows(long from, long newest, int max, Interest interest) {
        interest.refresh();
        List<Long> few = interest.few();
        long start = from;
        if (few != null) {
            long bucket = nextBucket(few, bucket(from));
            boolean none = bucket < 0 || firstOf(bucket) > newest;
            verifySkipped(bucket(from), none ? bucket(newest) + 1 : bucket);
            if (none) {
                return new Chunk(List.of(), newest);
            }
            start = Math.max(from, firstOf(bucket));
        }
        int limit = Math.min(MOST_ROWS, Math.max(MOST_ROWS / 4, max * 2));
        List<Entry> rows = rows(start, newest, limit, few);
        checkDense(rows, start, rows.size() < limit ? newest : -1);
        List<Entry> found = new ArrayList<>();
        for (Entry entry : rows) {
            if (interest.wants(entry.address())) {
                found.add(entry);
                if (found.size() == max) {
                    return new Chunk(found, entry.seq());
                }
            }
        }
        return new Chunk(
                found, rows.size() < limit ? newest : rows.get(rows.size() - 1).seq());
    }

    private long nextBucket(List<Long> addresses, long from) {
        return database.read(session -> {
            long next = -1;
            for (Long address : addresses) {
                Long bucket = session.first(
                        "SELECT bucket FROM span WHERE addr = ? AND bucket >= ? AND n > 0 ORDER BY bucket LIMIT 1",
                        row -> row.getLong(1),
                        address,
                        from);
                if (bucket != null && (next < 0 || bucket < next)) {
                    next = bucket;
                }
            }
            return next;
        });
    }

    /** Rows of the log; the bodies of addresses that are not among the few stay empty. */
    private List<Entry> rows(long from, long newest, int limit, @Nullable List<Long> few) {
        String body = few == null || few.size() > 8
                ? "body"
                : "CASE WHEN place >> 32 IN (" + "?, ".repeat(Math.max(0, few.size() - 1))
                        + "?) THEN body ELSE x'' END";
        List<Object> arguments = new ArrayList<>();
        if (!body.equals("body") && few != null) {
            if (few.isEmpty()) {
                arguments.add(-1L);
            }
            arguments.addAll(few);
        }
        arguments.add(from);
        arguments.add(newest);
        arguments.add((long) limit);
        return database.read(session -> session.list(
                "SELECT seq, place, " + body + " FROM event WHERE seq >= ? AND seq <= ? ORDER BY seq LIMIT ?",
                row -> entry(row.getLong(1), row.getLong(2), row.getBytes(3)),
                arguments.toArray()));
    }

    private Entry entry(long seq, long place, byte[] body) {
        if (!StoredEvent.fits(seq, place)) {
            throw damaged("the row of event " + seq + " does not fit its own check");
        }
        return new Entry(seq, StoredEvent.addressOf(place), StoredEvent.read(body));
    }

    /** One event, or null if it is no longer kept. */
    @Nullable
    Entry entry(long seq) {
        synchronized (this) {
            Entry kept = seq >= ringFrom && seq <= tail ? ring[(int) (seq % RING)] : null;
            if (kept != null) {
                return kept;
            }
        }
        return database.first(
                "SELECT place, body FROM event WHERE seq = ?", row -> entry(seq, row.getLong(1), row.getBytes(2)), seq);
    }

    private void checkDense(List<Entry> rows, long from, long newest) {
        long expected = from;
        for (Entry row : rows) {
            if (row.seq() < expected) {
                throw damaged("event " + row.seq() + " comes after event " + (expected - 1));
            }
            if (row.seq() > expected) {
                verify(expected, row.seq() - 1);
            }
            expected = row.seq() + 1;
        }
        if (expected <= newest) {
            verify(expected, newest);
        }
    }

    /** What a bucket holds: by the counts, by its rows, and numbers that were given in it. */
    private record Holding(long counted, long rows, long given) {}

    /** Distinct rows, for a damaged tree may lead to the same ones twice. */
    private Holding holding(long bucket) {
        long first = firstOf(bucket);
        long end = firstOf(bucket + 1);
        Holding holding = database.first(
                "SELECT (SELECT coalesce(sum(s.n), 0) FROM span_of_bucket b JOIN span s ON s.addr = b.addr AND s.bucket = b.bucket"
                        + " WHERE b.bucket = ?), (SELECT count(DISTINCT seq) FROM event WHERE seq >= ? AND seq < ?),"
                        + " (SELECT seq FROM state WHERE id = 1)",
                row -> new Holding(row.getLong(1), row.getLong(2), Math.min(end - 1, row.getLong(3)) - first + 1),
                bucket,
                first,
                end);
        return java.util.Objects.requireNonNull(holding);
    }

    /** Numbers are missing: they must have been removed, which their buckets' counts tell. */
    private void verify(long from, long through) {
        for (long bucket = bucket(from); bucket <= bucket(through); bucket++) {
            if (bucket == verifiedBucket) {
                continue;
            }
            Holding holding = holding(bucket);
            if (holding.counted == holding.given) {
                throw damaged("nothing was removed between " + firstOf(bucket) + " and " + (firstOf(bucket + 1) - 1)
                        + ", and yet events are missing between " + from + " and " + through);
            }
            refuseDifference(bucket, holding);
            verifiedBucket = bucket;
        }
    }

    /** A reader's addresses have nothing in these buckets, which holds only if the counts are right. Looked at once each. */
    private void verifySkipped(long from, long before) {
        for (long bucket = from; bucket < before; bucket++) {
            if (!isSkippable(bucket)) {
                refuseDifference(bucket, holding(bucket));
                synchronized (this) {
                    skippable.set((int) bucket);
                }
            }
        }
    }

    private synchronized boolean isSkippable(long bucket) {
        return skippable.get((int) bucket);
    }

    private void refuseDifference(long bucket, Holding holding) {
        if (holding.counted != holding.rows) {
            throw damaged("there should be " + holding.counted + " events between " + firstOf(bucket) + " and "
                    + (firstOf(bucket + 1) - 1) + ", and there are " + holding.rows);
        }
    }

    /** Events were removed: what was verified is to be verified again, and what is in memory may be gone. */
    synchronized void removed() {
        verifiedBucket = -1;
        clearRing();
    }

    private EventsException damaged(String what) {
        return new EventsException(
                ErrorCode.STORE_CORRUPT,
                "store " + database.path + " is damaged: " + what
                        + "; run doctor to see all of it, then restore a backup, or accept the loss with doctor --repair");
    }
}
