package ai.greentic.events.embedded;

import ai.greentic.events.EventsException;
import ai.greentic.events.embedded.Addresses.Address;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What goes on by itself. One thread follows the other processes: it looks at their marks, which costs nothing, after a millisecond when
 * there was something and after twenty when there was not, and has due events appended. Another one, once a second, looks for dead
 * members, keeps the log short, and removes what nobody needs any more. A task that fails is said and tried again.
 */
final class Upkeep {
    private static final Logger LOG = LoggerFactory.getLogger(Upkeep.class);
    private static final long SHORTEST_WAIT = 1_000_000;
    private static final long LONGEST_WAIT = 20_000_000;
    private static final long ROUND = 1_000_000_000;
    private static final int ROUNDS_A_RETENTION = 30;
    private static final int ROUNDS_A_SAVE = 10;
    private static final long LONG_LOG = 32L << 20;

    /** A page in the log, with its header. */
    private static final long FRAME = 4096 + 24;

    private static final int MOST_DUE = 1000;
    private static final Duration FORGET_ATTEMPTS = Duration.ofDays(30);

    private final Store store;
    private final Retention retention;
    private volatile boolean closed;
    private volatile boolean hurried;
    private @Nullable Thread follower;
    private @Nullable Thread keeper;
    private long membership;
    private int claimsPart;
    private int round;

    Upkeep(Store store) {
        this.store = store;
        this.retention = new Retention(store);
    }

    void start(String name) {
        membership = store.processes.membership();
        follower = Threads.start(name + "-follower", this::follow);
        keeper = Threads.start(name + "-keeper", this::keep);
    }

    /** Removes what can be removed soon: somebody needs the room. */
    void hurry() {
        hurried = true;
        LockSupport.unpark(keeper);
    }

    // Following.

    private void follow() {
        long wait = SHORTEST_WAIT;
        while (!closed) {
            LockSupport.parkNanos(this, wait);
            boolean any = false;
            try {
                any = lookAround();
            } catch (RuntimeException | Error e) {
                LOG.error("store {}: other processes' events could not be read; trying again", store.directory(), e);
                wait = ROUND;
                continue;
            }
            wait = any ? SHORTEST_WAIT : Math.min(LONGEST_WAIT, wait * 2);
        }
    }

    private boolean lookAround() {
        store.processes.beat();
        boolean any = false;
        long newest = store.processes.syncedEventOfOthers();
        if (newest > store.log.tail()) {
            store.log.catchUp(newest);
            any = true;
        }
        long members = store.processes.membership();
        if (members != membership) {
            membership = members;
            store.membershipChanged();
            any = true;
        }
        if (store.takeDue(store.time.now().toEpochMilli())) {
            appendDue();
        }
        return any;
    }

    /** Appends scheduled events whose time has come. */
    private void appendDue() {
        @SuppressWarnings("ArrayRecordComponent")
        record Later(long due, long n, long address, byte[] body) {}
        int count = store.committer.call(true, tx -> {
            long now = store.time.now().toEpochMilli();
            List<Later> due = tx.session.list(
                    "SELECT due, n, addr, body FROM later WHERE due <= ? ORDER BY due, n LIMIT ?",
                    row -> new Later(row.getLong(1), row.getLong(2), row.getLong(3), row.getBytes(4)),
                    now,
                    (long) MOST_DUE);
            for (Later later : due) {
                tx.session.update("DELETE FROM later WHERE due = ? AND n = ?", later.due, later.n);
                Address address = Transaction.present(store.addresses.byId(later.address), "address of a later event");
                tx.tally.add(address.tenant(), -later.body.length);
                tx.append(address.id(), address.tenant(), StoredEvent.read(later.body));
            }
            return due.size();
        });
        if (count == MOST_DUE) {
            store.dueAt(0);
        }
        lookForDue();
    }

