package ai.greentic.events.testing;

import ai.greentic.events.EventsException;
import java.time.Duration;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/** What shall go wrong in a {@link FaultyProvider}. Faults are used up in the order in which they were asked for. Thread-safe. */
public final class Faults {
    private final ArrayDeque<EventsException> publishFailures = new ArrayDeque<>();
    private final ArrayDeque<EventsException> pollFailures = new ArrayDeque<>();
    private final ArrayDeque<EventsException> settleFailures = new ArrayDeque<>();
    private Duration publishDelay = Duration.ZERO;
    private boolean silent;

    public Faults() {}

    /** The next publish calls fail with this error, and nothing is accepted. */
    public synchronized Faults failPublish(int times, EventsException error) {
        add(publishFailures, times, error);
        return this;
    }

    /** The next polls throw this error. */
    public synchronized Faults failPoll(int times, EventsException error) {
        add(pollFailures, times, error);
        return this;
    }

    /** The next settlements throw this error. */
    public synchronized Faults failSettle(int times, EventsException error) {
        add(settleFailures, times, error);
        return this;
    }

    /** Events are accepted at once, but the answer takes so long. */
    public synchronized Faults slowPublish(Duration delay) {
        publishDelay = delay;
        return this;
    }

    /** Events are accepted, but no answer ever comes; false ends it. */
    public synchronized Faults silentPublish(boolean on) {
        silent = on;
        return this;
    }

    private static void add(ArrayDeque<EventsException> failures, int times, EventsException error) {
        for (int i = 0; i < times; i++) {
            failures.add(error);
        }
    }

    synchronized @Nullable EventsException nextPublish() {
        return publishFailures.poll();
    }

    synchronized @Nullable EventsException nextPoll() {
        return pollFailures.poll();
    }

    synchronized @Nullable EventsException nextSettle() {
        return settleFailures.poll();
    }

    synchronized Duration publishDelay() {
        return publishDelay;
    }

    synchronized boolean silent() {
        return silent;
    }
}
