package ai.greentic.events.embedded;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.embedded.Addresses.Address;
import ai.greentic.events.embedded.Groups.Membership;
import ai.greentic.events.spi.AttemptStore;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.ForwardStore;
import ai.greentic.events.spi.IdempotencyStore;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.spi.Time;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CopyOnWriteArraySet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An open store: the one of this process for its directory, however many buses use it.
 *
 * <pre>
 * EmbeddedProvider, Claims, Letters, Attempts, Forwards   what a bus sees
 *     -> Committer          every change, in groups
 *     -> EventLog           reading, and who is to hear of what
 *     -> Groups             who owns which shard
 * Upkeep                    other processes' news, due events, dead members, retention, checkpoints
 * Processes                 locks and marks shared with other processes
 * </pre>
 */
final class Store {
    private static final Logger LOG = LoggerFactory.getLogger(Store.class);

    final StateDirectory files;
    final StoreSettings settings;
    final Time time;
    final Processes processes;
    final Database database;
    final Addresses addresses;
    final EventLog log;
    final Groups groups;
    final Committer committer;
    final Claims claims;
    final Letters letters;
    final Attempts attempts;
    final Forwards forwards;

    private final Session writer;
    private final Upkeep upkeep;
    private final Set<EmbeddedSubscription> subscriptions = new CopyOnWriteArraySet<>();
    private volatile long nextDue = Long.MAX_VALUE;

    /**
     * What tests put in the place of the machine.
     *
     * @param sync makes the log safe; null for the disk's own
     * @param maxPages pages that fit on the disk; 0 for as many as there are
     */
    record Seams(Syncer.@Nullable Sync sync, long maxPages) {
        static final Seams NONE = new Seams(null, 0);
    }

    private Store(StateDirectory files, StoreSettings settings, Time time, Processes processes, Seams seams)
            throws SQLException, IOException {
        this.files = files;
        this.settings = settings;
        this.time = time;
        this.processes = processes;
        this.database = new Database(files.database);
        this.addresses = new Addresses(database, settings.maxTopics());
        this.log = new EventLog(database);
        this.groups = new Groups(processes, settings.maxGroups());
        this.writer = database.open();
        if (seams.maxPages > 0) {
            writer.execute("PRAGMA max_page_count = " + seams.maxPages);
        }
        this.committer = new Committer(files, processes, writer, time, log::committed, seams.sync);
        this.claims = new Claims(
                committer,
                processes,
                addresses,
                settings.idempotencyWindow(),
                settings.maxKeys(),
                settings.maxKeysOfTenant());
        this.letters =
                new Letters(database, committer, addresses, settings.maxDeadLetters(), settings.maxDeadLetterBytes());
        this.attempts = new Attempts(database, committer, processes);
        this.forwards = new Forwards(database, committer, processes, addresses, settings.maxForward());
        this.upkeep = new Upkeep(this);
    }

    static Store open(StateDirectory files, StoreSettings settings, Time time, Seams seams) {
        Processes processes = null;
        try {
            Processes shared = new Processes(files, time, settings.patience());
            processes = shared;
            return shared.alone(() -> open(files, settings, time, shared, seams));
        } catch (SQLException e) {
            closeQuietly(processes);
            throw StoreFailure.of(e, files.database);
        } catch (IOException e) {
            closeQuietly(processes);
            throw StateDirectory.unusable(files.path, "its files cannot be used (" + e + ")");
        } catch (EventsException e) {
            closeQuietly(processes);
            throw e;
        }
    }

    private static Store open(StateDirectory files, StoreSettings settings, Time time, Processes processes, Seams seams)
            throws SQLException, IOException {
        if (!processes.recognised()) {
            throw new EventsException(
                    ErrorCode.STORE_CORRUPT,
                    "store " + files.marks + " is not a file of marks; run doctor, and restore a backup");
        }
        try (Session session = new Database(files.database).open()) {
            Schema.prepare(session, files.database);
            refuseLoss(session, files, processes);
            if (!processes.join()) {
                throw StateDirectory.unusable(
                        files.path, Processes.SLOTS + " processes use it already; end some of them");
            }
            // Makes the log file, if this is the first writer since the last one went.
            session.execute("BEGIN IMMEDIATE");
            session.update("UPDATE state SET tx = tx + 1 WHERE id = 1");
            session.execute("COMMIT");
            Store store = new Store(files, settings, time, processes, seams);
            boolean started = false;
            try {
                store.start(session);
                started = true;
                return store;
            } finally {
                if (!started) {
                    store.abandon();
                }
            }
        }
    }

    /** What some process has seen safe must still be there. */
    static void refuseLoss(Session session, StateDirectory files, Processes processes) throws SQLException {
        // In this order: the others go on, and what they commit and mark in between is not lost.
        long marked = processes.syncedTransaction();
        long found = session.number("SELECT tx FROM state WHERE id = 1");
        if (found < marked) {
            throw new EventsException(
                    ErrorCode.STORE_CORRUPT,
                    "store " + files.database + " has lost its last " + (marked - found)
                            + " transactions, which were safe on disk: its log is damaged, or an older copy was put in its"
                            + " place; restore the newest backup, or accept the loss with doctor --repair");
        }
    }

    private void start(Session session) throws SQLException {
        committer.start("store");
        addresses.load(session);
        // What a process committed and could not sync before it died is made safe before anybody sees it.
        long newest = committer.call(true, Transaction::lastEvent);
        log.begin(newest, session.number("SELECT coalesce(max(seq), 0) FROM priority WHERE prio = 1"));
        upkeep.start("store");
    }

