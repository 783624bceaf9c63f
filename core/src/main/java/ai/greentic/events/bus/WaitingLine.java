package ai.greentic.events.bus;

import ai.greentic.events.spi.Signal;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.locks.ReentrantLock;

/** Threads that wait, first come first served, for something that a lock guards. Every method is called with the lock held. */
final class WaitingLine {
    private final ReentrantLock lock;
    private final Tasks tasks;
    private final Time time;
    private final ArrayDeque<Signal> line = new ArrayDeque<>();

    WaitingLine(ReentrantLock lock, Tasks tasks, Time time) {
        this.lock = lock;
        this.tasks = tasks;
        this.time = time;
    }

    /**
     * Waits at the end of the line; gives the lock up meanwhile.
     *
     * @param passOn run if this thread was called just when it stopped waiting, so that another one is
     * @return whether the thread was called, and not out of time
     */
    boolean await(long deadlineNanos, Runnable passOn) throws InterruptedException {
        Signal signal = tasks.signal();
        line.addLast(signal);
        boolean called = false;
        lock.unlock();
        try {
            called = signal.await(Duration.ofNanos(Math.max(0, deadlineNanos - time.nanos())));
        } finally {
            lock.lock();
            if (!called && !line.remove(signal)) {
                passOn.run();
            }
        }
        return called;
    }

    /** Calls the first so many. */
    void call(int threads) {
        for (int i = Math.min(threads, line.size()); i > 0; i--) {
            line.removeFirst().raise();
        }
    }

    boolean isEmpty() {
        return line.isEmpty();
    }

    void callAll() {
        call(line.size());
    }
}
