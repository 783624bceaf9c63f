package ai.greentic.events.spi;

import ai.greentic.events.EventId;
import java.util.Collection;
import java.util.Map;

/**
 * Remembers how often a group has begun to handle an event, and what it had in hand when its process died. Thread-safe; methods may block
 * on storage.
 */
public interface AttemptStore {
    /**
     * What is known of an event.
     *
     * @param attempts handler starts so far
     * @param suspect whether it was in hand of a member that ended without saying so: its handler may have taken the process down. A store
     *     may also suspect what was taken in the same call and released: a suspect is handed over alone, which harms nobody
     */
    record Known(int attempts, boolean suspect) {}

    /** The member has these events in hand from now on. Returns what is known of those of which anything is. */
    Map<EventId, Known> taken(Consumer consumer, Collection<EventId> events);

    /**
     * The member has begun so many attempts at an event that it has in hand. Recorded before the handler of a suspect starts, and after
     * each failure; the first start of any other event is not recorded by itself: its being in hand stands for it.
     */
    void attempted(Consumer consumer, EventId event, int attempts);

    /**
     * The member no longer has an event in hand, and somebody will get it again.
     *
     * @param attempts handler starts so far
     */
    void released(Consumer consumer, EventId event, int attempts);

    /** The event has been dealt with; forget it. */
    void ended(Consumer consumer, Collection<EventId> events);

    /** How far the promise reaches. */
    StoreScope scope();
}
