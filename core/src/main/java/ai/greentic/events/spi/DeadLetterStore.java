package ai.greentic.events.spi;

import ai.greentic.events.Tenant;
import java.util.List;

/** Keeps parked events until someone decides about them. Thread-safe. */
public interface DeadLetterStore {
    /**
     * Keeps a dead letter; when this returns, it is as safe as {@link #scope} says.
     *
     * @throws ai.greentic.events.EventsException if it could not be kept; the delivery is then not acked
     */
    void put(DeadLetter letter);

    /** The tenant's dead letters, oldest first. */
    List<DeadLetter> list(Tenant tenant, int max);

    /** How far the promise reaches. */
    StoreScope scope();
}
