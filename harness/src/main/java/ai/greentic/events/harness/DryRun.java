package ai.greentic.events.harness;

import ai.greentic.events.ChannelMessage;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.bus.Delivery;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.PullSubscription;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.codec.ChannelMessageCodec;
import java.time.Duration;
import java.util.List;

/** Plays components itself, over a bus in memory: what it makes goes through the same checks and the same engine as any event. */
final class DryRun implements Performer {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private static EventBus bus() {
        return EventBus.builder().provider("dry-run", "memory", "*").build();
    }

    @Override
    public List<EventEnvelope> ingest(Part part, ChannelMessage message) throws InterruptedException {
        EventEnvelope event = EventEnvelope.builder(message.tenant(), part.provider() + ".ingest")
                .id("evt-" + message.id().replaceAll("[^A-Za-z0-9._-]", "_"))
                .type("greentic.events.ingest")
                .source("greentic-events-test")
                .subject(message.sessionId())
                .time(Fixtures.TIME)
                .payload(Payload.json(ChannelMessageCodec.STANDARD.encode(message)))
                .build();
        subscribe(part, event);
        return List.of(event);
    }

    @Override
    public List<ChannelMessage> emit(Part part, EventEnvelope event) throws InterruptedException {
        subscribe(part, event);
        return List.of(ChannelMessage.builder(
                        "msg-" + event.id().value(),
                        event.tenant(),
                        part.provider() + ".emit",
                        event.subject().orElse("session"))
                .text(event.payload().json())
                .build());
    }

    @Override
    public void subscribe(Part part, EventEnvelope event) throws InterruptedException {
        try (EventBus bus = bus();
                PullSubscription subscription =
                        bus.pull(event.tenant(), event.topic().value(), SubscribeOptions.ephemeral())) {
            var unused = bus.publish(event);
            try (Delivery delivery = subscription
                    .next(PATIENCE)
                    .orElseThrow(() -> new EventsException(
                            ErrorCode.PROVIDER_UNAVAILABLE,
                            "event " + event + " was published and did not come within " + PATIENCE))) {
                EventEnvelope came = delivery.event();
                if (!came.id().equals(event.id())
                        || !came.address().equals(event.address())
                        || !came.payload().equals(event.payload())) {
                    throw new EventsException(ErrorCode.CORRUPT_EVENT, event + " was published, and " + came + " came");
                }
                delivery.ack();
            }
        }
    }
}