    private void lookForDue() {
        store.database.read(session -> {
            Long due = session.first("SELECT due FROM later ORDER BY due LIMIT 1", row -> row.getLong(1));
            if (due != null) {
                store.dueAt(due);
            }
            return session;
        });
    }

    // Keeping.

    private void keep() {
        while (!closed) {
            LockSupport.parkNanos(this, ROUND);
            if (closed) {
                return;
            }
            round++;
            boolean hurry = hurried;
            hurried = false;
            attempt("dead members", this::buryDead);
            attempt("unsynced transactions", this::syncOthers);
            attempt("scheduled events", this::lookForDue);
            attempt("the log", this::startLogAnew);
            attempt("idempotency keys", () -> claimsPart = store.claims.forgetExpired(claimsPart));
            if (round % ROUNDS_A_SAVE == 0 || hurry) {
                attempt("positions", () -> store.subscriptions().forEach(EmbeddedSubscription::saveProgress));
            }
            if (round % ROUNDS_A_RETENTION == 0 || hurry) {
                attempt("retention", retention::run);
                attempt(
                        "old attempts",
                        () -> store.attempts.forgetOlder(
                                store.time.now().minus(FORGET_ATTEMPTS).toEpochMilli()));
            }
        }
    }

    private void attempt(String what, Runnable task) {
        if (closed || store.committer.failure() != null) {
            return;
        }
        try {
            task.run();
        } catch (EventsException e) {
            LOG.warn("store {}: upkeep of {} failed; it is tried again", store.directory(), what, e);
        } catch (RuntimeException | Error e) {
            LOG.error("store {}: upkeep of {} failed: this is a defect", store.directory(), what, e);
        }
    }

    private void buryDead() {
        boolean any = store.database.read(session -> session.list(
                        "SELECT slot, nonce FROM member", row -> store.processes.isAlive(row.getInt(1), row.getLong(2)))
                .contains(false));
        if (any) {
            boolean unused = store.committer.call(true, store.groups::buryDead);
        }
    }

    /** A process may have died between its commit and its sync, and acks are not synced at all. */
    private void syncOthers() {
        long committed = store.database.read(session -> session.number("SELECT tx FROM state WHERE id = 1"));
        if (committed > store.processes.syncedTransaction()) {
            long unused = store.committer.call(true, Transaction::number);
        }
    }

    private void startLogAnew() {
        if (store.committer.logBytes() >= LONG_LOG && isLogLong()) {
            moveLog("RESTART");
        }
    }

    /** Whether much of the log's file is in use: the file keeps its size when the log starts anew. */
    private boolean isLogLong() {
        return store.database.read(session -> session.list(
                        "PRAGMA wal_checkpoint(NOOP)",
                        row -> row.getLong(3) < row.getLong(2) && row.getLong(2) * FRAME >= LONG_LOG)
                .contains(true));
    }

    /** Gives the room of the log back to the file system. */
    void emptyLog() {
        moveLog("TRUNCATE");
    }

    /**
     * Moves the log into the database while writers go on, and then, if they went on too fast, once more in a turn of its own. A log
     * that starts anew is written over the old one: a sync is a third faster where the file need not grow.
     */
    private void moveLog(String then) {
        try (Session session = store.database.open(2_000)) {
            session.execute("PRAGMA wal_checkpoint(PASSIVE)");
            store.processes.takeTurn();
            try {
                session.execute("PRAGMA wal_checkpoint(" + then + ")");
            } finally {
                store.processes.giveTurn();
            }
        } catch (SQLException e) {
            throw StoreFailure.of(e, store.files.database);
        } catch (IOException e) {
            throw StateDirectory.unusable(store.directory(), "its locks failed (" + e + ")");
        }
    }

    // The end.

    void close() {
        closed = true;
        for (Thread thread : new @Nullable Thread[] {follower, keeper}) {
            if (thread != null) {
                LockSupport.unpark(thread);
                Threads.join(thread);
            }
        }
    }
}
