package ai.greentic.events.bridge;

import ai.greentic.events.ChannelMessage;
import ai.greentic.events.EventEnvelope;
import java.util.List;

/** Turns channel messages into events. Called by many threads at once. */
@FunctionalInterface
public interface MessageToEvents {
    /** The events of a message, in order; none if it is of no interest. They are published as the message's tenant's. */
    List<EventEnvelope> convert(ChannelMessage message);
}
