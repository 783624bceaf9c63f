package ai.greentic.events.bus;

import ai.greentic.events.EventId;
import ai.greentic.events.spi.AttemptStore;
import ai.greentic.events.spi.Consumer;
import ai.greentic.events.spi.Settled;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a group's leg has remembered of its attempts. A store that fails costs the memory of attempts, and that is said; it does not stop
 * deliveries. Methods block on the store.
 */
final class AttemptLog {
    private static final Logger LOG = LoggerFactory.getLogger(AttemptLog.class);

    private final AttemptStore store;
    private final @Nullable Consumer consumer;

    /**
     * @param consumer null for an ephemeral subscription, whose attempts nobody remembers
     */
    AttemptLog(AttemptStore store, @Nullable Consumer consumer) {
        this.store = store;
        this.consumer = consumer;
    }

    /** These have just been fetched: recalls what is known of them. */
    void taken(List<BusDelivery> deliveries) {
        if (consumer == null || deliveries.isEmpty()) {
            return;
        }
        try {
            Map<EventId, AttemptStore.Known> known = store.taken(
                    consumer,
                    deliveries.stream().map(delivery -> delivery.event.id()).toList());
            if (known.isEmpty()) {
                return;
            }
            for (BusDelivery delivery : deliveries) {
                AttemptStore.Known before = known.get(delivery.event.id());
                if (before != null) {
                    delivery.attempt = before.attempts();
                    delivery.suspect = before.suspect();
                }
            }
        } catch (RuntimeException e) {
            LOG.error("the attempt store failed; attempts of {} events are counted from 1", deliveries.size(), e);
        }
    }

    /** So many attempts at a delivery have begun. */
    void attempted(BusDelivery delivery) {
        if (consumer == null) {
            return;
        }
        try {
            store.attempted(consumer, delivery.event.id(), delivery.attempt);
        } catch (RuntimeException e) {
            LOG.error("an attempt at {} could not be noted; after a restart it would not be counted", delivery, e);
        }
    }

    /** These are dealt with, or no longer in hand. */
    void ended(Outbox.Endings endings) {
        if (consumer == null) {
            return;
        }
        List<EventId> done = new ArrayList<>();
        try {
            for (int i = 0; i < endings.settled.size(); i++) {
                BusDelivery delivery = endings.deliveries.get(i);
                if (delivery == null) {
                    continue;
                }
                if (endings.settled.get(i).settlement() == Settled.Settlement.ACK) {
                    done.add(delivery.event.id());
                } else {
                    store.released(consumer, delivery.event.id(), delivery.attempt);
                }
            }
            store.ended(consumer, done);
        } catch (RuntimeException e) {
            LOG.error("the attempt store failed; some events may be taken for suspects after a restart", e);
        }
    }
}
