package ai.greentic.events.spi;

import java.time.Duration;

/** A flag that one thread waits for and any thread raises. Raising a raised flag does nothing. */
public interface Signal {
    /** Raises the flag. Never blocks; any thread. */
    void raise();

    /**
     * Waits until the flag is raised and lowers it. At most one thread waits at a time, and it holds no lock.
     *
     * @return false if the time ran out first
     */
    boolean await(Duration max) throws InterruptedException;
}
