package ai.greentic.events.bus;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.Position;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * One hand-over of an event. It has one end: the first settlement wins, later ones return false. Thread-safe; no method blocks.
 */
public sealed interface Delivery extends AutoCloseable permits BusDelivery {
    EventEnvelope event();

    /** The payload as a value of a type; see {@link ai.greentic.events.Payload#as(Class)}. */
    <T> T payload(Class<T> type);

    /** Number of this attempt to handle the event, from 1. */
    int attempt();

    /** Where the event stands in its provider. */
    Position position();

    /**
     * Epoch under which this member owns the event's key. Grows whenever the key moves to another member: a store that refuses smaller
     * numbers than it has seen is safe from a member that does not know that it lost the key.
     */
    long fence();

    /** The event has been dealt with. */
    boolean ack();

    /** The event shall be delivered again, not earlier than after the delay. */
    boolean redeliver(Duration delay);

    /** The event shall be parked as a dead letter now. */
    boolean reject(String reason);

    /** Puts off the moment at which an unsettled delivery is taken back to {@code by} from now. */
    void extend(Duration by);

    /** Completes when the provider has taken the settlement; exceptionally if it did not. */
    CompletableFuture<Void> settled();

    /** Has an unsettled delivery delivered again, at once. */
    @Override
    void close();
}
