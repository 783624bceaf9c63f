package ai.greentic.events.spi;

import ai.greentic.events.TenantTopic;
import java.util.List;
import java.util.Optional;
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
     * Whether {@link #publish} of an event of this address would return without waiting for anything, as things stand. The engine then lets
     * a caller that must not be kept waiting send its event itself, which spares a change of threads. Asked for each event; does not wait.
     */
    default boolean publishesAtOnce(TenantTopic address) {
        return false;
    }

    /**
     * Whether {@link #publish} itself claims and completes the idempotency keys of its events in this store, in one step with accepting
     * them. The engine then leaves the keys to the provider.
     */
    default boolean claimsIn(IdempotencyStore store) {
        return false;
    }

    /**
     * Opens a subscription; events accepted after the return are in it.
     *
     * @throws ai.greentic.events.EventsException if the request cannot be met
     */
    ProviderSubscription subscribe(SubscribeRequest request);

    /**
     * Where this transport itself can keep dead letters, for every process that reaches it; empty if it cannot. Does not wait; what the
     * store is asked after the provider's close fails.
     */
    default Optional<DeadLetterStore> deadLetters() {
        return Optional.empty();
    }

    /** Ends the connection and every subscription. Idempotent and bounded. */
    @Override
    void close();
}
