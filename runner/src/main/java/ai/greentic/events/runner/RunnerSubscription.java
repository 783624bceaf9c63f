package ai.greentic.events.runner;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.StartAt;
import ai.greentic.events.runner.RunnerBrokerClient.Received;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.Polled;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.Signal;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.spi.SubscribeRequest.Filter;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a broker behind a host has for a tenant. The host blocks for each operation, so that two threads of this subscription's own wait for
 * it: one asks for the next event while there is room, the other acknowledges.
 */
final class RunnerSubscription implements ProviderSubscription {
    private static final Logger LOG = LoggerFactory.getLogger(RunnerSubscription.class);
    private static final int ROOM = 64;
    private static final Duration NEXT = Duration.ofMillis(500);
    private static final Duration AGAIN = Duration.ofSeconds(1);

    private final RunnerProvider provider;
    private final RunnerBrokerClient client;
    private final SubscribeRequest request;
    private final List<String> ids = new ArrayList<>();
    private final Signal room;
    private final Signal toAcknowledge;
    private final ConcurrentLinkedQueue<Acknowledgement> acknowledgements = new ConcurrentLinkedQueue<>();

    // Guarded by this.
    private final ArrayDeque<Handed> waiting = new ArrayDeque<>();
    private final Set<InboundDelivery> held = Collections.newSetFromMap(new IdentityHashMap<>());
    private @Nullable EventsException failure;
    private volatile boolean closed;

    private static final class Handed extends InboundDelivery {
        final String subscription;
        final Received received;

        Handed(String subscription, Received received, Position position) {
            super(received.event().address(), received.event(), position, Shard.NONE, 0);
            this.subscription = subscription;
            this.received = received;
        }
    }

    private record Acknowledgement(List<Settled> settled, CompletableFuture<List<SettleOutcome>> outcomes) {}

