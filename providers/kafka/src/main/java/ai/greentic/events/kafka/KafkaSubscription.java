package ai.greentic.events.kafka;

import ai.greentic.events.AllTenants;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.kafka.Part.Handed;
import ai.greentic.events.kafka.Part.Standing;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.OrderingKey;
import ai.greentic.events.spi.Polled;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.SubscribeRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * A member of a consumer group, or an ephemeral subscription that reads all partitions. The engine's runner takes from what the consumer's
 * thread has read; both meet under this object's monitor, which neither holds while it waits for a broker.
 */
final class KafkaSubscription implements ProviderSubscription {
    private static final Duration BETWEEN_COMMITS = Duration.ofSeconds(5);
    private static final Duration BETWEEN_TOPICS = Duration.ofSeconds(5);
    private static final Duration AGAIN = Duration.ofSeconds(1);

    private final KafkaProvider provider;
    private final SubscribeRequest request;
    private final TenantScope scope;
    private final String patterns;
    private final Map<TopicPartition, Part> parts = new LinkedHashMap<>();
    private final Map<TopicPartition, Shard> shards = new HashMap<>();
    private final Addresses addresses;
    private final List<Shard> revoking = new ArrayList<>();
    private final List<Shard> lost = new ArrayList<>();
    /** Settled here, but perhaps not committed. */
    private final Set<InboundDelivery> unsaved = Collections.newSetFromMap(new IdentityHashMap<>());

    private Set<Shard> paused = Set.of();
    private Set<Long> pausedKeys = Set.of();
    private ConsumerThread thread;
    private int turn;
    /** Whether a partition may have to be read again. */
    private boolean restoring;

    private long committedNanos;
    private long topicsNanos;
    private volatile boolean closed;

    @SuppressWarnings("NullAway.Init") // The thread needs the subscription; open gives it at once.
    private KafkaSubscription(KafkaProvider provider, SubscribeRequest request) {
        this.provider = provider;
        this.request = request;
        this.scope = request.filters().get(0).scope();
        this.addresses = new Addresses(provider, scope.env(), request.filters());
        this.patterns = Standing.patterns(request.filters());
        long now = provider.context.time().nanos();
        this.committedNanos = now;
        this.topicsNanos = now;
    }

    /** Events that are accepted after the return are in it. */
    static KafkaSubscription open(KafkaProvider provider, SubscribeRequest request) {
        KafkaSubscription subscription = new KafkaSubscription(provider, request);
        String group = request.group();
        if (group == null) {
            subscription.readAll();
        } else {
            subscription.join(Names.group(subscription.scope, group));
        }
        return subscription;
    }

    private List<String> topics() {
        return scope instanceof TenantContext one
                ? List.of(provider.names.topic(one.tenant()))
                : provider.topics.ofAllTenants(scope.env());
    }

    private List<TopicPartition> partitions() {
        List<TopicPartition> partitions = new ArrayList<>();
        topics().forEach(topic -> partitions.addAll(provider.topics.partitions(topic)));
        return partitions;
    }

    private void readAll() {
        List<TopicPartition> partitions = partitions();
        Map<TopicPartition, Long> starts = new StartingPoint(provider, scope, request.start()).in(partitions);
        KafkaConsumer<byte[], byte[]> consumer = provider.consumer(null);
        consumer.assign(partitions);
        starts.forEach((partition, offset) -> {
            consumer.seek(partition, offset);
            assigned(partition, 0, new OffsetAndMetadata(offset));
        });
        thread = new ConsumerThread(provider, this, consumer);
        thread.start();
    }

