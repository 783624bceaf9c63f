package ai.greentic.events.spi;

import java.util.List;
import java.util.concurrent.CompletionStage;

/** A transport. Thread-safe. Never calls the engine. */
public interface EventProvider extends AutoCloseable {
    /**
     * Hands events to the transport.
     *
     * @return one stage for each event, in order; blocking clients return completed stages. A stage does not complete exceptionally: what
     *     went wrong is a {@link PublishOutcome#failed}
     * @throws RuntimeException only if nothing was attempted
     * @throws InterruptedException only if nothing was attempted
     */
    List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) throws InterruptedException;

    /**
     * Opens a subscription; events accepted after the return are in it.
     *
     * @throws ai.greentic.events.EventsException if the request cannot be met
     */
    ProviderSubscription subscribe(SubscribeRequest request);

    /** Ends the connection and every subscription. Idempotent and bounded. */
    @Override
    void close();
}
