package ai.greentic.events.nats;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.nats.Reader.Arrival;
import ai.greentic.events.nats.Shards.Owned;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.OrderingKey;
import ai.greentic.events.spi.Polled;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.SubscribeRequest;
import io.nats.client.api.MessageInfo;
import io.nats.client.api.PublishAck;
import io.nats.client.impl.Headers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A member of a group, or an ephemeral subscription, which is a group of one shard that nobody writes down. One reader serves all shards
 * that the member owns; a cursor for each says how far it has come, and events that are handed over again are fetched one by one. The
 * runner's, but for what is said otherwise.
 */
final class NatsSubscription implements NatsReading {
    private static final Logger LOG = LoggerFactory.getLogger(NatsSubscription.class);
    private static final int MOST_ADDRESSES = 1_024;

    private final NatsProvider provider;
    private final Streams streams;
    private final SubscribeRequest request;
    private final String env;
    private final String stream;
    private final Shards shards;
    private final Map<String, Where> addresses = new HashMap<>();
    private Set<Shard> paused = Set.of();
    private volatile @Nullable Reader reader;
    private int readShards;
    /** Settled here, but perhaps not written down. */
    private final Set<InboundDelivery> unsaved = Collections.newSetFromMap(new IdentityHashMap<>());

    /**
     * Positions that are being written down. While they are, what the answer changes is the answering thread's: it must not wait for one that
     * holds this object and waits for another answer.
     */
    private volatile Membership.@Nullable Sent saving;

    private volatile boolean closed;

    /** What a subject says. */
    private record Where(TenantTopic address, int shard) {}

    /** An event that the engine has. */
    private static final class Handed extends InboundDelivery {
        final Owned owned;
        final long sequence;

        Handed(TenantTopic address, Arrival arrival, Position position, Owned owned) {
            super(address, arrival.data(), position, owned.shard, owned.epoch);
            this.owned = owned;
            this.sequence = arrival.sequence();
        }
    }

    NatsSubscription(NatsProvider provider, Streams streams, SubscribeRequest request) {
        this.provider = provider;
        this.streams = streams;
        this.request = request;
        this.env = request.filters().get(0).scope().env();
        this.stream = provider.subjects.stream(env);
        this.shards = new Shards(
                provider,
                streams,
                request,
                new StartingPoint(provider, streams, env, request.start()),
                this::keyOf,
                this::wake);
        if (!shards.isGroup()) {
            // From here on nothing is missed.
            Reader unused = read(List.copyOf(shards.all()));
        }
    }

    private OptionalLong keyOf(long sequence) {
        Arrival left = fetch(sequence);
        return left == null ? OptionalLong.empty() : OptionalLong.of(key(left));
    }

    // What is told from outside; any thread.

    @Override
    public void wake() {
        request.ready().raise();
    }

    @Override
    public void reconnected() {
        Reader open = reader;
        if (open != null) {
            open.reconnected();
        }
        shards.membersChanged();
    }

    @Override
    public void watch() {
        Reader open = reader;
        if (open != null && open.watch()) {
            wake();
        }
    }

    // What the engine asks.

    @Override
    public Polled poll(int maxDeliveries, Duration maxWait) throws InterruptedException {
        Polled polled = take(maxDeliveries);
        if (polled.deliveries().isEmpty()
                && polled.revoking().isEmpty()
                && polled.lost().isEmpty()
                && maxDeliveries > 0
                && !maxWait.isZero()) {
            request.ready().await(maxWait);
            polled = take(maxDeliveries);
        }
        return polled;
    }

    private synchronized Polled take(int max) {
        if (closed) {
            throw new EventsException(ErrorCode.CLOSED, "the subscription is closed");
        }
        if (!provider.isConnected()) {
            throw new EventsException(
                    ErrorCode.PROVIDER_UNAVAILABLE, "provider " + provider.context.name() + " is not connected");
        }
        if (saving == null) {
            if (shards.refresh()) {
                unsaved.clear();
            }
        } else if (shards.isDoubtful()) {
            // Its answer is out, and tells.
            return Polled.of(List.of(), true);
        }
        List<InboundDelivery> taken = new ArrayList<>(Math.min(max, 64));
        List<Owned> active = active();
        for (Owned shard : active) {
            takeReturned(shard, max, taken);
        }
        boolean all = false;
        try {
            all = taken.size() < max && takeFresh(active, max, taken);
        } catch (RuntimeException e) {
            // What was taken is the engine's; the next poll says what is wrong.
            if (taken.isEmpty()) {
                throw e;
            }
            LOG.debug("provider {}: reading stream {} failed", provider.context.name(), stream, e);
        }
        return new Polled(taken, shards.takeRevoking(), shards.takeLost(), true, all || max == 0);
    }