    private void join(String group) {
        List<TopicPartition> partitions = partitions();
        // Before the group is looked at, so that whoever else begins it now begins no later.
        Map<TopicPartition, Long> starts = new StartingPoint(provider, scope, request.start()).in(partitions);
        Map<TopicPartition, OffsetAndMetadata> known = provider.topics.standing(group);
        Standing.requirePatterns(known.values(), patterns, "group " + request.group() + " of " + scope);
        if (known.isEmpty()) {
            Map<TopicPartition, OffsetAndMetadata> begin = new HashMap<>();
            starts.forEach((partition, offset) -> begin.put(partition, Standing.begin(offset, patterns)));
            if (!begin.isEmpty()) {
                provider.topics.begin(group, begin);
            }
        } else {
            provider.topics.warnOfLoss(group, known);
        }
        KafkaConsumer<byte[], byte[]> consumer = provider.consumer(group);
        thread = new ConsumerThread(provider, this, consumer);
        if (scope instanceof AllTenants) {
            consumer.subscribe(provider.names.topics(scope.env()), thread);
        } else {
            consumer.subscribe(topics(), thread);
        }
        thread.start();
    }

    // What the consumer's thread tells.

    void wake() {
        request.ready().raise();
    }

    synchronized void assigned(TopicPartition partition, long epoch, OffsetAndMetadata committed) {
        Shard shard = shards.computeIfAbsent(partition, any -> new Shard(shards.size()));
        Part part = new Part(partition, shard, epoch, provider.context.time(), Standing.of(committed), isGroup());
        part.cursor.pauseKeys(pausedKeys);
        parts.put(partition, part);
        restoring |= part.isRestoring();
    }

    /** Those of an assignment that were not taken over. */
    synchronized Set<TopicPartition> unknownOf(Set<TopicPartition> assignment) {
        if (parts.keySet().containsAll(assignment)) {
            return Set.of();
        }
        Set<TopicPartition> unknown = new HashSet<>(assignment);
        unknown.removeAll(parts.keySet());
        return unknown;
    }

    /** Of which nothing more is to be read now. */
    synchronized Set<TopicPartition> unwanted() {
        Set<TopicPartition> unwanted = new HashSet<>(0);
        for (Part part : parts.values()) {
            if (!part.wantsMore()) {
                unwanted.add(part.partition);
            }
        }
        return unwanted;
    }

    synchronized void arrived(ConsumerRecords<byte[], byte[]> read) {
        for (TopicPartition partition : read.partitions()) {
            Part part = parts.get(partition);
            if (part != null) {
                read.records(partition).forEach(part::arrived);
            }
        }
        wake();
    }

    synchronized List<TopicPartition> restoring() {
        if (!restoring) {
            return List.of();
        }
        restoring = parts.values().stream().anyMatch(Part::isRestoring);
        return parts.values().stream()
                .filter(part -> part.isRestoring())
                .map(part -> part.partition)
                .toList();
    }

    synchronized void reached(TopicPartition partition, long offset) {
        Part part = parts.get(partition);
        if (part != null && part.reached(offset)) {
            awaitDue(part);
            wake();
        }
    }

    private void awaitDue(Part part) {
        long wait = part.cursor.untilDue();
        if (wait >= 0) {
            provider.context.tasks().schedule(Duration.ofNanos(wait), this::wake);
        }
    }

    /** The partitions of tenants that were not there before; an ephemeral subscription to all tenants looks for itself. */
    void moreTopics(KafkaConsumer<byte[], byte[]> consumer) {
        long now = provider.context.time().nanos();
        if (request.group() != null || scope instanceof TenantContext || now - topicsNanos < BETWEEN_TOPICS.toNanos()) {
            return;
        }
        topicsNanos = now;
        List<TopicPartition> fresh = partitions().stream()
                .filter(partition -> !consumer.assignment().contains(partition))
                .toList();
        if (!fresh.isEmpty()) {
            List<TopicPartition> all = new ArrayList<>(consumer.assignment());
            all.addAll(fresh);
            consumer.assign(all);
            consumer.seekToBeginning(fresh);
            fresh.forEach(partition -> assigned(partition, 0, new OffsetAndMetadata(consumer.position(partition))));
        }
    }

    synchronized void revoke(Collection<TopicPartition> partitions) {
        for (TopicPartition partition : partitions) {
            Part part = parts.get(partition);
            if (part != null) {
                part.revoking = true;
                revoking.add(part.shard);
            }
        }
        wake();
    }

    synchronized boolean areReleased(Collection<TopicPartition> partitions) {
        return partitions.stream().map(parts::get).allMatch(part -> part == null || part.released);
    }

