package ai.greentic.events.embedded;

import ai.greentic.events.embedded.Addresses.Address;
import ai.greentic.events.spi.OpenEvents;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Removes events that every group which wants them has settled: those older than the time to keep, and the oldest beyond the bytes to
 * keep. What a group has not settled stays, however old; when that fills the store, publishing is refused. Works from the oldest bucket
 * on, a thousand events at a time.
 */
final class Retention {
    private static final Logger LOG = LoggerFactory.getLogger(Retention.class);
    private static final int STEP = 1000;

    private final Store store;

    /** How far a group has come: it needs everything from here on. */
    private record Need(String log, String env, String tenant, List<String> patterns, long from) {
        boolean wants(Address address) {
            return log.equals(address.log())
                    && env.equals(address.topic().tenant().env())
                    && (tenant.equals("*")
                            || tenant.equals(address.topic().tenant().name()))
                    && patterns.stream()
                            .anyMatch(pattern -> ai.greentic.events.TopicPattern.of(pattern)
                                    .matches(address.topic().topic()));
        }
    }

    Retention(Store store) {
        this.store = store;
    }

    void run() {
        long cutoff = store.time.now().minus(store.settings.keepFor()).toEpochMilli();
        long old = olderThan(cutoff);
        long wanted = wantedBytes();
        long bytes = bytes();
        if (old <= 1 && bytes <= wanted) {
            return;
        }
        List<Need> needs = needs();
        long last = EventLog.bucket(store.log.tail());
        long removed = 0;
        List<Long> buckets = store.database.read(session -> session.list(
                "SELECT DISTINCT bucket FROM span_of_bucket WHERE bucket <= ? ORDER BY bucket LIMIT 100000",
                row -> row.getLong(1),
                last));
        for (long bucket : buckets) {
            long before = Math.min(EventLog.firstOf(bucket + 1), store.log.tail() + 1);
            boolean excess = bytes - removed > wanted;
            if (!excess) {
                before = Math.min(before, old);
            }
            if (before <= EventLog.firstOf(bucket)) {
                break;
            }
            removed += clear(bucket, before, needs, excess ? bytes - removed - wanted : Long.MAX_VALUE);
        }
        if (removed > 0) {
            store.log.removed();
            int unused = store.committer.call(
                    false,
                    tx -> tx.session.update("DELETE FROM clock WHERE seq < (SELECT coalesce(max(c.seq), 0) FROM clock c"
                            + " WHERE c.seq <= (SELECT min(seq) FROM event))"));
            LOG.info("store {}: {} bytes of settled events removed", store.directory(), removed);
        }
    }

    /** Events before this number were accepted before a time. */
    private long olderThan(long millis) {
        return store.database.read(session -> {
            Long first = session.first(
                    "SELECT seq FROM clock WHERE at >= ? ORDER BY seq LIMIT 1", row -> row.getLong(1), millis);
            if (first != null) {
                return first;
            }
            // Between two rows of the clock there is less than its step.
            long newest = session.number("SELECT coalesce(max(at), 0) FROM clock");
            boolean all = newest > 0 && newest + Transaction.CLOCK_STEP_MILLIS < millis;
            return all ? store.log.tail() + 1 : session.number("SELECT coalesce(max(seq), 0) FROM clock");
        });
    }

    private long bytes() {
        return store.database.read(session -> session.number("SELECT bytes FROM state WHERE id = 1"));
    }

    /** So many bytes may stay: fewer than the setting says when the store is nearly full. */
    private long wantedBytes() {
        long most = store.settings.maxBytes() - store.settings.maxBytes() / 10;
        return Math.min(store.settings.keepBytes(), most);
    }

    private List<Need> needs() {
        record Group(long id, String log, String env, String tenant, List<String> patterns) {}
        return store.database.read(session -> {
            List<Need> needs = new ArrayList<>();
            for (Group group : session.list(
                    "SELECT id, log, env, tenant, patterns FROM grp",
                    row -> new Group(
                            row.getLong(1),
                            row.getString(2),
                            row.getString(3),
                            row.getString(4),
                            List.of(row.getString(5).split("\n", -1))))) {
                long from = Long.MAX_VALUE;
                for (Groups.Row row : Groups.rows(session, group.id)) {
                    from = Math.min(from, first(row));
                }
                needs.add(new Need(group.log, group.env, group.tenant, group.patterns, from));
            }
            return needs;
        });
    }

