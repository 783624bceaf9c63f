package ai.greentic.events.spi;

import ai.greentic.events.Tenant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Keeps parked events until someone decides about them. Every method is about one tenant. Thread-safe; methods may block on storage.
 */
public interface DeadLetterStore {
    /**
     * Keeps a dead letter; when this returns, it is as safe as {@link #scope} says. A letter with an id that is there already replaces
     * it in its old place. A new letter of a sequence joins its end and gets a
     * greater number than those before it.
     *
     * @throws ai.greentic.events.EventsException if it could not be kept; the delivery is then not acked
     */
    void put(DeadLetter letter);

    Optional<DeadLetter> find(Tenant tenant, DeadLetterId id);

    /**
     * Dead letters, oldest first.
     *
     * @param after id of the last letter of the page before, or null for the first page; also one that is gone meanwhile
     */
    List<DeadLetter> list(Tenant tenant, DeadLetterFilter filter, @Nullable DeadLetterId after, int max);

    /** The same letters grouped by code, topic and subscription, the largest group first. */
    List<DeadLetterGroup> groups(Tenant tenant, DeadLetterFilter filter);

    /** Changes the state of a letter, if it is the expected one; returns whether it was. */
    boolean change(Tenant tenant, DeadLetterId id, DeadLetter.State from, DeadLetter.State to);

    /** Forgets a letter; returns whether it was there. */
    boolean remove(Tenant tenant, DeadLetterId id);

    /** The letter with the smallest number of a sequence: while there is one, its key is held. */
    Optional<DeadLetter> head(DeadLetter.SequenceId sequence);

    /** How far the promise reaches. */
    StoreScope scope();
}
