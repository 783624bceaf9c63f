package ai.greentic.events.nats;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.StartAt;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.Polled;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.SubscribeRequest;
import io.nats.client.api.StreamInfo;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** An ephemeral subscription: a reader for each environment. What was handed over and came back is handed over again first. */
final class NatsSubscription implements ProviderSubscription {
    private final NatsProvider provider;
    private final SubscribeRequest request;
    private final List<Reader> readers = new ArrayList<>();
    private final Set<InboundDelivery> held = Collections.newSetFromMap(new IdentityHashMap<>());
    private final ArrayDeque<InboundDelivery> again = new ArrayDeque<>();
    private volatile boolean closed;

    NatsSubscription(NatsProvider provider, Streams streams, SubscribeRequest request) {
        this.provider = provider;
        this.request = request;
        Set<String> envs = request.filters().stream().map(Subjects::env).collect(Collectors.toSet());
        for (String env : envs) {
            StreamInfo info = streams.info(env);
            Instant from = request.start() instanceof StartAt.At at ? at.time() : null;
            readers.add(new Reader(
                    provider,
                    streams,
                    provider.subjects.stream(env),
                    provider.subjects.filters(env, request.filters()),
                    first(info),
                    from,
                    this::wake));
        }
        // From here on nothing is missed.
        readers.forEach(Reader::goOn);
    }

    private long first(StreamInfo info) {
        long last = info.getStreamState().getLastSequence();
        if (request.start() instanceof StartAt.Earliest) {
            return Math.max(1, info.getStreamState().getFirstSequence());
        }
        Position after = request.start() instanceof StartAt.After given
                ? given.positions().get(provider.context.name())
                : null;
        if (after == null) {
            return last + 1;
        }
        long sequence = after.opaque().matches("[0-9]{1,18}") ? Long.parseLong(after.opaque()) : -1;
        if (sequence < 0 || sequence > last) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT,
                    "'" + after.opaque() + "' is not a position of provider " + provider.context.name()
                            + ": they are numbers up to " + last);
        }
        if (sequence + 1 < info.getStreamState().getFirstSequence()) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT,
                    "provider " + provider.context.name() + " no longer keeps what follows position " + sequence
                            + ": its oldest event is " + info.getStreamState().getFirstSequence()
                            + "; start at EARLIEST, or raise its max_age");
        }
        return sequence + 1;
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
        if (provider.isConnected()) {
            readers.forEach(Reader::goOn);
        }
        return Polled.of(taken, taken.size() < maxDeliveries);
    }

    private synchronized List<InboundDelivery> take(int max) {
        if (closed) {
            throw new EventsException(ErrorCode.CLOSED, "the subscription is closed");
        }
        List<InboundDelivery> taken = new ArrayList<>();
        while (taken.size() < max && !again.isEmpty()) {
            taken.add(again.removeFirst());
        }
        for (Reader reader : readers) {
            while (taken.size() < max) {
                InboundDelivery delivery = reader.take();
                if (delivery == null) {
                    break;
                }
                taken.add(delivery);
            }
        }
        held.addAll(taken);
        return taken;
    }

    @Override
    public synchronized List<SettleOutcome> settle(List<Settled> settled) {
        List<SettleOutcome> outcomes = new ArrayList<>(settled.size());
        for (Settled one : settled) {
            boolean mine = !closed && held.remove(one.delivery());
            if (mine && one.settlement() == Settled.Settlement.REDELIVER) {
                again.addLast(one.delivery());
            }
            outcomes.add(mine ? SettleOutcome.SETTLED : SettleOutcome.LOST);
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

    void wake() {
        request.ready().raise();
    }

    void reconnected() {
        readers.forEach(Reader::reconnected);
        wake();
    }

    /** Looks for what nobody was told of. */
    void watch() {
        boolean any = false;
        for (Reader reader : readers) {
            any |= reader.watch();
        }
        if (any) {
            wake();
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        readers.forEach(Reader::close);
        wake();
        provider.left(this);
    }
}
