package ai.greentic.events.runner;

import ai.greentic.events.ChannelMessage;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.bridge.EventToMessages;
import ai.greentic.events.bridge.MessageToEvents;
import ai.greentic.events.codec.ChannelMessageCodec;
import ai.greentic.events.codec.EnvelopeCodec;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A bridge behind a {@link RunnerHost}, in the words of {@code greentic:events-bridge/bridge-api@1.0.0}: register it with
 * {@code EventBusBuilder.messageToEvents} and {@code eventToMessages}. Reply scopes, correlation ids and unknown fields go along, which the
 * original dropped. Thread-safe as its host is.
 */
public final class RunnerBridgeClient {
    private final RunnerHost host;
    private final String pack;
    private final String provider;

    /**
     * @param pack id of the pack that the bridge is of
     * @param provider its name there
     */
    public RunnerBridgeClient(RunnerHost host, String pack, String provider) {
        this.host = Objects.requireNonNull(host);
        this.pack = pack;
        this.provider = provider;
    }

    /** What turns messages into events; blocks while the host runs. */
    public MessageToEvents messageToEvents() {
        return this::ingest;
    }

    /** What turns events into messages; blocks while the host runs. */
    public EventToMessages eventToMessages() {
        return this::emit;
    }

    private List<EventEnvelope> ingest(ChannelMessage message) {
        return call("ingest", "message", ChannelMessageCodec.STANDARD.encode(message), "events").stream()
                .map(event -> EnvelopeCodec.STANDARD.decode(event.toBytes()))
                .toList();
    }

    private List<ChannelMessage> emit(EventEnvelope event) {
        return call("emit", "event", EnvelopeCodec.STANDARD.encode(event), "messages").stream()
                .map(message -> ChannelMessageCodec.STANDARD.decode(message.toBytes()))
                .toList();
    }

    private List<Payload> call(String op, String field, byte[] value, String answer) {
        Map<String, Payload> request = RunnerBrokerClient.request(op, pack, provider);
        request.put(field, Payload.json(value));
        String what = "the answer of bridge " + provider + " to " + op;
        try {
            Map<String, Payload> fields = Fields.of(host.invoke(op, Fields.object(request)), what);
            if (!fields.containsKey(answer)) {
                throw RunnerBrokerClient.corrupt(what + " has no " + answer);
            }
            return Fields.items(fields, answer, what);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EventsException(ErrorCode.INTERRUPTED, "interrupted while bridge " + provider + " ran", e);
        }
    }
}
