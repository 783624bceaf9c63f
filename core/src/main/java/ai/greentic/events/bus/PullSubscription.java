package ai.greentic.events.bus;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Flow;

/** A subscription whose events the caller fetches. Each delivery must be settled; closing an unsettled one has it delivered again. */
public sealed interface PullSubscription extends Subscription permits BusPullSubscription {
    /** The next delivery, or nothing if none comes in time. */
    Optional<Delivery> next(Duration maxWait) throws InterruptedException;

    /** Up to {@code max} deliveries: waits for the first, then takes what is there. */
    List<Delivery> next(int max, Duration maxWait) throws InterruptedException;

    /** The deliveries as a reactive stream, as fast as its one subscriber asks. Cancelling it leaves the subscription open. */
    Flow.Publisher<Delivery> publisher();

    /** Ends at once: what was pulled and is not settled comes again. To wait for it, {@link #drain} first. Idempotent. */
    @Override
    void close();
}
