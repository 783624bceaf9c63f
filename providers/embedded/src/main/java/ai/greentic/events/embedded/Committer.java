package ai.greentic.events.embedded;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.spi.Time;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one writer of a process. What waits when it begins a transaction, and what arrives while it works, commits as one group.
 *
 * <pre>
 * writer  turn among the processes · BEGIN · works · counts · COMMIT · turn given away
 * Syncer  sync of the log · mark · news to the log's readers · answers
 * </pre>
 *
 * <p>The turn is given away before the sync, so that other processes write meanwhile; a transaction that is synced implies all before
 * it. A sync that fails stops the store: what it would have covered has an unknown outcome, and the same bytes are never synced again,
 * since the system may have dropped them. Threads: the works run on the writer's thread, the answers come from the thread that synced.
 */
final class Committer {
    private static final Logger LOG = LoggerFactory.getLogger(Committer.class);
    private static final int MOST_WORKS = 4096;
    private static final int MOST_EVENTS = 4096;
    private static final long MOST_LOG_BYTES = 1L << 30;
    private static final long LONG_LOG_BYTES = 128L << 20;
    private static final long SPIN_NANOS = 50_000;

    /** A piece of a transaction. Runs on the writer's thread, perhaps twice; what it does outside the database waits for the commit. */
    interface Work<T extends @Nullable Object> {
        T run(Transaction transaction) throws SQLException;
    }

    private final StateDirectory directory;
    private final Processes processes;
    private final Session session;
    private final Tally tally = new Tally();
    private final FileChannel log;
    private final Time time;
    private final Syncer syncer;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition something = lock.newCondition();
    private final Deque<Job<?>> queue = new ArrayDeque<>();
    private @Nullable EventsException stopped;
    /** Something may be in the queue; read without the lock. */
    private volatile boolean waiting;

    private boolean closing;

    // The writer's.
    private Syncer.@Nullable Group ownGroup;
    private boolean logFull;

    private Thread writer = new Thread();

    Committer(
            StateDirectory directory,
            Processes processes,
            Session session,
            Time time,
            Consumer<List<Entry>> news,
            Syncer.@Nullable Sync sync)
            throws IOException {
        this.directory = directory;
        this.processes = processes;
        this.session = session;
        this.time = time;
        // As long as the session is open the log file stays the same one.
        this.log = FileChannel.open(directory.log, StandardOpenOption.READ, StandardOpenOption.WRITE);
        this.syncer = new Syncer(directory, processes, sync != null ? sync : () -> log.force(false), news, this::stop);
    }

    void start(String name) {
        writer = Threads.start(name + "-writer", this::write);
        syncer.start(name + "-syncer");
    }

    /**
     * Has a work done with the next group.
     *
     * @param synced whether the answer waits until the work is safe from loss of power; otherwise it is safe from the end of the process
     */
    <T extends @Nullable Object> CompletableFuture<T> submit(boolean synced, Work<T> work) {
        Job<T> job = new Job<>(work, synced);
        lock.lock();
        try {
            EventsException refusal = stopped != null ? stopped : closing ? closed() : null;
            if (refusal != null) {
                job.fail(refusal);
                return job.answer;
            }
            queue.addLast(job);
            waiting = true;
            something.signal();
        } finally {
            lock.unlock();
        }
        return job.answer;
    }

    /** As {@link #submit}, and waits for the answer. */
    <T extends @Nullable Object> T call(boolean synced, Work<T> work) {
        try {
            return submit(synced, work).join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof EventsException known
                    ? new EventsException(known.code(), String.valueOf(known.getMessage()), known)
                    : new EventsException(ErrorCode.INTERNAL_ERROR, "the store failed: " + e.getCause(), e);
        }
    }

    private EventsException closed() {
        return new EventsException(ErrorCode.CLOSED, "store " + directory.path + " is closed");
    }

    /** Why nothing more is written, or null. */
    @Nullable
    EventsException failure() {
        lock.lock();
        try {
            return stopped;
        } finally {
            lock.unlock();
        }
    }