    synchronized void gone(Collection<TopicPartition> partitions) {
        for (TopicPartition partition : partitions) {
            Part part = parts.remove(partition);
            if (part != null && !part.released) {
                lost.add(part.shard);
            }
        }
        wake();
    }

    synchronized Map<TopicPartition, OffsetAndMetadata> ending() {
        return request.group() == null ? new HashMap<>() : standing(parts.values());
    }

    boolean isGroup() {
        return request.group() != null;
    }

    private Map<TopicPartition, OffsetAndMetadata> standing(Collection<Part> some) {
        Map<TopicPartition, OffsetAndMetadata> standing = new HashMap<>();
        some.forEach(part -> standing.put(part.partition, part.standing(patterns)));
        return standing;
    }

    // What the engine asks.

    @Override
    public Polled poll(int maxDeliveries, Duration maxWait) throws InterruptedException {
        commitNowAndThen();
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

    /** Positions move also where nothing is the subscription's. */
    private void commitNowAndThen() {
        long now = provider.context.time().nanos();
        if (request.group() == null || now - committedNanos < BETWEEN_COMMITS.toNanos()) {
            return;
        }
        committedNanos = now;
        Map<TopicPartition, OffsetAndMetadata> ahead;
        synchronized (this) {
            ahead = standing(parts.values().stream()
                    .filter(part -> part.cursor.isAhead())
                    .toList());
        }
        if (!ahead.isEmpty()) {
            // If that fails, settlements will say so, or the next time comes.
            var unused = thread.commitLater(ahead);
        }
    }

    private synchronized Polled take(int max) {
        if (closed) {
            throw new EventsException(ErrorCode.CLOSED, "the subscription is closed");
        }
        EventsException failure = thread.failure();
        if (failure != null) {
            throw failure;
        }
        List<Shard> nowRevoking = List.copyOf(revoking);
        List<Shard> nowLost = List.copyOf(lost);
        revoking.clear();
        lost.clear();
        List<InboundDelivery> taken = new ArrayList<>(Math.min(max, 64));
        List<Part> active = parts.values().stream()
                .filter(part -> part.isActive() && !paused.contains(part.shard))
                .toList();
        boolean drained = false;
        for (int i = 0; i < active.size() && taken.size() < max; i++) {
            Part part = active.get(Math.floorMod(turn + i, active.size()));
            boolean wanted = part.wantsMore();
            part.cursor.release();
            takeReturned(part, max, taken);
            takeFresh(part, max, taken);
            drained |= !wanted && part.wantsMore();
        }
        turn++;
        if (drained) {
            thread.hurry();
        }
        boolean more = taken.size() >= max || active.stream().anyMatch(part -> !part.fresh.isEmpty() && !part.isFull());
        return new Polled(taken, nowRevoking, nowLost, true, max == 0 || !more);
    }

    private void takeReturned(Part part, int max, List<InboundDelivery> taken) {
        while (taken.size() < max) {
            long number = part.cursor.takeReturned();
            if (number == 0) {
                return;
            }
            ConsumerRecord<byte[], byte[]> again = part.kept(number);
            TenantTopic address = again == null ? null : addresses.wanted(again);
            if (again == null || address == null) {
                boolean unused = part.end(number);
            } else {
                taken.add(new Handed(address, again, provider.position(again.partition(), again.offset()), part));
            }
        }
    }

    private void takeFresh(Part part, int max, List<InboundDelivery> taken) {
        while (taken.size() < max && !part.fresh.isEmpty() && !part.isFull()) {
            ConsumerRecord<byte[], byte[]> read = part.fresh.removeFirst();
            long number = Part.number(read);
            TenantTopic address = part.cursor.knows(number) ? null : addresses.wanted(read);
            if (address != null) {
                part.keep(read);
                if (part.cursor.meets(number, Part.key(read), false)) {
                    taken.add(new Handed(address, read, provider.position(read.partition(), read.offset()), part));
                }
            }
            part.cursor.pass(number);
        }
    }

    @Override
    public List<SettleOutcome> settle(List<Settled> settled) {
        Map<TopicPartition, OffsetAndMetadata> offsets = note(settled);
        return outcomes(settled, offsets.isEmpty() || thread.commit(offsets));
    }

    /** The consumer's thread commits while the engine reads on. */
    @Override
    public CompletionStage<List<SettleOutcome>> settleLater(List<Settled> settled) {
        Map<TopicPartition, OffsetAndMetadata> offsets = note(settled);
        return offsets.isEmpty()
                ? CompletableFuture.completedFuture(outcomes(settled, true))
                : thread.commitLater(offsets).thenApply(saved -> outcomes(settled, saved));
    }

    /** Notes what is settled, and returns what is to be committed. */
    private synchronized Map<TopicPartition, OffsetAndMetadata> note(List<Settled> settled) {
        Set<Part> touched = new HashSet<>();
        for (Settled one : settled) {
            Handed handed = (Handed) one.delivery();
            if (owns(handed) && settle(handed, one)) {
                unsaved.add(handed);
            }
            if (owns(handed)) {
                touched.add(handed.part);
            }
        }
        return request.group() == null || unsaved.isEmpty() ? Map.of() : standing(touched);
    }

    private synchronized List<SettleOutcome> outcomes(List<Settled> settled, boolean saved) {
        List<SettleOutcome> outcomes = new ArrayList<>(settled.size());
        for (Settled one : settled) {
            Handed handed = (Handed) one.delivery();
            outcomes.add(unsaved.remove(handed) && saved && owns(handed) ? SettleOutcome.SETTLED : SettleOutcome.LOST);
        }
        unsaved.clear();
        return outcomes;
    }

    private boolean owns(Handed handed) {
        return !closed && parts.get(handed.part.partition) == handed.part;
    }

    private boolean settle(Handed handed, Settled how) {
        if (how.settlement() == Settled.Settlement.ACK) {
            return handed.part.end(handed.number);
        }
        boolean held = handed.part.cursor.giveBack(handed.number, how.delay());
        if (held) {
            provider.context.tasks().schedule(how.delay(), this::wake);
        }
        return held;
    }

    /** A hold ends only with the membership, so there is nothing to prolong but what is no longer held. */
    @Override
    public synchronized List<SettleOutcome> extend(List<InboundDelivery> deliveries, Duration by) {
        return deliveries.stream()
                .map(delivery -> (Handed) delivery)
                .map(delivery -> owns(delivery) && delivery.part.cursor.isHanded(delivery.number)
                        ? SettleOutcome.SETTLED
                        : SettleOutcome.LOST)
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

    @Override
    public synchronized boolean pauseKeys(Set<OrderingKey> keys) {
        Set<Long> hashes = new HashSet<>();
        keys.forEach(key -> hashes.add(Part.hash(KafkaProvider.key(key.address(), key.value()))));
        pausedKeys = hashes;
        parts.values().forEach(part -> part.cursor.pauseKeys(hashes));
        wake();
        return true;
    }

    /** The thread writes the partition's last position down before it lets it go; the runner has others to serve meanwhile. */
    @Override
    public void released(Shard shard) {
        Part part;
        Map<TopicPartition, OffsetAndMetadata> last;
        synchronized (this) {
            part = parts.values().stream()
                    .filter(one -> one.shard.equals(shard) && one.revoking)
                    .findFirst()
                    .orElse(null);
            if (part == null) {
                return;
            }
            last = standing(List.of(part));
        }
        var unused = thread.commitLater(last).whenComplete((saved, e) -> {
            if (e == null) {
                synchronized (this) {
                    part.released = true;
                }
                thread.hurry();
            } else {
                // Drained as it is, it is released again, and written down then.
                provider.context.tasks().schedule(AGAIN, () -> revoke(List.of(part.partition)));
            }
        });
    }

    @Override
    public void close() {
        thread.await(closeLater());
    }

    @Override
    public CompletableFuture<Void> closeLater() {
        closed = true;
        return thread.close().thenRun(() -> {
            wake();
            provider.left(this);
        });
    }
}
