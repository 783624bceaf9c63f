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
 * syncer  one sync of the log for every group committed so far · mark · news to the log's readers · answers; the writer's part too
 *         while it has nothing else to write
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
    private static final long SPIN_NANOS = 50_000;

    /** A piece of a transaction. Runs on the writer's thread, perhaps twice; what it does outside the database waits for the commit. */
    interface Work<T> {
        T run(Transaction transaction) throws SQLException;
    }

    /** Makes bytes of the log safe; what a test replaces to see a sync fail. */
    interface Sync {
        void force() throws IOException;
    }

    private static final class Job<T> {
        final Work<T> work;
        final boolean synced;
        final CompletableFuture<T> answer = new CompletableFuture<>();
        private @Nullable T result;

        Job(Work<T> work, boolean synced) {
            this.work = work;
            this.synced = synced;
        }

        void run(Transaction transaction) throws SQLException {
            result = work.run(transaction);
        }

        @SuppressWarnings("NullAway") // a work may well answer nothing
        void succeed() {
            answer.complete(result);
        }

        void fail(Throwable failure) {
            answer.completeExceptionally(failure);
        }
    }

    /** Committed and not yet synced. */
    private record Group(
            long transaction, long lastEvent, List<Entry> appended, List<Job<?>> jobs, List<Runnable> after) {}

    private final StateDirectory directory;
    private final Processes processes;
    private final Session session;
    private final Tally tally = new Tally();
    private final FileChannel log;
    private final Time time;
    private final Consumer<List<Entry>> news;
    private final Sync sync;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition something = lock.newCondition();
    private final Condition committed = lock.newCondition();
    private final Deque<Job<?>> queue = new ArrayDeque<>();
    private final Deque<Group> unsynced = new ArrayDeque<>();
    private @Nullable EventsException stopped;
    /** Something may be in the queue; read without the lock. */
    private volatile boolean waiting;

    private boolean closing;
    private boolean writerEnded;
    /** Somebody syncs; whoever does is alone with that, so that answers and news stay in order. */
    private boolean syncing;
    // The writer's.
    private @Nullable Group ownGroup;
    private boolean logFull;

    private Thread writer = new Thread();
    private Thread syncer = new Thread();

    Committer(
            StateDirectory directory,
            Processes processes,
            Session session,
            Time time,
            Consumer<List<Entry>> news,
            @Nullable Sync sync)
            throws IOException {
        this.directory = directory;
        this.processes = processes;
        this.session = session;
        this.time = time;
        this.news = news;
        // As long as the session is open the log file stays the same one.
        this.log = FileChannel.open(directory.log, StandardOpenOption.READ, StandardOpenOption.WRITE);
        this.sync = sync != null ? sync : () -> log.force(false);
    }

    void start(String name) {
        writer = thread(name + "-writer", this::write);
        syncer = thread(name + "-syncer", this::sync);
    }

    private static Thread thread(String name, Runnable body) {
        Thread thread = new Thread(body, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /**
     * Has a work done with the next group.
     *
     * @param synced whether the answer waits until the work is safe from loss of power; otherwise it is safe from the end of the process
     */
    <T> CompletableFuture<T> submit(boolean synced, Work<T> work) {
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
    <T> T call(boolean synced, Work<T> work) {
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
        } finally {
            lock.lock();
            writerEnded = true;
            committed.signalAll();
            lock.unlock();
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
                commit(jobs, false);
            } finally {
                processes.giveTurn();
            }
            syncOwnGroup();
        } catch (IOException e) {
            failAll(
                    jobs,
                    new EventsException(
                            ErrorCode.STORE_UNAVAILABLE,
                            "store " + directory.path + ": its locks failed (" + e.getMessage() + ")",
                            e));
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
        Group group = new Group(
                transaction.number(),
                transaction.lastEvent(),
                transaction.appended(),
                waiting,
                transaction.afterCommit());
        boolean here;
        lock.lock();
        try {
            // With nothing else to write, the writer may as well sync, and spare a change of threads.
            here = queue.isEmpty() && unsynced.isEmpty() && !syncing;
            syncing |= here;
            if (!here) {
                unsynced.addLast(group);
                committed.signal();
            }
        } finally {
            lock.unlock();
        }
        if (here) {
            ownGroup = group;
        }
    }

    /** The group that the writer itself syncs, after it has given the turn away. */
    private void syncOwnGroup() {
        Group group = ownGroup;
        ownGroup = null;
        if (group != null) {
            sync(List.of(group));
        }
    }

    /** Whether there is so much log that writing more would be careless; as of the beginning of a group. */
    boolean logFull() {
        return logFull;
    }

    // The syncer.

    private void sync() {
        for (List<Group> groups = awaitGroups(); !groups.isEmpty(); groups = awaitGroups()) {
            sync(groups);
        }
    }

    private void sync(List<Group> groups) {
        EventsException failure = failure();
        if (failure == null) {
            try {
                sync.force();
                Group last = groups.get(groups.size() - 1);
                processes.synced(last.transaction, last.lastEvent);
            } catch (IOException e) {
                LOG.error("the log of store {} could not be synced; the store stops", directory.path, e);
                failure = new EventsException(
                        ErrorCode.STORE_UNAVAILABLE,
                        "store " + directory.path + " has stopped: its log could not be synced (" + e.getMessage()
                                + "); check the disk and start again",
                        e);
                stop(failure);
            }
        }
        answer(groups, failure);
        lock.lock();
        try {
            syncing = false;
            committed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void answer(List<Group> groups, @Nullable EventsException failure) {
        for (Group group : groups) {
            if (failure != null) {
                EventsException unknown = new EventsException(
                        ErrorCode.OUTCOME_UNKNOWN,
                        "written, but not known to be safe: " + failure.getMessage(),
                        failure);
                failAll(group.jobs, unknown);
                continue;
            }
            try {
                group.after.forEach(Runnable::run);
                if (!group.appended.isEmpty()) {
                    news.accept(group.appended);
                }
            } catch (RuntimeException | Error e) {
                LOG.error("the news of store {} did not get through: this is a defect", directory.path, e);
            }
            group.jobs.forEach(Job::succeed);
        }
    }

    private List<Group> awaitGroups() {
        lock.lock();
        try {
            while (syncing || unsynced.isEmpty() && !writerEnded) {
                committed.awaitUninterruptibly();
            }
            List<Group> groups = List.copyOf(unsynced);
            unsynced.clear();
            syncing = !groups.isEmpty();
            return groups;
        } finally {
            lock.unlock();
        }
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
        Threads.join(syncer);
        try {
            log.close();
        } catch (IOException e) {
            LOG.debug("the log file did not close", e);
        }
    }
}