    /** It could not be opened: nothing of it stays behind. */
    private void abandon() {
        try {
            upkeep.close();
            committer.close();
            database.close();
            writer.close();
        } catch (SQLException | RuntimeException e) {
            LOG.debug("store {} could not be opened, nor closed", directory(), e);
        }
    }

    private static void closeQuietly(@Nullable Processes processes) {
        try {
            if (processes != null) {
                processes.close();
            }
        } catch (IOException e) {
            // The error that led here is the one to report.
            return;
        }
    }

    Path directory() {
        return files.path;
    }

    IdempotencyStore idempotency() {
        return claims;
    }

    DeadLetterStore deadLetters() {
        return letters;
    }

    AttemptStore attempts() {
        return attempts;
    }

    ForwardStore forwards() {
        return forwards;
    }

    /** Moves the whole log into the database. On a thread of the store: an interrupt of the caller would close the locks. */
    void emptyLog() {
        List<RuntimeException> failures = new CopyOnWriteArrayList<>();
        Threads.join(Threads.start("store-compact", () -> {
            try {
                upkeep.emptyLog();
            } catch (RuntimeException e) {
                failures.add(e);
            }
        }));
        for (RuntimeException failure : failures) {
            throw failure;
        }
    }

    // Publishing.

    /** Why an event of this size cannot be taken, or null. */
    @Nullable
    EventsException refusal(Transaction tx, Address address, int size) throws SQLException {
        long own = tx.tally.of(tx.session, address.tenant());
        if (own + size > settings.maxBytesOfTenant()) {
            upkeep.hurry();
            return full(
                    "tenant " + address.topic().tenant() + " keeps " + own + " bytes of events", "max_bytes_of_tenant");
        }
        if (tx.bytes() + size > settings.maxBytes()) {
            upkeep.hurry();
            return full("it keeps " + tx.bytes() + " bytes of events", "max_bytes");
        }
        if (committer.logFull()) {
            upkeep.hurry();
            return full("its log has grown to " + committer.logBytes() + " bytes while somebody reads", "max_bytes");
        }
        return null;
    }

    private EventsException full(String what, String setting) {
        return new EventsException(
                ErrorCode.STORE_FULL,
                "store " + directory() + " is full: " + what
                        + "; let slow groups catch up, forget those that are no longer used, or raise events.store."
                        + setting);
    }

    /** Keeps an event until its time by the wall clock; it gets its place in the log only then. */
    void schedule(Transaction tx, Instant due, Address address, StoredEvent record) throws SQLException {
        long millis = due.toEpochMilli();
        long n = tx.session.number("SELECT coalesce(max(n), 0) + 1 FROM later WHERE due = ?", millis);
        tx.session.update("INSERT INTO later VALUES (?, ?, ?, ?)", millis, n, address.id(), record.body());
        tx.tally.add(address.tenant(), record.body().length);
        tx.afterCommit(() -> dueAt(millis));
    }

    /** Something is due at a time. */
    synchronized void dueAt(long millis) {
        nextDue = Math.min(nextDue, millis);
    }

    /** Whether something may be due; says so once. */
    synchronized boolean takeDue(long nowMillis) {
        boolean due = nowMillis >= nextDue;
        if (due) {
            nextDue = Long.MAX_VALUE;
        }
        return due;
    }

    // Subscribing.

    ProviderSubscription subscribe(ProviderContext context, SubscribeRequest request, int shards, long start) {
        EmbeddedSubscription opened;
        if (request.group() == null) {
            long first = start != StartingPoint.NEW ? start : committer.call(false, Transaction::lastEvent) + 1;
            opened = new EmbeddedSubscription(this, context, request, first);
        } else {
            Membership membership = join(context.qualifiedName(), request, shards, start);
            int kept = database.read(
                    session -> (int) session.number("SELECT shards FROM grp WHERE id = ?", membership.group()));
            opened = new EmbeddedSubscription(this, context, request, membership, kept);
        }
        subscriptions.add(opened);
        membershipChanged();
        return opened;
    }

    Membership join(String name, SubscribeRequest request, int shards, long start) {
        return committer.call(
                true,
                tx -> groups.join(
                        tx,
                        name,
                        request.filters(),
                        java.util.Objects.requireNonNull(request.group()),
                        shards,
                        start != StartingPoint.NEW ? start : tx.lastEvent() + 1));
    }

    void closed(EmbeddedSubscription subscription) {
        subscriptions.remove(subscription);
        membershipChanged();
    }

    boolean isClosed(ProviderSubscription subscription) {
        return subscription instanceof EmbeddedSubscription own && !subscriptions.contains(own);
    }

    /** Members have come or gone, here or elsewhere. */
    void membershipChanged() {
        subscriptions.forEach(EmbeddedSubscription::membershipChanged);
    }

    Iterable<EmbeddedSubscription> subscriptions() {
        return subscriptions;
    }

    // The end.

    void close() {
        subscriptions.forEach(EmbeddedSubscription::close);
        upkeep.close();
        if (committer.failure() == null) {
            var unused = committer.submit(false, tx -> {
                tx.tally.write(tx.session);
                return tx;
            });
        }
        committer.close();
        database.close();
        try {
            try {
                writer.close();
            } finally {
                // Also on a disk that fails the locks are let go.
                processes.close();
            }
        } catch (SQLException | IOException e) {
            throw new EventsException(
                    ErrorCode.STORE_UNAVAILABLE, "store " + directory() + " did not close cleanly", e);
        }
    }
}
