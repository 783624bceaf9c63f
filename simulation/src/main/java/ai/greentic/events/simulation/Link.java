package ai.greentic.events.simulation;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.SubscribeRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * A process's connection to the broker: requests and answers are lost, late, or cut off for a while. The broker takes a member that it has
 * not heard of for {@link #SESSION} for dead.
 */
final class Link implements EventProvider {
    static final Duration SESSION = Duration.ofSeconds(10);

    private final World world;
    private final EventProvider broker;
    private final List<LinkedSubscription> subscriptions = new ArrayList<>();
    private boolean down;
    private boolean dead;
    private int partitions;

    Link(World world, EventProvider broker) {
        this.world = world;
        this.broker = broker;
    }

    boolean isDown() {
        return down;
    }

    int partitions() {
        return partitions;
    }

    /** Throws what a process sees that cannot reach the broker. */
    void check() {
        if (dead) {
            throw new EventsException(ErrorCode.CLOSED, "the process has died");
        }
        if (down) {
            throw away();
        }
    }

    static EventsException away() {
        return new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "the broker cannot be reached");
    }

    void cut() {
        if (down) {
            return;
        }
        down = true;
        int mine = ++partitions;
        var unused = world.time.schedule(SESSION, () -> {
            if (down && partitions == mine) {
                subscriptions.forEach(LinkedSubscription::expel);
            }
        });
    }

    void heal() {
        down = false;
    }

    /** The process dies; after a while the broker notices. */
    void die() {
        dead = true;
        var unused = world.time.schedule(
                Duration.ofMillis(1 + world.random.nextInt((int) SESSION.toMillis())),
                () -> subscriptions.forEach(LinkedSubscription::bury));
    }

    // What the engine asks.

    @Override
    public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) throws InterruptedException {
        List<CompletionStage<PublishOutcome>> outcomes = new ArrayList<>(batch.size());
        for (OutboundEvent event : batch) {
            outcomes.add(publish(event));
        }
        return outcomes;
    }

    private CompletionStage<PublishOutcome> publish(OutboundEvent event) throws InterruptedException {
        if (dead) {
            return done(PublishOutcome.failed(new EventsException(ErrorCode.CLOSED, "the process has died")));
        }
        if (down || world.faults() && world.chance(20)) {
            return done(PublishOutcome.failed(away()));
        }
        if (world.faults() && world.chance(50)) {
            CompletableFuture<PublishOutcome> late = new CompletableFuture<>();
            var unused =
                    world.time.schedule(Duration.ofMillis(world.random.nextInt(2_000)), () -> complete(late, event));
            return late;
        }
        PublishOutcome outcome = accept(event);
        if (world.faults() && world.chance(30)) {
            return done(PublishOutcome.failed(
                    new EventsException(ErrorCode.OUTCOME_UNKNOWN, "the answer of the broker was lost")));
        }
        return done(outcome);
    }

    private void complete(CompletableFuture<PublishOutcome> late, OutboundEvent event) {
        try {
            late.complete(dead ? PublishOutcome.failed(away()) : accept(event));
        } catch (InterruptedException e) {
            late.complete(PublishOutcome.failed(away()));
        }
    }

    private static CompletionStage<PublishOutcome> done(PublishOutcome outcome) {
        return CompletableFuture.completedFuture(outcome);
    }

    private PublishOutcome accept(OutboundEvent event) throws InterruptedException {
        if (world.plants(Plant.LOSE_ACCEPTED, 100)) {
            return PublishOutcome.accepted();
        }
        OutboundEvent sent = world.plants(Plant.CHANGE_PAYLOADS, 50)
                ? new Changed(
                        event,
                        event.event().toBuilder().payload(Payload.of("changed")).build())
                : event;
        return broker.publish(List.of(sent)).get(0).toCompletableFuture().join();
    }

    private record Changed(OutboundEvent inner, EventEnvelope event) implements OutboundEvent {
        @Override
        public byte[] encoded() {
            return EnvelopeCodec.STANDARD.encode(event);
        }

        @Override
        public @Nullable String orderingKey() {
            return inner.orderingKey();
        }
    }

    @Override
    public ProviderSubscription subscribe(SubscribeRequest request) {
        check();
        LinkedSubscription subscription = new LinkedSubscription(world, this, broker, request);
        subscriptions.add(subscription);
        return subscription;
    }

    void left(LinkedSubscription subscription) {
        if (!dead) {
            subscriptions.remove(subscription);
        }
    }

    /** The broker goes on without this process. */
    @Override
    public void close() {
        List.copyOf(subscriptions).forEach(LinkedSubscription::close);
    }
}