    private List<Owned> active() {
        List<Owned> active = new ArrayList<>(provider.subjects.shards());
        for (Owned shard : shards.all()) {
            shard.cursor.release();
            if (!shard.revoking && !paused.contains(shard.shard)) {
                active.add(shard);
            }
        }
        return active;
    }

    private void takeReturned(Owned shard, int max, List<InboundDelivery> taken) {
        while (taken.size() < max) {
            long sequence = shard.cursor.takeReturned();
            if (sequence == 0) {
                return;
            }
            Arrival again;
            try {
                again = fetch(sequence);
            } catch (RuntimeException e) {
                shard.cursor.giveBack(sequence, Duration.ZERO);
                if (taken.isEmpty()) {
                    throw e;
                }
                return;
            }
            if (again == null) {
                LOG.warn(
                        "event {} of stream {} is no longer kept and cannot be delivered again; raise max_age",
                        sequence,
                        stream);
                shard.cursor.end(sequence);
            } else {
                hand(again, shard, taken);
            }
        }
    }

    private @Nullable Arrival fetch(long sequence) {
        MessageInfo found = streams.event(env, sequence);
        return found == null ? null : new Arrival(sequence, found.getSubject(), found.getHeaders(), found.getData());
    }

    /** Reads on; returns whether everything that has arrived was looked at. */
    private boolean takeFresh(List<Owned> active, int max, List<InboundDelivery> taken) {
        Reader open = read(active);
        if (open == null) {
            return true;
        }
        long through = 0;
        for (Arrival arrival = next(open, max, taken); arrival != null; arrival = next(open, max, taken)) {
            through = arrival.sequence();
            Where where = where(arrival);
            Owned shard = where == null ? null : shards.of(where.shard);
            if (shard != null
                    && shard.reading
                    && !shard.cursor.knows(through)
                    && shard.cursor.meets(through, key(arrival), false)) {
                hand(arrival, shard, taken);
            }
        }
        for (Owned shard : shards.all()) {
            if (shard.reading) {
                shard.cursor.pass(through);
            }
        }
        open.goOn();
        return open.isEmpty();
    }

    private static @Nullable Arrival next(Reader open, int max, List<InboundDelivery> taken) {
        return taken.size() < max ? open.take() : null;
    }

    /** A reader for these shards as far as they are not full, from the first event that one of them has not looked at. */
    private @Nullable Reader read(List<Owned> active) {
        Reader open = reader;
        int wanted = 0;
        boolean same = true;
        for (Owned shard : active) {
            if (!shard.cursor.isFull()) {
                wanted++;
                same &= shard.reading;
            }
        }
        if (same && wanted == readShards) {
            return open;
        }
        if (open != null) {
            open.close();
        }
        reader = null;
        readShards = 0;
        shards.all().forEach(shard -> shard.reading = false);
        List<Owned> readers =
                active.stream().filter(shard -> !shard.cursor.isFull()).toList();
        if (readers.isEmpty()) {
            return null;
        }
        Set<Integer> numbers = new TreeSet<>();
        readers.forEach(shard -> numbers.add(shard.shard.index()));
        boolean all = !shards.isGroup() || numbers.size() == provider.subjects.shards();
        Reader fresh = new Reader(
                provider,
                streams,
                stream,
                provider.subjects.filters(request.filters(), all ? Set.of() : numbers),
                readers.stream().mapToLong(shard -> shard.cursor.next()).min().orElseThrow(),
                this::wake);
        reader = fresh;
        readShards = readers.size();
        readers.forEach(shard -> shard.reading = true);
        fresh.goOn();
        return fresh;
    }

    private @Nullable Where where(Arrival arrival) {
        Where known = addresses.get(arrival.subject());
        if (known != null) {
            return known;
        }
        try {
            Where where = new Where(
                    provider.subjects.address(env, arrival.subject()), provider.subjects.shard(arrival.subject()));
            if (addresses.size() >= MOST_ADDRESSES) {
                addresses.clear();
            }
            addresses.put(arrival.subject(), where);
            return where;
        } catch (EventsException e) {
            LOG.error(
                    "provider {}: event {} of stream {} is passed over: {}",
                    provider.context.name(),
                    arrival.sequence(),
                    stream,
                    e.getMessage());
            return null;
        }
    }

    private long key(Arrival arrival) {
        Headers headers = arrival.headers();
        String key = headers == null ? null : headers.getFirst(NatsProvider.KEY_HEADER);
        Where where = key == null ? null : where(arrival);
        return where == null ? 0 : hash(where.address, key);
    }

