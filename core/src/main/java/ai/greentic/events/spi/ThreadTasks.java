package ai.greentic.events.spi;

import java.lang.reflect.InvocationTargetException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tasks on real threads: one timer, a few workers for the fabric, virtual threads or a bounded pool for user code. All are daemons. The
 * queues are bounded by what feeds them: each lane and each subscription has at most a fixed number of tasks waiting.
 */
final class ThreadTasks implements Tasks {
    private static final Logger LOG = LoggerFactory.getLogger(ThreadTasks.class);
    private static final int FABRIC_THREADS = 4;
    private static final int HANDLER_THREADS = 20;

    private final String name;
    private final ThreadPoolExecutor fabric;
    private final ScheduledThreadPoolExecutor timer;
    private final Executor handlers;
    private final @Nullable ExecutorService ownHandlers;
    private final List<Thread> started = new ArrayList<>();
    /** Threads of the pools: a pool counts as terminated a moment before its threads have ended. */
    private final Set<Thread> pooled = ConcurrentHashMap.newKeySet();

    private boolean closed;

    ThreadTasks(String name, @Nullable Executor userCode) {
        this.name = name;
        this.fabric = pool(FABRIC_THREADS, "fabric");
        this.timer = new ScheduledThreadPoolExecutor(1, factory("timer"));
        this.timer.setRemoveOnCancelPolicy(true);
        this.timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        this.ownHandlers = userCode == null ? handlerPool() : null;
        this.handlers = userCode != null ? userCode : java.util.Objects.requireNonNull(ownHandlers);
    }

    private ThreadPoolExecutor pool(int threads, String role) {
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                threads, threads, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), factory(role));
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    private ExecutorService handlerPool() {
        try {
            return (ExecutorService)
                    Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
        } catch (NoSuchMethodException older) {
            return pool(HANDLER_THREADS, "handler");
        } catch (IllegalAccessException | InvocationTargetException e) {
            throw new IllegalStateException("virtual threads are not available", e);
        }
    }

    private ThreadFactory factory(String role) {
        AtomicInteger number = new AtomicInteger();
        return body -> {
            Thread thread = thread(role + "-" + number.incrementAndGet(), body);
            pooled.removeIf(old -> old.getState() == Thread.State.TERMINATED);
            pooled.add(thread);
            return thread;
        };
    }

    private Thread thread(String role, Runnable body) {
        Thread thread = new Thread(guarded(body), name + "-" + role);
        thread.setDaemon(true);
        return thread;
    }

    /** A defect must not end a thread without a trace. */
    private static Runnable guarded(Runnable body) {
        return () -> {
            try {
                body.run();
            } catch (RuntimeException | Error e) {
                LOG.error("a task failed: this is a defect of the fabric or of a provider", e);
            }
        };
    }

    @Override
    public synchronized void start(String role, Runnable body) {
        if (closed) {
            throw new RejectedExecutionException("closed");
        }
        started.removeIf(thread -> !thread.isAlive());
        Thread thread = thread(role, body);
        started.add(thread);
        thread.start();
    }

    @Override
    public void execute(Runnable work) {
        submit(fabric, guarded(work));
    }

    @Override
    public void handle(Runnable userCode) {
        submit(handlers, guarded(userCode));
    }

    /** What arrives after the close, such as the news for somebody's future, runs where it is. */
    private static void submit(Executor executor, Runnable work) {
        try {
            executor.execute(work);
        } catch (RejectedExecutionException closed) {
            work.run();
        }
    }

    @Override
    public Timer schedule(Duration delay, Runnable work) {
        try {
            var future = timer.schedule(() -> execute(work), delay.toNanos(), TimeUnit.NANOSECONDS);
            return () -> future.cancel(false);
        } catch (RejectedExecutionException closed) {
            return () -> {};
        }
    }

    @Override
    public Signal signal() {
        return new ThreadSignal();
    }

    @Override
    public void close(Duration grace) {
        List<Thread> threads;
        synchronized (this) {
            closed = true;
            threads = List.copyOf(started);
        }
        timer.shutdownNow();
        fabric.shutdown();
        if (ownHandlers != null) {
            ownHandlers.shutdown();
        }
        long end = System.nanoTime() + grace.toNanos();
        boolean interrupted = false;
        for (Thread thread : threads) {
            interrupted |= !ends(thread, end);
        }
        interrupted |= !ends(fabric, end);
        interrupted |= ownHandlers != null && !ends(ownHandlers, end);
        for (Thread thread : pooled) {
            interrupted |= !ends(thread, end);
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static boolean ends(Thread thread, long end) {
        if (thread == Thread.currentThread()) {
            return true;
        }
        try {
            thread.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime())));
            if (thread.isAlive()) {
                thread.interrupt();
            }
            return true;
        } catch (InterruptedException e) {
            thread.interrupt();
            return false;
        }
    }

    private static boolean ends(ExecutorService pool, long end) {
        try {
            if (!pool.awaitTermination(Math.max(1, end - System.nanoTime()), TimeUnit.NANOSECONDS)) {
                pool.shutdownNow();
            }
            return true;
        } catch (InterruptedException e) {
            pool.shutdownNow();
            return false;
        }
    }

    private static final class ThreadSignal implements Signal {
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition raisedNow = lock.newCondition();
        private volatile boolean raised;

        @Override
        public void raise() {
            if (raised) {
                return;
            }
            lock.lock();
            try {
                raised = true;
                raisedNow.signal();
            } finally {
                lock.unlock();
            }
        }

        @Override
        public boolean await(Duration max) throws InterruptedException {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            if (raised) {
                raised = false;
                return true;
            }
            long left = max.toNanos();
            lock.lockInterruptibly();
            try {
                while (!raised) {
                    if (left <= 0) {
                        return false;
                    }
                    left = raisedNow.awaitNanos(left);
                }
                raised = false;
                return true;
            } finally {
                lock.unlock();
            }
        }
    }
}
