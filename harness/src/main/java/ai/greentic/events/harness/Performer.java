package ai.greentic.events.harness;

import ai.greentic.events.ChannelMessage;
import ai.greentic.events.EventEnvelope;
import java.util.List;

/** Plays the components of packs. */
sealed interface Performer permits DryRun, Live {
    /** A provider of a pack, and by when it must have answered. */
    record Part(String pack, String provider, long deadlineNanos) {}

    List<EventEnvelope> ingest(Part part, ChannelMessage message) throws InterruptedException;

    List<ChannelMessage> emit(Part part, EventEnvelope event) throws InterruptedException;

    /**
     * Subscribes to a topic, publishes an event, and takes it.
     *
     * @throws ai.greentic.events.EventsException if it does not come
     */
    void subscribe(Part part, EventEnvelope event) throws InterruptedException;
}
