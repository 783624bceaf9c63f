package ai.greentic.events.integration;

import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.Polled;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.SubscribeRequest;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** A provider that accepts everything and delivers nothing; tests override what they are about. */
class StubProvider implements EventProvider {
    List<InboundDelivery> next() {
        return List.of();
    }

    List<Shard> lost() {
        return List.of();
    }

    SettleOutcome settled(Settled settled) {
        return SettleOutcome.SETTLED;
    }

    @Override
    public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) throws InterruptedException {
        return batch.stream()
                .<CompletionStage<PublishOutcome>>map(
                        event -> CompletableFuture.completedFuture(PublishOutcome.accepted()))
                .toList();
    }

    @Override
    public ProviderSubscription subscribe(SubscribeRequest request) {
        return new ProviderSubscription() {
            @Override
            public Polled poll(int maxDeliveries, Duration maxWait) {
                List<Shard> lost = lost();
                return new Polled(maxDeliveries == 0 ? List.of() : next(), List.of(), lost, true, false);
            }

            @Override
            public List<SettleOutcome> settle(List<Settled> settled) {
                return settled.stream().map(StubProvider.this::settled).toList();
            }

            @Override
            public List<SettleOutcome> extend(List<InboundDelivery> deliveries, Duration by) {
                return deliveries.stream()
                        .map(delivery -> SettleOutcome.SETTLED)
                        .toList();
            }

            @Override
            public Duration lease() {
                return Duration.ZERO;
            }

            @Override
            public void pause(Set<Shard> shards) {}

            @Override
            public void released(Shard shard) {}

            @Override
            public void close() {}
        };
    }

    @Override
    public void close() {}
}
