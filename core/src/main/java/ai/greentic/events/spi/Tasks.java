package ai.greentic.events.spi;

import java.time.Duration;
import java.util.concurrent.Executor;

/**
 * Threads, timers and waits. The engine and its providers take them from here alone, so that tests and simulation can run the real
 * engine one thread at a time. Thread-safe.
 */
public interface Tasks extends AutoCloseable {
    /** Starts a thread of its own for a body that runs until it is told to stop. */
    void start(String name, Runnable body);

    /** Runs a short piece of the fabric's own work, never user code, soon. */
    void execute(Runnable work);

    /** Runs user code soon: on a virtual thread where the JDK has them, else on a bounded pool. */
    void handle(Runnable userCode);

    /** Runs a short piece of the fabric's own work no earlier than after the delay. */
    Timer schedule(Duration delay, Runnable work);

    /** A new flag, lowered. */
    Signal signal();

    /** Stops taking work, interrupts what still runs after the grace time, and returns. Idempotent. */
    void close(Duration grace);

    @Override
    default void close() {
        close(Duration.ofSeconds(5));
    }

    /** Something scheduled. */
    interface Timer {
        /** Prevents the work if it has not begun. */
        void cancel();
    }

    /** Threads of this machine. At most 25 platform threads beside those of {@link #start}. */
    static Tasks threads(String name) {
        return new ThreadTasks(name, null);
    }

    /** As {@link #threads(String)}, with user code on an executor of the host, which stays the host's to close. */
    static Tasks threads(String name, Executor userCode) {
        return new ThreadTasks(name, userCode);
    }
}
