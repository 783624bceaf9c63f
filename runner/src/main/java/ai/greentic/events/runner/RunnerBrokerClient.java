package ai.greentic.events.runner;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.codec.EnvelopeCodec;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A broker behind a {@link RunnerHost}, in the words of {@code greentic:events/broker-api@1.0.0} and of the live command protocol. Beyond
 * the original, subscribing says whose events are wanted, and what came is acknowledged by the token of its delivery where the broker
 * gives one, since an id may come twice. Envelopes go both ways byte for byte as the codec writes them. Thread-safe as its host is.
 */
public final class RunnerBrokerClient {
    private final RunnerHost host;
    private final EnvelopeCodec codec;
    private final String pack;
    private final String provider;

    /**
     * Something that came.
     *
     * @param event as it was sent
     * @param token by which it is acknowledged
     */
    public record Received(EventEnvelope event, String token) {}

    /**
     * @param pack id of the pack that the broker is of
     * @param provider its name there
     */
    public RunnerBrokerClient(RunnerHost host, String pack, String provider) {
        this(host, EnvelopeCodec.STANDARD, pack, provider);
    }

    RunnerBrokerClient(RunnerHost host, EnvelopeCodec codec, String pack, String provider) {
        this.host = Objects.requireNonNull(host);
        this.codec = codec;
        this.pack = pack;
        this.provider = provider;
    }

    private Map<String, Payload> request(String op) {
        return request(op, pack, provider);
    }

    static Map<String, Payload> request(String op, String pack, String provider) {
        Map<String, Payload> request = new LinkedHashMap<>();
        request.put("op", Payload.of(op));
        request.put("pack_id", Payload.of(pack));
        request.put("provider", Payload.of(provider));
        return request;
    }

    private Map<String, Payload> call(String op, Map<String, Payload> request) throws InterruptedException {
        return Fields.of(host.invoke(op, Fields.object(request)), what(op));
    }

    private String what(String op) {
        return "the answer of provider " + provider + " to " + op;
    }

    /** Publishes; whatever JSON document the broker answers is success. */
    public void publish(EventEnvelope event) throws InterruptedException {
        Map<String, Payload> request = request("publish");
        request.put("event", Payload.json(codec.encode(event)));
        Payload unused = Payload.json(host.invoke("publish", Fields.object(request)));
    }

    /**
     * Subscribes, and returns the subscription's id. The request has the {@code tenant}; for all tenants of an environment it has their
     * {@code env} instead.
     *
     * @param durable whether a position is to be kept
     * @param existing whether events from before are wanted
     * @param manual whether what comes waits for {@link #ack}
     */
    public String subscribe(TenantScope scope, TopicPattern topics, boolean durable, boolean existing, boolean manual)
            throws InterruptedException {
        Map<String, Payload> options = new LinkedHashMap<>();
        options.put("durable", Payload.of(durable));
        options.put("deliver_existing", Payload.of(existing));
        options.put("ack_mode", Payload.of(manual ? "manual" : "auto"));
        Map<String, Payload> request = request("subscribe");
        request.put("topic", Payload.of(topics.value()));
        request.put("options", Payload.json(Fields.object(options)));
        if (scope instanceof TenantContext tenant) {
            request.put("tenant", Payload.json(codec.encodeContext(tenant)));
        } else {
            request.put("env", Payload.of(scope.env()));
        }
        return Fields.text(call("subscribe", request), "subscription_id")
                .filter(id -> !id.isBlank())
                .orElseThrow(() -> corrupt(what("subscribe") + " has no subscription_id"));
    }

    /** The next event, if one comes in time. */
    public Optional<Received> next(String subscription, Duration timeout) throws InterruptedException {
        Map<String, Payload> request = request("next_event");
        request.put("subscription_id", Payload.of(subscription));
        request.put("timeout_ms", Payload.of(timeout.toMillis()));
        Map<String, Payload> answer = call("next_event", request);
        @Nullable Payload event = answer.get("event");
        if (event == null || event.equals(Payload.NULL)) {
            return Optional.empty();
        }
        EventEnvelope decoded = codec.decode(event.toBytes());
        return Optional.of(new Received(
                decoded, Fields.text(answer, "delivery_id").orElse(decoded.id().value())));
    }

    /** Acknowledges what came. */
    public void ack(String subscription, Received received) throws InterruptedException {
        Map<String, Payload> request = request("ack_event");
        request.put("subscription_id", Payload.of(subscription));
        request.put("event_id", Payload.of(received.event().id().value()));
        request.put("delivery_id", Payload.of(received.token()));
        Payload unused = Payload.json(host.invoke("ack_event", Fields.object(request)));
    }

    static ai.greentic.events.EventsException corrupt(String sentence) {
        return new ai.greentic.events.EventsException(ai.greentic.events.ErrorCode.CORRUPT_EVENT, sentence);
    }
}
