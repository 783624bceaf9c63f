package ai.greentic.events.embedded;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A group of works that commit together: the writing session, the numbers that the group hands out, and what it will add to the
 * counts. Belongs to the committer's thread.
 */
final class Transaction {
    static final int CLOCK_STEP_MILLIS = 1_000;

    final Session session;
    final Tally tally;
    /** Wall-clock milliseconds, never less than those of an earlier transaction. */
    long clock;

    private long number;
    private long lastEvent;
    private long bytes;
    private boolean clockNoted;
    private boolean membershipChanged;
    private List<Entry> appended = new ArrayList<>();
    private final Map<Span, long[]> spans = new HashMap<>();
    private final Map<Long, Usage> tenants = new HashMap<>();
    private final List<Runnable> afterCommit = new ArrayList<>();
    private final List<Runnable> onRollback = new ArrayList<>();

    private record Span(long address, long bucket) {}

    /** What a tenant keeps beside its events. */
    static final class Usage {
        long keys;
        long letters;
        long letterBytes;
        boolean changed;
    }

    private Transaction(
            Session session,
            Tally tally,
            long number,
            long lastEvent,
            long bytes,
            long lastClock,
            long lastNoted,
            long nowMillis) {
        this.session = session;
        this.tally = tally;
        this.number = number;
        this.lastEvent = lastEvent;
        this.bytes = bytes;
        this.clock = Math.max(lastClock, nowMillis);
        this.clockNoted = clock - lastNoted < CLOCK_STEP_MILLIS;
    }

    static Transaction begin(Session session, Tally tally, long nowMillis) throws SQLException {
        session.begin();
        try {
            return present(
                    session.first(
                            "SELECT tx, seq, bytes, clock, coalesce((SELECT at FROM clock ORDER BY seq DESC LIMIT 1), 0)"
                                    + " FROM state WHERE id = 1",
                            row -> new Transaction(
                                    session,
                                    tally,
                                    row.getLong(1) + 1,
                                    row.getLong(2),
                                    row.getLong(3),
                                    row.getLong(4),
                                    row.getLong(5),
                                    nowMillis)),
                    "the state row");
        } catch (SQLException e) {
            session.rollback();
            throw e;
        }
    }

    /** Number of this transaction: the next one's is larger by one. */
    long number() {
        return number;
    }

    long lastEvent() {
        return lastEvent;
    }

    /** Bytes of all events that are kept. */
    long bytes() {
        return bytes;
    }

    List<Entry> appended() {
        return appended;
    }

    List<Runnable> afterCommit() {
        return afterCommit;
    }

    boolean changedMembership() {
        return membershipChanged;
    }

    /** Something to do once this is committed and, if its work asked for that, synced; not if it is rolled back. */
    void afterCommit(Runnable what) {
        afterCommit.add(what);
    }

    /** Something that undoes what was remembered outside the database. */
    void onRollback(Runnable what) {
        onRollback.add(what);
    }

    void membershipChanged() {
        membershipChanged = true;
    }

    /** Appends an event to the log and returns its entry. */
    Entry append(long address, long tenant, StoredEvent record) throws SQLException {
        long seq = lastEvent + 1;
        if (!clockNoted) {
            clockNoted = true;
            session.update("INSERT INTO clock VALUES (?, ?) ON CONFLICT DO NOTHING", seq, clock);
        }
        PreparedStatement insert = session.prepared("INSERT INTO event VALUES (?, ?, ?)");
        insert.setLong(1, seq);
        insert.setLong(2, StoredEvent.place(seq, address));
        insert.setBytes(3, record.body());
        insert.executeUpdate();
        int priority = record.priority();
        if (priority != 0) {
            session.update("INSERT INTO priority VALUES (?, ?, ?)", priority, seq, address);
        }
        lastEvent = seq;
        int size = record.body().length;
        bytes += size;
        long[] span = spans.computeIfAbsent(new Span(address, EventLog.bucket(seq)), any -> new long[2]);
        span[0]++;
        span[1] += size;
        tally.add(tenant, size);
        Entry entry = new Entry(seq, address, record);
        appended.add(entry);
        return entry;
    }

    /** Events were removed from the log. */
    void removed(long tenant, long size) {
        bytes -= size;
        tally.add(tenant, -size);
    }

