package ai.greentic.events.embedded;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.embedded.Addresses.Address;
import ai.greentic.events.embedded.Groups.Membership;
import ai.greentic.events.embedded.Groups.Progress;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.OrderingKey;
import ai.greentic.events.spi.Polled;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.SubscribeRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A member of a group, or an ephemeral subscription, which is a group of one shard that nobody writes down. Reads the log once for all
 * of its shards; each shard says which part of it is its own and how far it has come. Where it rests belongs to the log's lock, the
 * rest to its own.
 */
final class EmbeddedSubscription implements ProviderSubscription {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedSubscription.class);
    private static final int MOST_AHEAD = 100;

    private final Store store;
    private final ProviderContext context;
    private final SubscribeRequest request;
    final Interest interest;
    private final int shards;
    private final Map<Integer, ShardState> owned = new TreeMap<>();
    private Set<Shard> paused = Set.of();
    private Set<Long> pausedKeys = Set.of();
    private @Nullable Membership membership;
    private long highFrom;
    private boolean closed;
    private volatile boolean membershipChanged;

    // The log's.
    private boolean resting;
    private long restedAt;
    private long resumeAt;

    /** An event that the engine has. */
    private static final class Handed extends InboundDelivery {
        final ShardState shard;
        final long seq;

        Handed(TenantTopic address, Entry entry, Position position, ShardState shard) {
            super(
                    address,
                    java.util.Objects.requireNonNull(entry.record().event),
                    position,
                    new Shard(shard.index),
                    shard.epoch);
            this.shard = shard;
            this.seq = entry.seq();
        }

        Handed(TenantTopic address, Entry entry, Position position, ShardState shard, @Nullable String defect) {
            super(address, entry.record().encoded(), position, new Shard(shard.index), shard.epoch, defect);
            this.shard = shard;
            this.seq = entry.seq();
        }
    }

    /** An ephemeral subscription that starts at an event. */
    EmbeddedSubscription(Store store, ProviderContext context, SubscribeRequest request, long start) {
        this.store = store;
        this.context = context;
        this.request = request;
        this.interest = new Interest(context.qualifiedName(), request.filters(), store.addresses);
        this.shards = 1;
        owned.put(Shard.NONE.index(), new ShardState(Shard.NONE.index(), 0, start, context.time()));
        store.log.add(this);
    }

    /** A member of a group. */
    EmbeddedSubscription(
            Store store, ProviderContext context, SubscribeRequest request, Membership membership, int shards) {
        this.store = store;
        this.context = context;
        this.request = request;
        this.interest = new Interest(context.qualifiedName(), request.filters(), store.addresses);
        this.shards = shards;
        this.membership = membership;
        this.membershipChanged = true;
        store.log.add(this);
    }

    // What the log tells.

    /** Something came, perhaps for this subscription; -1 if nobody knows. Under the log's lock. */
    void arrived(long seq) {
        if (resting) {
            resting = false;
            resumeAt = Math.max(0, seq);
            request.ready().raise();
        } else if (seq < 0) {
            resumeAt = 0;
        }
    }

    /** Under the log's lock. */
    void resting(long next) {
        resting = true;
        restedAt = next;
    }

    /** Under the log's lock. */
    long takeResume() {
        long at = resumeAt;
        resumeAt = 0;
        return at;
    }

    /** Members of some group have come or gone. */
    void membershipChanged() {
        if (membership != null) {
            membershipChanged = true;
            request.ready().raise();
        }
    }

    // What the engine asks.

    @Override
    public Polled poll(int maxDeliveries, Duration maxWait) throws InterruptedException {
        Polled polled = take(maxDeliveries);
        if (polled.deliveries().isEmpty()
                && polled.revoking().isEmpty()
                && polled.quiet()
                && maxDeliveries > 0
                && !maxWait.isZero()) {
            request.ready().await(maxWait);
            polled = take(maxDeliveries);
        }
        return polled;
    }

    private synchronized Polled take(int max) {
        if (closed) {
            throw closed();
        }
        List<Shard> revoking = new ArrayList<>();
        List<Shard> lost = new ArrayList<>();
        if (membershipChanged) {
            membershipChanged = false;
            refresh(revoking, lost);
        }
        if (max == 0) {
            return new Polled(List.of(), revoking, lost, true, true);
        }
        List<InboundDelivery> taken = new ArrayList<>(Math.min(max, 64));
        List<ShardState> active = active();
        takeHigh(active, max, taken);
        takeReturned(active, max, taken);
        boolean seenAll = takeFresh(active, max, taken);
        if (seenAll) {
            takeLow(active, max, taken);
        }
        return new Polled(taken, revoking, lost, true, seenAll && taken.size() < max);
    }

    private EventsException closed() {
        return new EventsException(ErrorCode.CLOSED, "provider " + context.name() + " or its subscription is closed");
    }

    private List<ShardState> active() {
        List<ShardState> active = new ArrayList<>(owned.size());
        for (ShardState shard : owned.values()) {
            shard.cursor.release();
            if (!shard.revoking && (paused.isEmpty() || !paused.contains(new Shard(shard.index)))) {
                active.add(shard);
            }
        }
        return active;
    }

    private @Nullable ShardState shardOf(Entry entry) {
        return membership == null
                ? owned.get(Shard.NONE.index())
                : owned.get((int) ((entry.record().hash() >>> 33) % shards));
    }

    private void takeReturned(List<ShardState> active, int max, List<InboundDelivery> taken) {
        for (ShardState shard : active) {
            while (taken.size() < max) {
                long seq = shard.cursor.takeReturned();
                if (seq == 0) {
                    break;
                }
                handAgain(shard, seq, taken);
            }
        }
    }

    private void handAgain(ShardState shard, long seq, List<InboundDelivery> taken) {
        Entry entry = store.log.entry(seq);
        if (entry == null) {
            LOG.warn("event {} of provider {} is no longer kept and cannot be delivered again", seq, context.name());
            shard.cursor.end(seq);
        } else {
            hand(entry, shard, taken);
        }
    }

    /** Events of high priority, ahead of what is before them. */
    private void takeHigh(List<ShardState> active, int max, List<InboundDelivery> taken) {
        if (store.log.newestHigh() < highFrom || active.isEmpty()) {
            return;
        }
        List<Long> ahead = store.database.read(session -> session.list(
                "SELECT seq FROM priority WHERE prio = 1 AND seq >= ? AND seq <= ? ORDER BY seq LIMIT ?",
                row -> row.getLong(1),
                highFrom,
                store.log.tail(),
                MOST_AHEAD));
        for (Long seq : ahead) {
            Entry entry = store.log.entry(seq);
            if (entry != null
                    && interest.wants(entry.address())
                    && entry.record().isIntact()) {
                if (taken.size() >= max) {
                    return;
                }
                ShardState shard = shardOf(entry);
                if (shard != null && active.contains(shard) && !shard.cursor.isFull() && !shard.cursor.knows(seq)) {
                    shard.meets(entry, true);
                    hand(entry, shard, taken);
                }
            }
            highFrom = seq + 1;
        }
        if (ahead.size() < MOST_AHEAD) {
            highFrom = Math.max(highFrom, store.log.newestHigh() + 1);
        }
    }

    /** Reads on in the log; returns whether everything in it has been seen. */
    private boolean takeFresh(List<ShardState> active, int max, List<InboundDelivery> taken) {
        long resume = store.log.resume(this);
        List<ShardState> readers =
                active.stream().filter(shard -> !shard.cursor.isFull()).toList();
        if (resume > 0) {
            readers.stream()
                    .filter(shard -> shard.cursor.next() >= restedAt)
                    .forEach(shard -> shard.cursor.pass(resume - 1));
        }
        while (!readers.isEmpty()) {
            long from = readers.stream()
                    .mapToLong(shard -> shard.cursor.next())
                    .min()
                    .orElseThrow();
            if (taken.size() >= max) {
                return false;
            }
            if (store.log.rest(this, from)) {
                return true;
            }
            EventLog.Chunk chunk = store.log.read(from, max - taken.size(), interest);
            for (Entry entry : chunk.entries()) {
                ShardState shard = shardOf(entry);
                if (shard != null
                        && readers.contains(shard)
                        && !shard.cursor.knows(entry.seq())
                        && shard.meets(entry, !shard.cursor.isFull())) {
                    hand(entry, shard, taken);
                }
            }
            readers.forEach(shard -> shard.cursor.pass(chunk.through()));
            readers = readers.stream().filter(shard -> !shard.cursor.isFull()).toList();
        }
        return true;
    }

    private void takeLow(List<ShardState> active, int max, List<InboundDelivery> taken) {
        for (ShardState shard : active) {
            while (taken.size() < max) {
                long seq = shard.cursor.takeLow();
                if (seq == 0) {
                    break;
                }
                handAgain(shard, seq, taken);
            }
        }
    }

    private void hand(Entry entry, ShardState shard, List<InboundDelivery> taken) {
        Address address = store.addresses.byId(entry.address());
        if (address == null) {
            throw new EventsException(
                    ErrorCode.STORE_CORRUPT,
                    "store " + store.directory() + ": the address of event " + entry.seq() + " is missing; run doctor");
        }
        Position position = new Position(context.name(), Long.toString(entry.seq()));
        if (entry.record().event != null) {
            taken.add(new Handed(address.topic(), entry, position, shard));
        } else {
            String defect = entry.record().isIntact()
                    ? null
                    : "the bytes of event " + entry.seq() + " in store " + store.directory() + " fail their check";
            taken.add(new Handed(address.topic(), entry, position, shard, defect));
        }
    }

    /** Finds out which shards are this member's. */
    private void refresh(List<Shard> revoking, List<Shard> lost) {
        Membership own = java.util.Objects.requireNonNull(membership);
        boolean known = store.database.read(
                session -> session.number("SELECT count(*) FROM member WHERE id = ?", own.id()) > 0);
        if (!known) {
            LOG.warn("provider {} was taken for dead and joins group {} again", context.name(), request.group());
            membership = store.join(context.qualifiedName(), request, shards, 0);
        }
        Membership now = java.util.Objects.requireNonNull(membership);
        Map<Integer, Groups.Row> rows = store.database.read(session -> Groups.of(session, now));
        if (rows.isEmpty()) {
            throw new EventsException(ErrorCode.CLOSED, "group " + request.group() + " was forgotten");
        }
        for (Groups.Row row : rows.values()) {
            ShardState state = owned.get(row.shard());
            boolean mine = row.member() == now.id();
            if (state != null && (!mine || state.epoch != row.epoch())) {
                owned.remove(row.shard());
                lost.add(new Shard(row.shard()));
                state = null;
            }
            if (mine && state == null) {
                state = ShardState.load(row, store.log, context.time());
                state.cursor.pauseKeys(pausedKeys);
                owned.put(row.shard(), state);
                awaitDue(state);
                highFrom = Math.min(highFrom, row.next());
            }
            if (state != null && row.wanted() != 0 && !state.revoking) {
                state.revoking = true;
                revoking.add(new Shard(row.shard()));
            }
        }
    }

    private void awaitDue(ShardState shard) {
        long nanos = shard.cursor.untilDue();
        if (nanos >= 0) {
            context.tasks().schedule(Duration.ofNanos(nanos), request.ready()::raise);
        }
    }

    @Override
    public synchronized List<SettleOutcome> settle(List<Settled> settled) {
        List<SettleOutcome> outcomes = new ArrayList<>(settled.size());
        Set<ShardState> touched = new java.util.LinkedHashSet<>();
        for (Settled one : settled) {
            Handed handed = (Handed) one.delivery();
            boolean held = owns(handed) && settle(handed, one);
            outcomes.add(held ? SettleOutcome.SETTLED : SettleOutcome.LOST);
            if (held) {
                touched.add(handed.shard);
            }
        }
        Set<Integer> lost = save(touched);
        for (int i = 0; i < outcomes.size() && !lost.isEmpty(); i++) {
            if (lost.contains(((Handed) settled.get(i).delivery()).shard.index)) {
                outcomes.set(i, SettleOutcome.LOST);
            }
        }
        return outcomes;
    }

    private boolean owns(Handed handed) {
        return !closed && owned.get(handed.shard.index) == handed.shard;
    }

    private boolean holds(Handed handed) {
        return owns(handed) && handed.shard.cursor.isHanded(handed.seq);
    }

    private boolean settle(Handed handed, Settled how) {
        if (how.settlement() == Settled.Settlement.ACK) {
            return handed.shard.cursor.end(handed.seq);
        }
        boolean held = handed.shard.cursor.giveBack(handed.seq, how.delay());
        if (held && how.delay().toMillis() > 0) {
            context.tasks().schedule(how.delay(), request.ready()::raise);
        } else if (held) {
            request.ready().raise();
        }
        return held;
    }

    /** Writes down what shards have come to; returns those that are somebody else's by now. */
    private Set<Integer> save(Collection<ShardState> touched) {
        Membership own = membership;
        if (own == null || touched.isEmpty()) {
            return Set.of();
        }
        List<Progress> progress = touched.stream().map(ShardState::progress).toList();
        List<Integer> gone = store.committer.call(false, tx -> Groups.save(tx, own, progress));
        Set<Integer> lost = new TreeSet<>(gone);
        if (!lost.isEmpty()) {
            membershipChanged = true;
            request.ready().raise();
        }
        return lost;
    }

    /** Writes down how far the shards have come that have had nothing to settle, so that what is behind them need not be kept. */
    synchronized void saveProgress() {
        if (!closed) {
            Set<Integer> unused = save(owned.values().stream()
                    .filter(shard -> shard.cursor.isAhead())
                    .toList());
        }
    }

    /** A hold ends only with the subscription, so there is nothing to prolong but what is no longer held. */
    @Override
    public synchronized List<SettleOutcome> extend(List<InboundDelivery> deliveries, Duration by) {
        return deliveries.stream()
                .map(delivery -> holds((Handed) delivery) ? SettleOutcome.SETTLED : SettleOutcome.LOST)
                .toList();
    }

    @Override
    public Duration lease() {
        return Duration.ZERO;
    }

    @Override
    public synchronized void pause(Set<Shard> which) {
        paused = Set.copyOf(which);
    }

    /** The log is where the events of a paused key wait, so there is no need to stop the others of its shard. */
    @Override
    public synchronized boolean pauseKeys(Set<OrderingKey> keys) {
        Set<Long> hashes = new TreeSet<>();
        keys.forEach(key -> hashes.add(StoredEvent.hash(key.address(), key.value())));
        pausedKeys = hashes;
        owned.values().forEach(shard -> shard.cursor.pauseKeys(hashes));
        request.ready().raise();
        return true;
    }

    @Override
    public synchronized void released(Shard shard) {
        Membership own = membership;
        ShardState state = owned.remove(shard.index());
        if (own == null || state == null || closed) {
            return;
        }
        Progress progress = state.progress();
        store.committer.call(false, tx -> {
            Groups.save(tx, own, List.of(progress));
            store.groups.release(tx, own, shard.index());
            return progress;
        });
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        store.log.remove(this);
        store.closed(this);
        Membership own = membership;
        if (own != null) {
            List<Progress> progress =
                    owned.values().stream().map(ShardState::progress).toList();
            try {
                store.committer.call(false, tx -> {
                    Groups.save(tx, own, progress);
                    store.groups.leave(tx, own);
                    return progress;
                });
            } catch (EventsException e) {
                LOG.warn("group {} was not left cleanly; its shards move when this process ends", request.group(), e);
            }
        }
        owned.clear();
        request.ready().raise();
    }
}
