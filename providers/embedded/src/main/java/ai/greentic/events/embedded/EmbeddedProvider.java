package ai.greentic.events.embedded;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.embedded.Addresses.Address;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.IdempotencyKey;
import ai.greentic.events.spi.IdempotencyStore;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.SubscribeRequest;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArraySet;
import org.jspecify.annotations.Nullable;

/** A provider's part of a store: its own log, named by its qualified name. */
final class EmbeddedProvider implements EventProvider {
    private final Store store;
    private final ProviderContext context;
    private final int shards;
    private final @Nullable EmbeddedStore own;
    private final Set<ProviderSubscription> subscriptions = new CopyOnWriteArraySet<>();
    private volatile boolean closed;

    /**
     * @param own the store, if it closes with the provider
     */
    EmbeddedProvider(Store store, ProviderContext context, int shards, @Nullable EmbeddedStore own) {
        this.store = store;
        this.context = context;
        this.shards = shards;
        this.own = own;
    }

    @Override
    public boolean claimsIn(IdempotencyStore other) {
        return other == store.idempotency();
    }

    @Override
    public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) {
        refuseIfClosed();
        long now = context.time().now().toEpochMilli();
        List<StoredEvent> records = new ArrayList<>(batch.size());
        for (OutboundEvent event : batch) {
            records.add(StoredEvent.of(event, now));
        }
        CompletableFuture<List<PublishOutcome>> all = store.committer.submit(true, tx -> accept(tx, batch, records));
        List<CompletionStage<PublishOutcome>> stages = new ArrayList<>(batch.size());
        if (batch.size() == 1) {
            stages.add(all.handle((outcomes, failure) -> failure != null ? failed(failure) : outcomes.get(0)));
            return stages;
        }
        List<CompletableFuture<PublishOutcome>> each = new ArrayList<>(batch.size());
        for (int i = 0; i < batch.size(); i++) {
            each.add(new CompletableFuture<>());
        }
        stages.addAll(each);
        CompletableFuture<?> unused = all.whenComplete((outcomes, failure) -> {
            for (int i = 0; i < each.size(); i++) {
                each.get(i).complete(failure != null ? failed(failure) : outcomes.get(i));
            }
        });
        return stages;
    }

    private PublishOutcome failed(Throwable failure) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        return PublishOutcome.failed(
                cause instanceof EventsException known
                        ? known
                        : new EventsException(
                                ErrorCode.INTERNAL_ERROR, "provider " + context.name() + " failed: " + cause, cause));
    }

    private List<PublishOutcome> accept(Transaction tx, List<OutboundEvent> batch, List<StoredEvent> records)
            throws SQLException {
        List<PublishOutcome> outcomes = new ArrayList<>(batch.size());
        for (int i = 0; i < batch.size(); i++) {
            OutboundEvent event = batch.get(i);
            Address address = store.addresses.address(tx, context.qualifiedName(), event.address());
            EventsException full = store.refusal(tx, address, records.get(i).body().length);
            outcomes.add(full != null ? PublishOutcome.failed(full) : accept(tx, event, address, records.get(i)));
        }
        return outcomes;
    }

    private PublishOutcome accept(Transaction tx, OutboundEvent event, Address address, StoredEvent record)
            throws SQLException {
        IdempotencyKey key = event.idempotencyKey();
        if (key == null) {
            return append(tx, event, address, record);
        }
        PublishOutcome known = store.claims.recall(tx, key, event);
        if (known != null) {
            return known;
        }
        PublishOutcome outcome = append(tx, event, address, record);
        PublishReceipt receipt =
                PublishReceipt.published(event.event().id(), context.name(), 1, true, outcome.position());
        store.claims.conclude(tx, key, event, receipt);
        return outcome;
    }

    private PublishOutcome append(Transaction tx, OutboundEvent event, Address address, StoredEvent record)
            throws SQLException {
        Instant deliverAt = event.event().marks().deliverAt().orElse(null);
        if (deliverAt != null && deliverAt.isAfter(context.time().now())) {
            store.schedule(tx, deliverAt, address, record);
            return PublishOutcome.accepted();
        }
        Entry entry = tx.append(address.id(), address.tenant(), record);
        return PublishOutcome.accepted(new Position(context.name(), Long.toString(entry.seq())));
    }

    @Override
    public ProviderSubscription subscribe(SubscribeRequest request) {
        refuseIfClosed();
        long start = new StartingPoint(store, context).of(request);
        ProviderSubscription opened = store.subscribe(context, request, shards, start);
        subscriptions.removeIf(store::isClosed);
        subscriptions.add(opened);
        return opened;
    }

    private void refuseIfClosed() {
        if (closed) {
            throw new EventsException(ErrorCode.CLOSED, "provider " + context.name() + " is closed");
        }
    }

    @Override
    public void close() {
        closed = true;
        subscriptions.forEach(ProviderSubscription::close);
        if (own != null) {
            own.close();
        }
    }
}
