package ai.greentic.events.bus;

import ai.greentic.events.EventsException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A standing interest. It ends when it is closed, when the bus is, or when it fails, and then it says so. Thread-safe. */
public sealed interface Subscription extends AutoCloseable permits BusSubscription, PullSubscription {
    /** Where a subscription stands. */
    enum State {
        /** Events are being delivered. */
        ACTIVE,
        /** A provider is away; the subscription tries to reach it again. */
        RECONNECTING,
        /** Nothing new is fetched; what is in hand is being finished. */
        DRAINING,
        /** Ended by an error that trying again cannot mend. */
        FAILED,
        /** Ended on request. */
        CLOSED
    }

    State state();

    /** Why the subscription failed or is reconnecting. */
    Optional<EventsException> failure();

    /** Completes when events accepted from now on are delivered. */
    CompletableFuture<Void> ready();

    /** Completes when the subscription has ended; exceptionally if it failed. */
    CompletableFuture<Void> terminated();

    /**
     * Stops fetching, waits for handlers, gives back the rest, and ends.
     *
     * @return whether every handler finished within the grace time
     */
    boolean drain(Duration grace) throws InterruptedException;

    /** Drains with a grace time of 10 s. Idempotent. From within a handler of this subscription it does not wait for that handler. */
    @Override
    void close();
}