    private static long hash(TenantTopic address, @Nullable String keyToken) {
        long hash = (long) address.hashCode() << 32 ^ java.util.Objects.hashCode(keyToken) & 0xffff_ffffL;
        return hash == 0 ? 1 : hash;
    }

    private void hand(Arrival arrival, Owned shard, List<InboundDelivery> taken) {
        Where where = where(arrival);
        if (where == null) {
            shard.cursor.end(arrival.sequence());
        } else {
            taken.add(new Handed(where.address, arrival, provider.position(arrival.sequence()), shard));
        }
    }

    @Override
    public synchronized List<SettleOutcome> settle(List<Settled> settled) {
        requireAnswered();
        return saved(settled, note(settled));
    }

    private void requireAnswered() {
        if (saving != null) {
            throw new EventsException(
                    ErrorCode.PROVIDER_UNAVAILABLE, "the answer to the settlements before these is still out");
        }
    }

    private List<SettleOutcome> saved(List<Settled> settled, boolean any) {
        return outcomes(settled, any, !unsaved.isEmpty() && !closed && shards.save());
    }

    /** The runner reads on while positions are written down. */
    @Override
    public synchronized CompletionStage<List<SettleOutcome>> settleLater(List<Settled> settled) {
        requireAnswered();
        boolean any = note(settled);
        // News of the members are looked at while nothing is out, so there must be such a time.
        Membership.Sent sent = unsaved.isEmpty() || closed || shards.isChanged() ? null : shards.saveLater();
        if (sent == null) {
            return CompletableFuture.completedFuture(saved(settled, any));
        }
        saving = sent;
        return sent.answer().handle((ack, e) -> answered(settled, any, sent, ack, e));
    }

    private List<SettleOutcome> answered(
            List<Settled> settled,
            boolean any,
            Membership.Sent sent,
            @Nullable PublishAck ack,
            @Nullable Throwable failure) {
        try {
            return outcomes(settled, any, shards.saved(sent, ack, failure) && !closed);
        } finally {
            saving = null;
            if (shards.isChanged() || shards.isDoubtful()) {
                wake();
            }
        }
    }

    /** Notes what is settled; returns whether any of it was this member's. */
    private boolean note(List<Settled> settled) {
        boolean any = false;
        for (Settled one : settled) {
            Handed handed = (Handed) one.delivery();
            if (owns(handed) && settle(handed, one)) {
                unsaved.add(handed);
                any = true;
            }
        }
        return any;
    }

    /** What could not be written down last time is asked for again, and is amongst what is not saved still. */
    private List<SettleOutcome> outcomes(List<Settled> settled, boolean any, boolean held) {
        List<SettleOutcome> outcomes = new ArrayList<>(settled.size());
        for (Settled one : settled) {
            outcomes.add(held && unsaved.remove(one.delivery()) ? SettleOutcome.SETTLED : SettleOutcome.LOST);
        }
        if (!held && any) {
            shards.membersChanged();
        }
        unsaved.clear();
        return outcomes;
    }

    private boolean owns(Handed handed) {
        return !closed && shards.owns(handed.owned);
    }

    private boolean settle(Handed handed, Settled how) {
        if (how.settlement() == Settled.Settlement.ACK) {
            return handed.owned.cursor.end(handed.sequence);
        }
        boolean held = handed.owned.cursor.giveBack(handed.sequence, how.delay());
        if (held) {
            provider.context.tasks().schedule(how.delay(), this::wake);
        }
        return held;
    }

    /** A hold ends only with the subscription, so there is nothing to prolong but what is no longer held. */
    @Override
    public synchronized List<SettleOutcome> extend(List<InboundDelivery> deliveries, Duration by) {
        return deliveries.stream()
                .map(delivery -> (Handed) delivery)
                .map(delivery -> owns(delivery) && delivery.owned.cursor.isHanded(delivery.sequence)
                        ? SettleOutcome.SETTLED
                        : SettleOutcome.LOST)
                .toList();
    }

    @Override
    public Duration lease() {
        return Duration.ZERO;
    }

    @Override
    public synchronized void pause(Set<Shard> shards) {
        paused = Set.copyOf(shards);
    }

    /** The stream is where the events of a paused key wait, so there is no need to stop the others of its shard. */
    @Override
    public synchronized boolean pauseKeys(Set<OrderingKey> keys) {
        Set<Long> hashes = new TreeSet<>();
        keys.forEach(key -> hashes.add(hash(key.address(), Subjects.token(key.value()))));
        shards.pauseKeys(hashes);
        wake();
        return provider.subjects.carryKeys();
    }

    @Override
    public synchronized void released(Shard shard) {
        if (!closed) {
            shards.released(shard);
        }
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        Reader open = reader;
        if (open != null) {
            open.close();
        }
        shards.close();
        wake();
        provider.left(this);
    }
}
