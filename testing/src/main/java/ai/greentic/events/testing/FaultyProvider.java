package ai.greentic.events.testing;

import ai.greentic.events.EventsException;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.IdempotencyStore;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.OrderingKey;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.Polled;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.spi.Tasks;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** A provider in front of another one that fails as its {@link Faults} say. */
public final class FaultyProvider implements EventProvider {
    private final EventProvider inner;
    private final Tasks tasks;
    private final Faults faults;

    public FaultyProvider(EventProvider inner, Tasks tasks, Faults faults) {
        this.inner = inner;
        this.tasks = tasks;
        this.faults = faults;
    }

    @Override
    public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) throws InterruptedException {
        EventsException failure = faults.nextPublish();
        if (failure != null) {
            return batch.stream()
                    .<CompletionStage<PublishOutcome>>map(
                            event -> CompletableFuture.completedFuture(PublishOutcome.failed(failure)))
                    .toList();
        }
        List<CompletionStage<PublishOutcome>> outcomes = inner.publish(batch);
        if (faults.silent()) {
            return batch.stream()
                    .<CompletionStage<PublishOutcome>>map(event -> new CompletableFuture<>())
                    .toList();
        }
        Duration delay = faults.publishDelay();
        return delay.isZero()
                ? outcomes
                : outcomes.stream().map(outcome -> later(outcome, delay)).toList();
    }

    private CompletionStage<PublishOutcome> later(CompletionStage<PublishOutcome> outcome, Duration delay) {
        CompletableFuture<PublishOutcome> late = new CompletableFuture<>();
        outcome.whenComplete((value, defect) -> tasks.schedule(delay, () -> late.complete(value)));
        return late;
    }

    @Override
    public boolean claimsIn(IdempotencyStore store) {
        return inner.claimsIn(store);
    }

    @Override
    public ProviderSubscription subscribe(SubscribeRequest request) {
        return new FaultySubscription(inner.subscribe(request));
    }

    @Override
    public void close() {
        inner.close();
    }

    private final class FaultySubscription implements ProviderSubscription {
        private final ProviderSubscription subscription;

        FaultySubscription(ProviderSubscription subscription) {
            this.subscription = subscription;
        }

        @Override
        public Polled poll(int maxDeliveries, Duration maxWait) throws InterruptedException {
            EventsException failure = faults.nextPoll();
            if (failure != null) {
                throw failure;
            }
            return subscription.poll(maxDeliveries, maxWait);
        }

        @Override
        public List<SettleOutcome> settle(List<Settled> settled) {
            EventsException failure = faults.nextSettle();
            if (failure != null) {
                throw failure;
            }
            return subscription.settle(settled);
        }

        @Override
        public CompletionStage<List<SettleOutcome>> settleLater(List<Settled> settled) {
            EventsException failure = faults.nextSettle();
            return failure == null ? subscription.settleLater(settled) : CompletableFuture.failedFuture(failure);
        }

        @Override
        public List<SettleOutcome> extend(List<InboundDelivery> deliveries, Duration by) {
            return subscription.extend(deliveries, by);
        }

        @Override
        public Duration lease() {
            return subscription.lease();
        }

        @Override
        public void pause(Set<Shard> shards) {
            subscription.pause(shards);
        }

        @Override
        public boolean pauseKeys(Set<OrderingKey> keys) {
            return subscription.pauseKeys(keys);
        }

        @Override
        public void released(Shard shard) {
            subscription.released(shard);
        }

        @Override
        public void close() {
            subscription.close();
        }

        @Override
        public CompletionStage<Void> closeLater() {
            return subscription.closeLater();
        }
    }
}
