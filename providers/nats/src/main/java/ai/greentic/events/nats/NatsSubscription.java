package ai.greentic.events.nats;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.nats.GroupRecord.Part;
import ai.greentic.events.nats.GroupRecord.Progress;
import ai.greentic.events.nats.Reader.Arrival;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.OrderingKey;
import ai.greentic.events.spi.Polled;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.ShardCursor;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.spi.Tasks;
import io.nats.client.api.MessageInfo;
import io.nats.client.api.StreamInfo;
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
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A member of a group, or an ephemeral subscription, which is a group of one shard that nobody writes down. One reader serves all shards
 * that the member owns; a cursor for each says how far it has come, and events that are handed over again are fetched one by one. The
 * runner's, but for what is said otherwise.
 */
final class NatsSubscription implements ProviderSubscription {
    private static final Logger LOG = LoggerFactory.getLogger(NatsSubscription.class);
    /** Events of a shard that may be passed and not settled. What a member writes down stays below half a megabyte with it. */
    private static final int MOST_OPEN = 512;

    private static final int MOST_ADDRESSES = 1_024;

    private final NatsProvider provider;
    private final Streams streams;
    private final SubscribeRequest request;
    private final String env;
    private final String stream;
    private final @Nullable Membership membership;
    private final Map<Integer, Owned> owned = new TreeMap<>();
    private final Map<String, Where> addresses = new HashMap<>();
    private Set<Shard> paused = Set.of();
    private Set<Long> pausedKeys = Set.of();
    private volatile @Nullable Reader reader;
    private int readShards;
    /** Settled here, but perhaps not written down. */
    private final Set<InboundDelivery> unsaved = Collections.newSetFromMap(new IdentityHashMap<>());

    private volatile boolean changed = true;
    private volatile Tasks.@Nullable Timer heartbeat;
    private volatile boolean closed;

    /** A shard that is this member's. */
    private static final class Owned {
        final Shard shard;
        final long epoch;
        final ShardCursor cursor;
        boolean revoking;
        /** Whether the reader brings its events. */
        boolean reading;

        Owned(Shard shard, long epoch, ShardCursor cursor) {
            this.shard = shard;
            this.epoch = epoch;
            this.cursor = cursor;
        }