    long logBytes() {
        try {
            return log.size();
        } catch (IOException e) {
            return 0;
        }
    }

    // The writer.

    private void write() {
        try {
            while (awaitWork()) {
                writeGroup();
            }
        } catch (RuntimeException | Error e) {
            LOG.error("the writer of store {} failed: this is a defect", directory.path, e);
            stop(new EventsException(ErrorCode.INTERNAL_ERROR, "the writer of store " + directory.path + " failed", e));
        }
    }

    private boolean awaitWork() {
        // Who publishes one event after the other is back before a thread would have woken up.
        for (long end = System.nanoTime() + SPIN_NANOS; !waiting && System.nanoTime() < end; ) {
            Thread.onSpinWait();
        }
        lock.lock();
        try {
            while (queue.isEmpty() && !closing && stopped == null) {
                something.awaitUninterruptibly();
            }
            waiting = false;
            return !queue.isEmpty() && stopped == null;
        } finally {
            lock.unlock();
        }
    }

    private void writeGroup() {
        List<Job<?>> jobs = new ArrayList<>();
        try {
            processes.takeTurn();
            try {
                shortenLog();
                commit(jobs, false);
            } finally {
                processes.giveTurn();
            }
            syncOwnGroup();
        } catch (IOException e) {
            takeAll(jobs);
            failAll(
                    jobs,
                    new EventsException(
                            ErrorCode.STORE_UNAVAILABLE,
                            "store " + directory.path + ": its locks failed (" + e.getMessage() + ")",
                            e));
        }
    }

    /** The keeper moves the log into the database meanwhile; where it cannot keep pace, the writer waits for it and does the rest. */
    private void shortenLog() {
        if (logBytes() < LONG_LOG_BYTES) {
            return;
        }
        try {
            session.execute("PRAGMA wal_checkpoint(TRUNCATE)");
        } catch (SQLException e) {
            LOG.warn("the log of store {} could not be emptied; it is tried again", directory.path, e);
        }
    }

    /**
     * Commits a group.
     *
     * @param jobs those to begin with; empty to take them from the queue
     * @param apart whether one that fails must not spoil the others
     */
    private void commit(List<Job<?>> jobs, boolean apart) {
        Transaction transaction = null;
        try {
            logFull = logBytes() > MOST_LOG_BYTES;
            transaction = Transaction.begin(session, tally, time.now().toEpochMilli());
            if (apart) {
                runApart(transaction, jobs);
            } else {
                runTogether(transaction, jobs);
            }
            transaction.commit();
        } catch (SQLException | EventsException e) {
            if (transaction == null) {
                takeAll(jobs);
                failAll(jobs, asFailure(e));
                stopIfFatal(e);
                return;
            }
            rollback(transaction);
            failed(jobs, apart, e);
            return;
        } catch (RuntimeException | Error e) {
            LOG.error("a work of store {} failed: this is a defect", directory.path, e);
            rollback(transaction);
            failed(jobs, apart, e);
            return;
        }
        answerOrSync(transaction, jobs);
    }

    private void runTogether(Transaction transaction, List<Job<?>> jobs) throws SQLException {
        for (Job<?> job = next(jobs, transaction); job != null; job = next(jobs, transaction)) {
            jobs.add(job);
            job.run(transaction);
        }
    }

    private @Nullable Job<?> next(List<Job<?>> jobs, Transaction transaction) {
        if (jobs.size() >= MOST_WORKS || transaction.appended().size() >= MOST_EVENTS) {
            return null;
        }
        lock.lock();
        try {
            return queue.pollFirst();
        } finally {
            lock.unlock();
        }
    }

    /** It could not even begin: what waits has waited long enough. */
    private void takeAll(List<Job<?>> jobs) {
        lock.lock();
        try {
            jobs.addAll(queue);
            queue.clear();
        } finally {
            lock.unlock();
        }
    }

