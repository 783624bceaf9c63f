package ai.greentic.events.embedded;

import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;

/**
 * How many bytes of events each tenant keeps. What a process adds is written to the database once a second, or after so many
 * transactions, with a transaction that is written anyway: one page less to sync for each of the others. What a process that dies has
 * not written is missing until the counts are made anew. Belongs to the writer's thread.
 */
final class Tally {
    private static final int MOST_TRANSACTIONS = 256;
    private static final long MOST_NANOS = 1_000_000_000;

    /** As the database says, with this process's part that is written. */
    private final Map<Long, Long> known = new HashMap<>();
    /** Committed and not written. */
    private Map<Long, Long> unwritten = new HashMap<>();
    /** Of the transaction that is open. */
    private final Map<Long, Long> open = new HashMap<>();

    private boolean written;
    private int transactions;
    private long lastNanos = System.nanoTime();

    void add(long tenant, long bytes) {
        open.merge(tenant, bytes, Long::sum);
    }

    /** What a tenant keeps, as far as this process knows. */
    long of(Session session, long tenant) throws SQLException {
        Long base = known.get(tenant);
        if (base == null) {
            base = session.number("SELECT bytes FROM tenant WHERE id = ?", tenant);
            known.put(tenant, base);
        }
        return base + unwritten.getOrDefault(tenant, 0L) + open.getOrDefault(tenant, 0L);
    }

    /** The open part as it is, to come back to. */
    Map<Long, Long> save() {
        return Map.copyOf(open);
    }

    void restore(Map<Long, Long> saved) {
        open.clear();
        open.putAll(saved);
    }

    void writeIfDue(Session session) throws SQLException {
        transactions++;
        if (transactions >= MOST_TRANSACTIONS || System.nanoTime() - lastNanos > MOST_NANOS) {
            write(session);
        }
    }

    void write(Session session) throws SQLException {
        Map<Long, Long> all = new HashMap<>(unwritten);
        open.forEach((tenant, bytes) -> all.merge(tenant, bytes, Long::sum));
        for (Map.Entry<Long, Long> one : all.entrySet()) {
            session.update("UPDATE tenant SET bytes = max(0, bytes + ?) WHERE id = ?", one.getValue(), one.getKey());
        }
        written = true;
    }

    void committed() {
        if (written) {
            written = false;
            transactions = 0;
            lastNanos = System.nanoTime();
            unwritten = new HashMap<>();
            known.clear();
        } else {
            open.forEach((tenant, bytes) -> unwritten.merge(tenant, bytes, Long::sum));
        }
        open.clear();
    }

    void rolledBack() {
        written = false;
        open.clear();
    }
}
