package ai.greentic.events.runner;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.SubscribeRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArraySet;

/** A broker behind a {@link RunnerBrokerClient} as a provider: ephemeral subscriptions of one tenant each, one event at a time. */
final class RunnerProvider implements EventProvider {
    final ProviderContext context;
    final RunnerBrokerClient client;
    private final Set<RunnerSubscription> subscriptions = new CopyOnWriteArraySet<>();
    private volatile boolean closed;

    RunnerProvider(ProviderContext context, RunnerBrokerClient client) {
        this.context = context;
        this.client = client;
    }

    EventsException closed() {
        return new EventsException(ErrorCode.CLOSED, "provider " + context.name() + " is closed");
    }

    /** One after the other; what follows one that failed to start is not tried, since it would fail too. */
    @Override
    public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) throws InterruptedException {
        if (closed) {
            throw closed();
        }
        List<CompletionStage<PublishOutcome>> outcomes = new ArrayList<>(batch.size());
        EventsException away = null;
        for (OutboundEvent event : batch) {
            PublishOutcome outcome;
            if (away != null) {
                outcome = PublishOutcome.failed(away);
            } else {
                try {
                    client.publish(event.event());
                    outcome = PublishOutcome.accepted();
                } catch (EventsException e) {
                    outcome = PublishOutcome.failed(e);
                    away = e.code() == ErrorCode.PROVIDER_UNAVAILABLE ? e : null;
                } catch (InterruptedException e) {
                    if (outcomes.isEmpty()) {
                        throw e;
                    }
                    Thread.currentThread().interrupt();
                    away = new EventsException(
                            ErrorCode.OUTCOME_UNKNOWN, "interrupted while " + event.event() + " was published", e);
                    outcome = PublishOutcome.failed(away);
                }
            }
            outcomes.add(CompletableFuture.completedFuture(outcome));
        }
        return outcomes;
    }

    @Override
    public ProviderSubscription subscribe(SubscribeRequest request) {
        if (closed) {
            throw closed();
        }
        RunnerSubscription subscription = new RunnerSubscription(this, request);
        subscriptions.add(subscription);
        subscription.start();
        return subscription;
    }

    void left(RunnerSubscription subscription) {
        subscriptions.remove(subscription);
    }

    @Override
    public void close() {
        closed = true;
        subscriptions.forEach(RunnerSubscription::close);
    }
}