        Progress progress() {
            long next = cursor.next();
            return new Progress(epoch, next, cursor.open());
        }
    }

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
        StreamInfo info = streams.info(env);
        if (request.group() == null) {
            membership = null;
            own(Shard.NONE, new Progress(0, first(info), new byte[0]));
            // From here on nothing is missed.
            read(List.copyOf(owned.values()));
        } else {
            membership = Membership.join(
                    provider,
                    provider.groups().bucket(),
                    Subjects.group(request.filters().get(0).scope(), request.group()),
                    patterns(),
                    NatsProvider.SHARDS,
                    info,
                    this::first,
                    provider.memberTimeout(),
                    this::membersChanged);
            beat();
        }
    }

    private List<String> patterns() {
        return request.filters().stream()
                .map(filter -> filter.pattern().value())
                .sorted()
                .toList();
    }

    private long first(StreamInfo info) {
        long last = info.getStreamState().getLastSequence();
        if (request.start() instanceof StartAt.Earliest) {
            return Math.max(1, info.getStreamState().getFirstSequence());
        }
        if (request.start() instanceof StartAt.At at) {
            return streams.firstSince(env, at.time());
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

    /** Takes a shard over as its former owner left it. */
    private Owned own(Shard shard, Progress base) {
        ShardCursor cursor = new ShardCursor(
                provider.context.time(), base.next(), membership == null ? Integer.MAX_VALUE : MOST_OPEN);
        cursor.restore(base.open(), sequence -> {
            Arrival left = fetch(sequence);
            return left == null ? OptionalLong.empty() : OptionalLong.of(key(left));
        });
        cursor.pauseKeys(pausedKeys);
        Owned mine = new Owned(shard, base.epoch(), cursor);
        owned.put(shard.index(), mine);
        long wait = cursor.untilDue();
        if (wait >= 0) {
            wakeAfter(Duration.ofNanos(wait));
        }
        return mine;
    }

    private void wakeAfter(Duration delay) {
        provider.context.tasks().schedule(delay, this::wake);
    }

    // What is told from outside; any thread.

    void wake() {
        request.ready().raise();
    }

    private void membersChanged() {
        changed = true;
        wake();
    }

    /** The member must say that it lives, and look at the others. */
    private void beat() {
        heartbeat = provider.context.tasks().schedule(provider.memberTimeout().dividedBy(5), () -> {
            if (!closed) {
                membersChanged();
                beat();
            }
        });
    }

    void reconnected() {
        Reader open = reader;
        if (open != null) {
            open.reconnected();
        }
        membersChanged();
    }

    /** Looks for what nobody was told of. */
    void watch() {
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
        List<Shard> revoking = new ArrayList<>();
        List<Shard> lost = new ArrayList<>();
        refresh(revoking, lost);
        List<InboundDelivery> taken = new ArrayList<>(Math.min(max, 64));
        List<Owned> active = active();
        for (Owned shard : active) {
            takeReturned(shard, max, taken);
        }
        boolean all = taken.size() < max && takeFresh(active, max, taken);
        return new Polled(taken, revoking, lost, true, all || max == 0);
    }

    private List<Owned> active() {
        List<Owned> active = new ArrayList<>(owned.size());
        for (Owned shard : owned.values()) {
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
            Owned shard = where == null ? null : owned.get(membership == null ? Shard.NONE.index() : where.shard);
            if (shard != null
                    && shard.reading
                    && !shard.cursor.knows(through)
                    && shard.cursor.meets(through, key(arrival), false)) {
                hand(arrival, shard, taken);
            }
        }
        for (Owned shard : owned.values()) {
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
        owned.values().forEach(shard -> shard.reading = false);
        List<Owned> readers =
                active.stream().filter(shard -> !shard.cursor.isFull()).toList();
        if (readers.isEmpty()) {
            return null;
        }
        Set<Integer> numbers = new TreeSet<>();
        readers.forEach(shard -> numbers.add(shard.shard.index()));
        boolean all = membership == null || numbers.size() == NatsProvider.SHARDS;
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
            Where where =
                    new Where(provider.subjects.address(arrival.subject()), provider.subjects.shard(arrival.subject()));
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

    /** Says that the member lives, and finds out which shards are its own. */
    private void refresh(List<Shard> revoking, List<Shard> lost) {
        Membership member = membership;
        if (member == null || !changed && !member.isDoubtful()) {
            return;
        }
        changed = false;
        try {
            if (!save()) {
                LOG.warn(
                        "provider {} was taken for dead and joins group {} again",
                        provider.context.name(),
                        request.group());
                owned.values().forEach(shard -> lost.add(shard.shard));
                owned.clear();
                unsaved.clear();
                member.rejoin(patterns(), NatsProvider.SHARDS, streams.info(env), this::first);
            }
            GroupRecord shared = member.shared();
            if (member.deposeDead(shared)) {
                shared = member.shared();
            }
            for (int i = 0; i < shared.parts.size(); i++) {
                compare(member, new Shard(i), shared.parts.get(i), revoking, lost);
            }
        } catch (RuntimeException e) {
            changed = true;
            throw e;
        }
    }

    private void compare(Membership member, Shard shard, Part part, List<Shard> revoking, List<Shard> lost) {
        Owned mine = owned.get(shard.index());
        boolean own = member.id().equals(part.owner);
        if (mine != null && (!own || mine.epoch != part.base.epoch())) {
            owned.remove(shard.index());
            lost.add(shard);
            mine = null;
        }
        if (own && mine == null) {
            mine = own(shard, part.base);
        }
        if (mine != null && part.wanted != null && !mine.revoking) {
            mine.revoking = true;
            revoking.add(shard);
        }
    }

    /** Writes down what all shards have come to; returns false if they are somebody else's by now. */
    private boolean save() {
        Membership member = membership;
        if (member == null) {
            return true;
        }
        Map<Integer, Progress> progress = new TreeMap<>();
        owned.forEach((index, shard) -> progress.put(index, shard.progress()));
        return member.save(progress);
    }

    @Override
    public synchronized List<SettleOutcome> settle(List<Settled> settled) {
        boolean any = false;
        for (Settled one : settled) {
            Handed handed = (Handed) one.delivery();
            if (owns(handed) && settle(handed, one)) {
                unsaved.add(handed);
                any = true;
            }
        }
        // What could not be written down last time is asked for again, and is here still.
        boolean held = !unsaved.isEmpty() && !closed && save();
        List<SettleOutcome> outcomes = new ArrayList<>(settled.size());
        for (Settled one : settled) {
            outcomes.add(held && unsaved.remove(one.delivery()) ? SettleOutcome.SETTLED : SettleOutcome.LOST);
        }
        if (!held && any) {
            membersChanged();
        }
        unsaved.clear();
        return outcomes;
    }

    private boolean owns(Handed handed) {
        return !closed && owned.get(handed.shard().index()) == handed.owned;
    }

    private boolean settle(Handed handed, Settled how) {
        if (how.settlement() == Settled.Settlement.ACK) {
            return handed.owned.cursor.end(handed.sequence);
        }
        boolean held = handed.owned.cursor.giveBack(handed.sequence, how.delay());
        if (held) {
            wakeAfter(how.delay());
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
        pausedKeys = hashes;
        owned.values().forEach(shard -> shard.cursor.pauseKeys(hashes));
        wake();
        return true;
    }

    @Override
    public synchronized void released(Shard shard) {
        Membership member = membership;
        Owned mine = owned.get(shard.index());
        if (member != null && mine != null && !closed) {
            member.release(shard.index(), mine.progress());
            owned.remove(shard.index());
        }
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        Tasks.Timer timer = heartbeat;
        if (timer != null) {
            timer.cancel();
        }
        Reader open = reader;
        if (open != null) {
            open.close();
        }
        Membership member = membership;
        if (member != null) {
            Map<Integer, Progress> progress = new TreeMap<>();
            owned.forEach((index, shard) -> progress.put(index, shard.progress()));
            try {
                member.leave(progress);
            } catch (EventsException e) {
                LOG.warn(
                        "group {} was not left cleanly; its shards move after {}",
                        request.group(),
                        provider.memberTimeout(),
                        e);
            }
        }
        owned.clear();
        wake();
        provider.left(this);
    }
}