    RunnerSubscription(RunnerProvider provider, RunnerBrokerClient client, SubscribeRequest request) {
        this.provider = provider;
        this.client = client;
        this.request = request;
        this.room = provider.context.tasks().signal();
        this.toAcknowledge = provider.context.tasks().signal();
        try {
            for (Filter filter : request.filters()) {
                ids.add(client.subscribe(
                        filter.scope(), filter.pattern(), false, request.start() instanceof StartAt.Earliest, true));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EventsException(ErrorCode.INTERRUPTED, "interrupted while subscribing", e);
        }
    }

    void start() {
        provider.context.tasks().start("process-next-" + provider.context.name(), this::fetch);
        provider.context.tasks().start("process-ack-" + provider.context.name(), this::acknowledge);
    }

    private void fetch() {
        try {
            while (!closed) {
                for (String id : ids) {
                    if (!closed && hasRoom()) {
                        next(id);
                    }
                }
                if (!closed && !hasRoom()) {
                    var unused = room.await(AGAIN);
                }
            }
        } catch (InterruptedException e) {
            LOG.debug("interrupted, as it is when the bus closes");
        }
    }

    private synchronized boolean hasRoom() {
        return waiting.size() < ROOM;
    }

    private void next(String id) throws InterruptedException {
        try {
            client.next(id, NEXT).ifPresent(received -> arrived(id, received));
            synchronized (this) {
                failure = null;
            }
        } catch (EventsException e) {
            LOG.debug("provider {}: asking for the next event failed", provider.context.name(), e);
            synchronized (this) {
                failure = e;
            }
            request.ready().raise();
            var unused = room.await(AGAIN);
        }
    }

    private void arrived(String id, Received received) {
        synchronized (this) {
            waiting.addLast(new Handed(id, received, new Position(provider.context.name(), received.token())));
        }
        request.ready().raise();
    }

    @Override
    public Polled poll(int maxDeliveries, Duration maxWait) throws InterruptedException {
        List<InboundDelivery> taken = take(maxDeliveries);
        if (taken.isEmpty() && maxDeliveries > 0 && !maxWait.isZero()) {
            request.ready().await(maxWait);
            taken = take(maxDeliveries);
        }
        return Polled.of(taken, taken.size() < maxDeliveries || maxDeliveries == 0);
    }

    private List<InboundDelivery> take(int max) {
        List<InboundDelivery> taken = new ArrayList<>();
        synchronized (this) {
            if (closed) {
                throw new EventsException(ErrorCode.CLOSED, "the subscription is closed");
            }
            while (taken.size() < max && !waiting.isEmpty()) {
                taken.add(waiting.removeFirst());
            }
            held.addAll(taken);
            if (taken.isEmpty() && failure != null) {
                throw failure.kind().retryable()
                        ? failure
                        : new EventsException(
                                ErrorCode.PROVIDER_UNAVAILABLE,
                                "provider " + provider.context.name() + " answers nonsense: " + failure.getMessage(),
                                failure);
            }
        }
        room.raise();
        return taken;
    }

    @Override
    public List<SettleOutcome> settle(List<Settled> settled) {
        List<SettleOutcome> outcomes = new ArrayList<>(settled.size());
        for (Settled one : settled) {
            outcomes.add(settle(one));
        }
        return outcomes;
    }

    @Override
    public CompletionStage<List<SettleOutcome>> settleLater(List<Settled> settled) {
        Acknowledgement asked = new Acknowledgement(List.copyOf(settled), new CompletableFuture<>());
        acknowledgements.add(asked);
        toAcknowledge.raise();
        if (closed) {
            asked.outcomes.complete(lost(settled));
        }
        return asked.outcomes;
    }

    private static List<SettleOutcome> lost(List<Settled> settled) {
        return settled.stream().map(one -> SettleOutcome.LOST).toList();
    }

    private void acknowledge() {
        try {
            while (!closed) {
                Acknowledgement next = acknowledgements.poll();
                if (next == null) {
                    var unused = toAcknowledge.await(AGAIN);
                } else {
                    try {
                        next.outcomes.complete(settle(next.settled));
                    } catch (RuntimeException e) {
                        next.outcomes.completeExceptionally(e);
                    }
                }
            }
        } catch (InterruptedException e) {
            LOG.debug("interrupted, as it is when the bus closes");
        } finally {
            acknowledgements.forEach(left -> left.outcomes.complete(lost(left.settled)));
        }
    }

    private SettleOutcome settle(Settled one) {
        synchronized (this) {
            if (closed || !held.remove(one.delivery())) {
                return SettleOutcome.LOST;
            }
        }
        Handed handed = (Handed) one.delivery();
        if (one.settlement() == Settled.Settlement.REDELIVER) {
            var unused = provider.context.tasks().schedule(one.delay(), () -> again(handed));
            return SettleOutcome.SETTLED;
        }
        try {
            client.ack(handed.subscription, handed.received);
            return SettleOutcome.SETTLED;
        } catch (EventsException e) {
            LOG.warn(
                    "provider {}: the acknowledgement of {} failed; it may come again",
                    provider.context.name(),
                    handed.received.event(),
                    e);
            return SettleOutcome.UNKNOWN;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return SettleOutcome.UNKNOWN;
        }
    }

    private void again(Handed handed) {
        synchronized (this) {
            if (closed) {
                return;
            }
            waiting.addFirst(handed);
        }
        request.ready().raise();
    }

    @Override
    public synchronized List<SettleOutcome> extend(List<InboundDelivery> deliveries, Duration by) {
        return deliveries.stream()
                .map(delivery -> held.contains(delivery) ? SettleOutcome.SETTLED : SettleOutcome.LOST)
                .toList();
    }

    /** A hold does not end by time. */
    @Override
    public Duration lease() {
        return Duration.ZERO;
    }

    /** There is one shard, and the engine stops polling where it cannot take more. */
    @Override
    public void pause(Set<Shard> shards) {}

    @Override
    public void released(Shard shard) {}

    @Override
    public void close() {
        closed = true;
        room.raise();
        toAcknowledge.raise();
        request.ready().raise();
        provider.left(this);
    }
}
