package ai.greentic.events.bridge;

import ai.greentic.events.ChannelMessage;
import ai.greentic.events.EventEnvelope;
import java.util.List;

/** Turns events into channel messages. Called by many threads at once. */
@FunctionalInterface
public interface EventToMessages {
    /** The messages of an event, in order; none if it is of no interest. They belong to the event's tenant. */
    List<ChannelMessage> convert(EventEnvelope event);
}
