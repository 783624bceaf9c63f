package ai.greentic.events.embedded;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes committed groups safe and answers for them: one sync of the log for every group committed so far, the mark that others read, the
 * news to the log's readers, the answers. Whoever syncs is alone with that, so that news and answers stay in order: this class's thread,
 * or the writer when it has nothing else to do. After a sync that failed nothing is synced any more.
 */
final class Syncer {
    private static final Logger LOG = LoggerFactory.getLogger(Syncer.class);

    /** Makes the bytes of the log safe; what a test replaces to see a sync fail. */
    interface Sync {
        void force() throws IOException;
    }

    /** Committed and not yet safe. */
    record Group(long transaction, long lastEvent, List<Entry> appended, List<Job<?>> jobs, List<Runnable> after) {}

    private final StateDirectory directory;
    private final Processes processes;
    private final Sync sync;
    private final Consumer<List<Entry>> news;
    private final Consumer<EventsException> stopper;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<Group> unsynced = new ArrayDeque<>();
    private boolean syncing;
    private boolean closing;
    private @Nullable EventsException failure;
    private Thread thread = new Thread();

    /**
     * @param stopper told why nothing more is written
     */
    Syncer(
            StateDirectory directory,
            Processes processes,
            Sync sync,
            Consumer<List<Entry>> news,
            Consumer<EventsException> stopper) {
        this.directory = directory;
        this.processes = processes;
        this.sync = sync;
        this.news = news;
        this.stopper = stopper;
    }

    void start(String name) {
        thread = Threads.start(name, this::run);
    }

    /** Takes a group, unless the caller may sync it at once; then it does so with {@link #sync}, and says true. */
    boolean leavesTo(boolean idleCaller, Group group) {
        lock.lock();
        try {
            boolean here = idleCaller && unsynced.isEmpty() && !syncing;
            syncing |= here;
            if (!here) {
                unsynced.addLast(group);
                changed.signal();
            }
            return here;
        } finally {
            lock.unlock();
        }
    }

    private void run() {
        for (List<Group> groups = await(); !groups.isEmpty(); groups = await()) {
            sync(groups);
        }
    }

    private List<Group> await() {
        lock.lock();
        try {
            while (syncing || unsynced.isEmpty() && !closing) {
                changed.awaitUninterruptibly();
            }
            List<Group> groups = List.copyOf(unsynced);
            unsynced.clear();
            syncing = !groups.isEmpty();
            return groups;
        } finally {
            lock.unlock();
        }
    }

    /** Syncs groups of which {@link #leavesTo} or the own thread's turn has made the caller the one that does. */
    void sync(List<Group> groups) {
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
                stopper.accept(failure);
            }
        }
        groups.forEach(group -> answer(group, failure));
        lock.lock();
        try {
            syncing = false;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void answer(Group group, @Nullable EventsException why) {
        if (why != null) {
            EventsException unknown = new EventsException(
                    ErrorCode.OUTCOME_UNKNOWN, "written, but not known to be safe: " + why.getMessage(), why);
            group.jobs.forEach(job -> job.fail(unknown));
            return;
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

    /** Answers for what is left, and ends. */
    void close() {
        lock.lock();
        try {
            closing = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        Threads.join(thread);
    }
}