    /** The first event that a shard still needs. */
    static long first(Groups.Row row) {
        for (Map.Entry<Long, OpenEvents.Open> open : OpenEvents.read(row.open()).entrySet()) {
            if (!open.getValue().done()) {
                return Math.min(row.next(), open.getKey());
            }
        }
        return row.next();
    }

    /** Removes from a bucket what is before a number and nobody needs, the oldest first; returns how many bytes. */
    private long clear(long bucket, long before, List<Need> needs, long enough) {
        Map<Long, Long> limits = new TreeMap<>();
        for (Long id : store.database.read(session ->
                session.list("SELECT addr FROM span_of_bucket WHERE bucket = ?", row -> row.getLong(1), bucket))) {
            Address address = store.addresses.byId(id);
            if (address != null) {
                long limit = needs.stream()
                        .filter(need -> need.wants(address))
                        .mapToLong(Need::from)
                        .min()
                        .orElse(Long.MAX_VALUE);
                limits.put(id, Math.min(limit, before));
            }
        }
        limits.values().removeIf(limit -> limit <= EventLog.firstOf(bucket));
        long removed = 0;
        long from = EventLog.firstOf(bucket);
        while (from < before && !limits.isEmpty() && removed < enough) {
            long through = Math.min(before, from + STEP);
            long first = from;
            removed += store.committer.call(false, tx -> clear(tx, bucket, first, through, limits));
            from = through;
        }
        return removed;
    }

    private static final class Count {
        long events;
        long bytes;
        long newest;
    }

    private long clear(Transaction tx, long bucket, long from, long before, Map<Long, Long> limits)
            throws SQLException {
        Map<Long, Count> counts = new HashMap<>();
        List<Long> gone = new ArrayList<>();
        tx.session.list(
                "SELECT seq, place, length(body) FROM event WHERE seq >= ? AND seq < ? ORDER BY seq",
                row -> {
                    long seq = row.getLong(1);
                    long address = StoredEvent.addressOf(row.getLong(2));
                    if (seq < limits.getOrDefault(address, 0L)) {
                        gone.add(seq);
                        Count count = counts.computeIfAbsent(address, any -> new Count());
                        count.events++;
                        count.bytes += row.getLong(3);
                        count.newest = seq;
                    }
                    return row;
                },
                from,
                before);
        for (Long seq : gone) {
            tx.session.update("DELETE FROM event WHERE seq = ?", seq);
        }
        String dead = counts.keySet().stream().map(String::valueOf).collect(Collectors.joining(","));
        if (!dead.isEmpty()) {
            tx.session.execute("DELETE FROM priority WHERE seq >= " + from + " AND seq < " + before + " AND addr IN ("
                    + dead + ") AND NOT EXISTS (SELECT 1 FROM event e WHERE e.seq = priority.seq)");
        }
        long bytes = 0;
        for (Map.Entry<Long, Count> one : counts.entrySet()) {
            Count count = one.getValue();
            bytes += count.bytes;
            long id = one.getKey();
            Address address = Transaction.present(store.addresses.byId(id), "an address");
            tx.removed(address.tenant(), count.bytes);
            tx.session.update("UPDATE address SET purged = max(purged, ?) WHERE id = ?", count.newest, id);
            tx.session.update(
                    "UPDATE span SET n = n - ?, bytes = bytes - ? WHERE addr = ? AND bucket = ?",
                    count.events,
                    count.bytes,
                    id,
                    bucket);
            if (tx.session.update("DELETE FROM span WHERE addr = ? AND bucket = ? AND n <= 0", id, bucket) > 0) {
                tx.session.update("DELETE FROM span_of_bucket WHERE bucket = ? AND addr = ?", bucket, id);
            }
        }
        return bytes;
    }
}
