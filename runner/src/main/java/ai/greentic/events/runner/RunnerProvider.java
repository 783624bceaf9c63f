package ai.greentic.events.runner;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
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
import org.jspecify.annotations.Nullable;

/** A component as a provider: what it is given one by one, and, of a broker, ephemeral subscriptions. */
final class RunnerProvider implements EventProvider {
    final ProviderContext context;
    private final Sender sender;
    private final @Nullable RunnerBrokerClient broker;
    private final Set<RunnerSubscription> subscriptions = new CopyOnWriteArraySet<>();
    private volatile boolean closed;

    /** Gives a component an event; returns when it has taken it. */
    interface Sender {
        void send(EventEnvelope event) throws InterruptedException;
    }

    private RunnerProvider(ProviderContext context, Sender sender, @Nullable RunnerBrokerClient broker) {
        this.context = context;
        this.sender = sender;
        this.broker = broker;
    }

    static RunnerProvider broker(ProviderContext context, RunnerBrokerClient client) {
        return new RunnerProvider(context, client::publish, client);
    }

    /**
     * A component that is invoked for each event. It must know how to publish, and like its settings.
     *
     * @throws EventsException {@code INVALID_CONFIGURATION} if it does not
     */
    static RunnerProvider component(ProviderContext context, ProviderCoreClient client, Payload config) {
        try {
            List<String> ops = client.describe().ops();
            if (!ops.contains("publish")) {
                throw new EventsException(
                        ErrorCode.INVALID_CONFIGURATION,
                        "provider " + context.name() + " cannot publish; its operations are " + ops);
            }
            Payload checked = client.validateConfig(config);
            return new RunnerProvider(
                    context,
                    event -> {
                        var unused = client.publish(checked, event);
                    },
                    null);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EventsException(
                    ErrorCode.INTERRUPTED, "interrupted while provider " + context.name() + " was asked", e);
        }
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
                    sender.send(event.event());
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
        if (broker == null) {
            throw new EventsException(
                    ErrorCode.UNSUPPORTED_CAPABILITY, "provider " + context.name() + " takes events and gives none");
        }
        RunnerSubscription subscription = new RunnerSubscription(this, broker, request);
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
