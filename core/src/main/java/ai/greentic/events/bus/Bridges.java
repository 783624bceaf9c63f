package ai.greentic.events.bus;

import ai.greentic.events.Caller;
import ai.greentic.events.ChannelMessage;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Nearest;
import ai.greentic.events.PublishResult;
import ai.greentic.events.bridge.EventToMessages;
import ai.greentic.events.bridge.MessageToEvents;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The bridges of a bus by name. What they make passes the same checks as anything else, and counts the bridges it has crossed. */
final class Bridges {
    private final Map<String, MessageToEvents> inbound;
    private final Map<String, EventToMessages> outbound;
    private final PublishPipeline pipeline;

    Bridges(Map<String, MessageToEvents> inbound, Map<String, EventToMessages> outbound, PublishPipeline pipeline) {
        this.inbound = new TreeMap<>(inbound);
        this.outbound = new TreeMap<>(outbound);
        this.pipeline = pipeline;
    }

    List<PublishResult> receive(String name, ChannelMessage message, Caller caller) {
        MessageToEvents bridge = find(inbound, name);
        int hops = next(name, message.hops(), message.toString());
        List<EventEnvelope> events = converted(name, message, bridge::convert);
        for (EventEnvelope event : events) {
            if (!event.address().tenant().equals(message.tenant().tenant())) {
                throw new EventsException(
                        ErrorCode.TENANT_MISMATCH,
                        "bridge " + name + " made " + event + " of " + message + "; a bridge may not cross tenants");
            }
        }
        return pipeline.publishAll(events, PublishOptions.NONE, caller, hops);
    }

    List<ChannelMessage> render(String name, EventEnvelope event) {
        EventToMessages bridge = find(outbound, name);
        int hops = next(name, event.marks().hops(), event.toString());
        List<ChannelMessage> messages = new ArrayList<>();
        for (ChannelMessage message : converted(name, event, bridge::convert)) {
            if (!message.tenant().tenant().equals(event.address().tenant())) {
                throw new EventsException(
                        ErrorCode.TENANT_MISMATCH,
                        "bridge " + name + " made " + message + " of " + event + "; a bridge may not cross tenants");
            }
            messages.add(message.withHops(hops));
        }
        return messages;
    }

    private static int next(String name, int hops, String what) {
        if (hops >= PublishPipeline.MAX_HOPS) {
            throw new EventsException(
                    ErrorCode.TOO_MANY_HOPS,
                    what + " has crossed " + hops + " bridges and may not cross " + name
                            + ": it goes in circles; have one of the bridges leave out what came from a bridge");
        }
        return hops + 1;
    }

    private static <T> T find(Map<String, T> bridges, String name) {
        T bridge = bridges.get(name);
        if (bridge == null) {
            throw new EventsException(
                    ErrorCode.BRIDGE_NOT_FOUND,
                    "there is no bridge " + name + " in this direction" + Nearest.hint(name, bridges.keySet()));
        }
        return bridge;
    }

    private interface Conversion<A, B> {
        List<B> of(A input);
    }

    private static <A, B> List<B> converted(String name, A input, Conversion<A, B> conversion) {
        try {
            return List.copyOf(conversion.of(input));
        } catch (EventsException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new EventsException(
                    ErrorCode.BRIDGE_FAILED,
                    "bridge " + name + " failed on " + input + " with "
                            + e.getClass().getName(),
                    e);
        }
    }
}
