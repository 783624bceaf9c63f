package ai.greentic.events.conformance;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.StartAt;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.spi.Tasks;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.Assertions;
import org.jspecify.annotations.Nullable;

/** An ephemeral subscription to one topic at the provider itself, without an engine. */
final class Raw implements AutoCloseable {
    private final EventProvider provider;
    private final Tasks tasks = Tasks.threads("kit-signals");
    final ProviderSubscription subscription;

    /**
     * An event without the engine around it.
     */
    record Event(EventEnvelope event) implements OutboundEvent {
        @Override
        public byte[] encoded() {
            return EnvelopeCodec.STANDARD.encode(event);
        }

        @Override
        public @Nullable String orderingKey() {
            return event.orderingKey().orElse(null);
        }
    }

    Raw(Fabric fabric, String topic) {
        provider = fabric.provider();
        subscription = provider.subscribe(new SubscribeRequest(
                List.of(new SubscribeRequest.Filter(Fabric.ACME, TopicPattern.of(topic))),
                null,
                StartAt.NEW,
                tasks.signal()));
    }

    static EventEnvelope eventOf(InboundDelivery delivery) {
        EventEnvelope event = delivery.event();
        byte[] encoded = delivery.encoded();
        if (event == null && encoded != null) {
            event = EnvelopeCodec.STANDARD.decode(encoded);
        }
        return Objects.requireNonNull(event);
    }

    void publish(EventEnvelope event) throws Exception {
        for (var stage : provider.publish(List.of(new Event(event)))) {
            Assertions.assertThat(stage.toCompletableFuture()
                            .get(30, TimeUnit.SECONDS)
                            .isAccepted())
                    .isTrue();
        }
    }

    /** Polls until so many came, or nothing more within a while. */
    List<InboundDelivery> poll(int count) throws InterruptedException {
        List<InboundDelivery> taken = new ArrayList<>();
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (taken.size() < count && System.nanoTime() < end) {
            taken.addAll(subscription
                    .poll(count - taken.size(), Duration.ofMillis(50))
                    .deliveries());
        }
        return taken;
    }

    @Override
    public void close() {
        subscription.close();
        provider.close();
        tasks.close();
    }
}
