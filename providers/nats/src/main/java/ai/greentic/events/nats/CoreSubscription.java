package ai.greentic.events.nats;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.Polled;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.SubscribeRequest;
import io.nats.client.Message;
import io.nats.client.Subscription;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An ephemeral subscription without JetStream: at most once. What comes while there is no room, or no connection, is gone; the former is
 * counted and said.
 */
final class CoreSubscription implements NatsReading {
    private static final Logger LOG = LoggerFactory.getLogger(CoreSubscription.class);
    private static final int ROOM = 65_536;
    private static final long ROOM_BYTES = 64L << 20;
    private static final Duration BETWEEN_WORDS = Duration.ofSeconds(10);

    private final NatsProvider provider;
    private final CoreSubjects subjects;
    private final SubscribeRequest request;
    private final Subscription address;
    private final ArrayDeque<InboundDelivery> waiting = new ArrayDeque<>();
    private final Set<InboundDelivery> held = Collections.newSetFromMap(new IdentityHashMap<>());
    private long waitingBytes;
    private long dropped;
    private long saidNanos;
    private long number;
    private boolean closed;

    @SuppressWarnings("this-escape")
    CoreSubscription(NatsProvider provider, CoreSubjects subjects, SubscribeRequest request) {
        this.provider = provider;
        this.subjects = subjects;
        this.request = request;
        this.saidNanos = provider.context.time().nanos() - BETWEEN_WORDS.toNanos();
        this.address = provider.listen(subjects.all(request.filters().get(0).scope()), this::arrived);
        // From here on nothing is missed.
        provider.flush();
    }

    /** On the dispatcher's thread. */
    private void arrived(Message message) {
        TenantTopic whose = subjects.address(request.filters().get(0).scope().env(), message.getSubject());
        if (whose == null
                || request.filters().stream()
                        .noneMatch(filter -> filter.scope().includes(whose.tenant())
                                && filter.pattern().matches(whose.topic()))) {
            return;
        }
        synchronized (this) {
            if (closed) {
                return;
            }
            if (waiting.size() >= ROOM || waitingBytes + message.getData().length > ROOM_BYTES) {
                drop();
                return;
            }
            waitingBytes += message.getData().length;
            waiting.addLast(new InboundDelivery(whose, message.getData(), provider.position(++number), Shard.NONE, 0));
            if (waiting.size() > 1) {
                return;
            }
        }
        wake();
    }

    private void drop() {
        dropped++;
        long now = provider.context.time().nanos();
        if (now - saidNanos > BETWEEN_WORDS.toNanos()) {
            saidNanos = now;
            LOG.warn(
                    "provider {}: {} events so far came faster than subscription {} takes them and are gone; mode jetstream keeps them",
                    provider.context.name(),
                    dropped,
                    subjects.all(request.filters().get(0).scope()));
        }
    }

    @Override
    public Polled poll(int maxDeliveries, Duration maxWait) throws InterruptedException {
        List<InboundDelivery> taken = take(maxDeliveries);
        if (taken.isEmpty() && maxDeliveries > 0 && !maxWait.isZero()) {
            request.ready().await(maxWait);
            taken = take(maxDeliveries);
        }
        if (taken.isEmpty() && !provider.isConnected()) {
            throw new EventsException(
                    ErrorCode.PROVIDER_UNAVAILABLE, "provider " + provider.context.name() + " is not connected");
        }
        return Polled.of(taken, taken.size() < maxDeliveries || maxDeliveries == 0);
    }

    private synchronized List<InboundDelivery> take(int max) {
        if (closed) {
            throw new EventsException(ErrorCode.CLOSED, "the subscription is closed");
        }
        List<InboundDelivery> taken = new ArrayList<>();
        while (taken.size() < max && !waiting.isEmpty()) {
            InboundDelivery next = waiting.removeFirst();
            waitingBytes -= length(next);
            taken.add(next);
        }
        held.addAll(taken);
        return taken;
    }

    private static int length(InboundDelivery delivery) {
        byte[] encoded = delivery.encoded();
        return encoded == null ? 0 : encoded.length;
    }

    @Override
    public synchronized List<SettleOutcome> settle(List<Settled> settled) {
        List<SettleOutcome> outcomes = new ArrayList<>(settled.size());
        List<InboundDelivery> again = new ArrayList<>();
        for (Settled one : settled) {
            boolean mine = !closed && held.remove(one.delivery());
            if (mine && one.settlement() == Settled.Settlement.REDELIVER) {
                again.add(one.delivery());
            }
            outcomes.add(mine ? SettleOutcome.SETTLED : SettleOutcome.LOST);
        }
        for (int i = again.size() - 1; i >= 0; i--) {
            waiting.addFirst(again.get(i));
            waitingBytes += length(again.get(i));
        }
        if (!again.isEmpty()) {
            wake();
        }
        return outcomes;
    }

    /** A hold does not end by time. */
    @Override
    public synchronized List<SettleOutcome> extend(List<InboundDelivery> deliveries, Duration by) {
        return deliveries.stream()
                .map(delivery -> held.contains(delivery) ? SettleOutcome.SETTLED : SettleOutcome.LOST)
                .toList();
    }

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
    public void wake() {
        request.ready().raise();
    }

    /** The client subscribes again by itself; what came meanwhile is gone. */
    @Override
    public void reconnected() {
        wake();
    }

    @Override
    public void watch() {}

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            waiting.clear();
            held.clear();
        }
        provider.forget(address);
        wake();
        provider.left(this);
    }
}