    /** What a tenant keeps, to be changed; {@link Usage#changed} says so. */
    Usage usage(long tenant) throws SQLException {
        Usage known = tenants.get(tenant);
        if (known == null) {
            known = session.first(
                    "SELECT keys, letters, letter_bytes FROM tenant WHERE id = ?",
                    row -> {
                        Usage usage = new Usage();
                        usage.keys = row.getLong(1);
                        usage.letters = row.getLong(2);
                        usage.letterBytes = row.getLong(3);
                        return usage;
                    },
                    tenant);
            if (known == null) {
                throw new SQLException("tenant " + tenant + " is missing");
            }
            tenants.put(tenant, known);
        }
        return known;
    }

    /** Writes the counts and commits. */
    void commit() throws SQLException {
        for (Map.Entry<Span, long[]> span : spans.entrySet()) {
            count(span.getKey(), span.getValue()[0], span.getValue()[1]);
        }
        for (Map.Entry<Long, Usage> tenant : tenants.entrySet()) {
            Usage usage = tenant.getValue();
            if (usage.changed) {
                session.update(
                        "UPDATE tenant SET keys = ?, letters = ?, letter_bytes = ? WHERE id = ?",
                        usage.keys,
                        usage.letters,
                        usage.letterBytes,
                        tenant.getKey());
            }
        }
        tally.writeIfDue(session);
        session.update(
                "UPDATE state SET tx = ?, seq = ?, bytes = ?, clock = ?, membership = membership + ? WHERE id = 1",
                number,
                lastEvent,
                bytes,
                clock,
                membershipChanged ? 1 : 0);
        session.commit();
        tally.committed();
    }

    private void count(Span span, long events, long size) throws SQLException {
        int known = session.update(
                "UPDATE span SET n = n + ?, bytes = bytes + ? WHERE addr = ? AND bucket = ?",
                events,
                size,
                span.address,
                span.bucket);
        if (known == 0) {
            session.update("INSERT INTO span VALUES (?, ?, ?, ?)", span.address, span.bucket, events, size);
            session.update("INSERT INTO span_of_bucket VALUES (?, ?)", span.bucket, span.address);
        }
    }

    void rollback() throws SQLException {
        onRollback.forEach(Runnable::run);
        tally.rolledBack();
        session.rollback();
    }

    /** The counts as they are, to come back to with {@link #restore} when one work of the group fails. */
    Saved save() {
        Map<Span, long[]> spansNow = new HashMap<>();
        spans.forEach((span, counts) -> spansNow.put(span, counts.clone()));
        Map<Long, Usage> tenantsNow = new HashMap<>();
        tenants.forEach((tenant, usage) -> tenantsNow.put(tenant, copy(usage)));
        return new Saved(
                lastEvent,
                bytes,
                tally.save(),
                clockNoted,
                membershipChanged,
                appended.size(),
                afterCommit.size(),
                spansNow,
                tenantsNow);
    }

    record Saved(
            long lastEvent,
            long bytes,
            Map<Long, Long> tally,
            boolean clockNoted,
            boolean membershipChanged,
            int appended,
            int afterCommit,
            Map<?, long[]> spans,
            Map<Long, Usage> tenants) {}

    @SuppressWarnings("unchecked")
    void restore(Saved saved) {
        onRollback.forEach(Runnable::run);
        lastEvent = saved.lastEvent;
        bytes = saved.bytes;
        tally.restore(saved.tally);
        clockNoted = saved.clockNoted;
        membershipChanged = saved.membershipChanged;
        appended = new ArrayList<>(appended.subList(0, saved.appended));
        afterCommit.subList(saved.afterCommit, afterCommit.size()).clear();
        spans.clear();
        spans.putAll((Map<Span, long[]>) saved.spans);
        tenants.clear();
        tenants.putAll(saved.tenants);
    }

    private static Usage copy(Usage usage) {
        Usage copy = new Usage();
        copy.keys = usage.keys;
        copy.letters = usage.letters;
        copy.letterBytes = usage.letterBytes;
        copy.changed = usage.changed;
        return copy;
    }

    /** A row that was there a moment ago. */
    static <T> T present(@Nullable T row, String what) throws SQLException {
        if (row == null) {
            throw new SQLException(what + " is missing");
        }
        return row;
    }
}
