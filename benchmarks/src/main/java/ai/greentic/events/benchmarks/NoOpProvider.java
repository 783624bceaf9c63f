package ai.greentic.events.benchmarks;

import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.SubscribeRequest;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Accepts and forgets. */
final class NoOpProvider implements EventProvider {
    private static final CompletionStage<PublishOutcome> ACCEPTED =
            CompletableFuture.completedFuture(PublishOutcome.accepted());
    private static final List<CompletionStage<PublishOutcome>> ONE = List.of(ACCEPTED);

    @Override
    public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) {
        return batch.size() == 1 ? ONE : Collections.nCopies(batch.size(), ACCEPTED);
    }

    @Override
    public ProviderSubscription subscribe(SubscribeRequest request) {
        throw new UnsupportedOperationException("publishes only");
    }

    @Override
    public void close() {}
}
