package ai.greentic.events.bus;

import ai.greentic.events.spi.Signal;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/** Lets threads wait until something that a lock guards has come to rest. */
final class IdleWatch {
    private final ReentrantLock lock;
    private final BooleanSupplier idle;
    private final List<Signal> waiting = new ArrayList<>();

    /**
     * @param lock guards this watch too
     * @param idle asked with the lock held
     */
    IdleWatch(ReentrantLock lock, BooleanSupplier idle) {
        this.lock = lock;
        this.idle = idle;
    }

    /** Wakes the waiting, who look for themselves. Called with the lock held. */
    void changed() {
        if (!waiting.isEmpty()) {
            waiting.forEach(Signal::raise);
        }
    }

    /** Waits; returns whether it came to rest in time. Called without the lock. */
    boolean await(Tasks tasks, Time time, long deadlineNanos) throws InterruptedException {
        Signal signal = tasks.signal();
        lock.lock();
        try {
            waiting.add(signal);
            while (!idle.getAsBoolean()) {
                lock.unlock();
                boolean raised;
                try {
                    raised = signal.await(Duration.ofNanos(Math.max(0, deadlineNanos - time.nanos())));
                } finally {
                    lock.lock();
                }
                if (!raised) {
                    return idle.getAsBoolean();
                }
            }
            return true;
        } finally {
            waiting.remove(signal);
            lock.unlock();
        }
    }
}