    private void runApart(Transaction transaction, List<Job<?>> jobs) throws SQLException {
        for (Job<?> job : List.copyOf(jobs)) {
            Transaction.Saved saved = transaction.save();
            session.execute("SAVEPOINT work");
            try {
                job.run(transaction);
            } catch (SQLException | RuntimeException | Error e) {
                session.execute("ROLLBACK TO work");
                transaction.restore(saved);
                jobs.remove(job);
                job.fail(asFailure(e));
            }
            session.execute("RELEASE work");
        }
    }

    private void rollback(@Nullable Transaction transaction) {
        try {
            if (transaction != null) {
                transaction.rollback();
            }
        } catch (SQLException e) {
            // SQLite has rolled back by itself after some errors.
            LOG.debug("nothing to roll back", e);
        }
    }

    /** Nothing of the group was committed: finds out whose fault it was. */
    private void failed(List<Job<?>> jobs, boolean apart, Throwable failure) {
        if (stopIfFatal(failure)) {
            failAll(jobs, asFailure(failure));
        } else if (jobs.size() > 1 && !apart) {
            commit(jobs, true);
        } else if (jobs.size() > 1) {
            List.copyOf(jobs).forEach(job -> commit(new ArrayList<>(List.of(job)), true));
        } else {
            failAll(jobs, asFailure(failure));
        }
    }

    private boolean stopIfFatal(Throwable failure) {
        boolean fatal = failure instanceof SQLException e && StoreFailure.isFatal(e);
        if (fatal) {
            LOG.error("store {} stops", directory.path, failure);
            stop(asFailure(failure));
        }
        return fatal;
    }

    private EventsException asFailure(Throwable failure) {
        if (failure instanceof EventsException known) {
            return known;
        }
        return failure instanceof SQLException e
                ? StoreFailure.of(e, directory.database)
                : new EventsException(ErrorCode.INTERNAL_ERROR, "the store failed: " + failure, failure);
    }

    private static void failAll(List<Job<?>> jobs, EventsException failure) {
        jobs.forEach(job -> job.fail(failure));
    }

    private void answerOrSync(Transaction transaction, List<Job<?>> jobs) {
        if (transaction.changedMembership()) {
            processes.membershipChanged();
        }
        List<Job<?>> waiting = new ArrayList<>(jobs.size());
        for (Job<?> job : jobs) {
            if (job.synced) {
                waiting.add(job);
            } else {
                job.succeed();
            }
        }
        if (waiting.isEmpty()
                && transaction.appended().isEmpty()
                && transaction.afterCommit().isEmpty()) {
            return;
        }
        Syncer.Group group = new Syncer.Group(
                transaction.number(),
                transaction.lastEvent(),
                transaction.appended(),
                waiting,
                transaction.afterCommit());
        if (syncer.leavesTo(isIdle(), group)) {
            ownGroup = group;
        }
    }

    private boolean isIdle() {
        lock.lock();
        try {
            return queue.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    /** The group that the writer itself syncs, after it has given the turn away. */
    private void syncOwnGroup() {
        Syncer.Group group = ownGroup;
        ownGroup = null;
        if (group != null) {
            syncer.sync(List.of(group));
        }
    }

    /** Whether there is so much log that writing more would be careless; as of the beginning of a group. */
    boolean logFull() {
        return logFull;
    }

    // The end.

    private void stop(EventsException why) {
        List<Job<?>> left;
        lock.lock();
        try {
            if (stopped == null) {
                stopped = why;
            }
            left = List.copyOf(queue);
            queue.clear();
            something.signalAll();
        } finally {
            lock.unlock();
        }
        failAll(left, why);
    }

    /** Writes what waits, and ends. */
    void close() {
        lock.lock();
        try {
            closing = true;
            something.signalAll();
        } finally {
            lock.unlock();
        }
        Threads.join(writer);
        syncer.close();
        try {
            log.close();
        } catch (IOException e) {
            LOG.debug("the log file did not close", e);
        }
    }
}
