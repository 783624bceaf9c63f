package ai.greentic.events.memory;

import ai.greentic.events.EventId;
import ai.greentic.events.spi.AttemptStore;
import ai.greentic.events.spi.Consumer;
import ai.greentic.events.spi.StoreScope;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Attempts in memory, for as many events as a bound says; beyond it new events are not counted over restarts. Thread-safe. */
public final class MemoryAttemptStore implements AttemptStore {
    private static final Logger LOG = LoggerFactory.getLogger(MemoryAttemptStore.class);

    private final int maxEvents;
    private final Map<Consumer, Map<EventId, Known>> known = new HashMap<>();
    private int size;
    private boolean fullSaid;

    /** Room for 200,000 events. */
    public MemoryAttemptStore() {
        this(200_000);
    }

    /**
     * @param maxEvents events in hand or failed, of all groups
     */
    public MemoryAttemptStore(int maxEvents) {
        this.maxEvents = maxEvents;
    }

    @Override
    public synchronized Map<EventId, Known> taken(Consumer consumer, Collection<EventId> events) {
        Map<EventId, Known> own = known.computeIfAbsent(consumer, any -> new HashMap<>());
        Map<EventId, Known> found = new HashMap<>();
        for (EventId event : events) {
            Known before = own.get(event);
            if (before != null) {
                found.put(event, before);
            }
            put(own, event, new Known(before == null ? 0 : before.attempts(), true));
        }
        return found;
    }

    private void put(Map<EventId, Known> own, EventId event, Known what) {
        if (size >= maxEvents && !own.containsKey(event)) {
            if (!fullSaid) {
                fullSaid = true;
                LOG.warn("{} events are in hand or failed; attempts of more are not counted over restarts", maxEvents);
            }
            return;
        }
        if (own.put(event, what) == null) {
            size++;
        }
    }

    @Override
    public synchronized void attempted(Consumer consumer, EventId event, int attempts) {
        put(known.computeIfAbsent(consumer, any -> new HashMap<>()), event, new Known(attempts, true));
    }

    @Override
    public synchronized void released(Consumer consumer, EventId event, int attempts) {
        if (attempts == 0) {
            ended(consumer, List.of(event));
        } else {
            put(known.computeIfAbsent(consumer, any -> new HashMap<>()), event, new Known(attempts, false));
        }
    }

    @Override
    public synchronized void ended(Consumer consumer, Collection<EventId> events) {
        Map<EventId, Known> own = known.get(consumer);
        if (own == null) {
            return;
        }
        for (EventId event : events) {
            if (own.remove(event) != null) {
                size--;
            }
        }
        if (own.isEmpty()) {
            known.remove(consumer);
        }
    }

    @Override
    public StoreScope scope() {
        return StoreScope.PROCESS;
    }
}
