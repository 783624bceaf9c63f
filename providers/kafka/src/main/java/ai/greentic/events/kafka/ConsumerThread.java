package ai.greentic.events.kafka;

import ai.greentic.events.EventsException;
import ai.greentic.events.spi.Signal;
import ai.greentic.events.spi.Time;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.FencedInstanceIdException;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.UnknownMemberIdException;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that owns a subscription's consumer. It must be one of its own: while a group rebalances, the consumer's poll calls back and
 * does not return until partitions that are taken away are drained, and draining them needs commits. It reads ahead within bounds, commits
 * what it is asked to, and otherwise only tells the subscription.
 */
final class ConsumerThread implements ConsumerRebalanceListener {
    private static final Logger LOG = LoggerFactory.getLogger(ConsumerThread.class);
    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration LOOK = Duration.ofMillis(20);
    private static final Duration DRAIN = Duration.ofSeconds(30);
    private static final Duration COMMIT = Duration.ofSeconds(5);
    private static final Duration LEAVE = Duration.ofSeconds(3);
    private static final Duration GONE = Duration.ofSeconds(2);
    private static final Duration AGAIN = Duration.ofSeconds(1);

    private final KafkaProvider provider;
    private final KafkaSubscription subscription;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Time time;
    private final Metric connections;
    /** Raised when something is to be done; waited for by this thread alone, while it does not poll. */
    private final Signal todo;

    private final Signal ended;
    private volatile @Nullable Commit asked;
    private volatile boolean polling;
    private volatile boolean closing;
    private volatile long connectedNanos;
    private volatile @Nullable EventsException failure;

    /** A commit that somebody waits for. */
    private static final class Commit {
        final Map<TopicPartition, OffsetAndMetadata> offsets;
        final Signal done;
        volatile boolean over;
        volatile boolean deposed;
        volatile @Nullable RuntimeException failure;

        Commit(Map<TopicPartition, OffsetAndMetadata> offsets, Signal done) {
            this.offsets = offsets;
            this.done = done;
        }

        void end() {
            over = true;
            done.raise();
        }
    }

    ConsumerThread(KafkaProvider provider, KafkaSubscription subscription, KafkaConsumer<byte[], byte[]> consumer) {
        this.provider = provider;
        this.subscription = subscription;
        this.consumer = consumer;
        this.time = provider.context.time();
        this.todo = provider.context.tasks().signal();
        this.ended = provider.context.tasks().signal();
        this.connectedNanos = time.nanos();
        this.connections = consumer.metrics().entrySet().stream()
                .filter(metric -> metric.getKey().name().equals("connection-count")
                        && metric.getKey().tags().keySet().equals(Set.of("client-id")))
                .<Metric>map(Map.Entry::getValue)
                .findFirst()
                .orElseThrow();
    }

    void start() {
        provider.context.tasks().start("kafka-" + provider.name(), this::run);
    }

    // What others ask for.

    /** Commits, and waits for it; returns false if this member may not commit any more. */
    boolean commit(Map<TopicPartition, OffsetAndMetadata> offsets) {
        EventsException known = failure;
        if (known != null || closing) {
            throw known == null ? provider.closed() : known;
        }
        Commit mine = new Commit(offsets, provider.context.tasks().signal());
        asked = mine;
        hurry();
        long end = time.nanos() + 2 * COMMIT.toNanos();
        try {
            while (!mine.over && time.nanos() - end < 0) {
                var unused = mine.done.await(COMMIT);
            }
        } catch (InterruptedException e) {
            throw Failures.of(provider.name(), "committing", e, true);
        }
        RuntimeException failed = mine.failure;
        if (failed != null || !mine.over) {
            throw Failures.of(
                    provider.name(),
                    "committing offsets",
                    failed != null ? failed : new org.apache.kafka.common.errors.TimeoutException("no answer"),
                    false);
        }
        return !mine.deposed;
    }

    /** Has the thread look at what it is to do. */
    void hurry() {
        todo.raise();
        if (polling) {
            consumer.wakeup();
        }
    }

    /** What made the thread end, if anything did; or that no broker can be reached. */
    @Nullable
    EventsException failure() {
        EventsException known = failure;
        if (known == null && time.nanos() - connectedNanos > GONE.toNanos()) {
            return new EventsException(
                    ai.greentic.events.ErrorCode.PROVIDER_UNAVAILABLE,
                    "provider " + provider.name() + " has no connection to any broker");
        }
        return known;
    }

    /** Ends the thread, and waits for it, but not for ever. */
    void close() {
        closing = true;
        hurry();
        consumer.wakeup();
        try {
            if (!ended.await(COMMIT.plus(LEAVE).plus(LEAVE))) {
                LOG.warn("provider {}: a consumer did not end in time", provider.name());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // The thread.

    private void run() {
        try {
            while (!closing) {
                try {
                    once();
                } catch (WakeupException e) {
                    LOG.trace("somebody asked for something");
                } catch (AuthenticationException | AuthorizationException e) {
                    failure = Failures.of(provider.name(), "reading", e, false);
                    subscription.wake();
                    return;
                } catch (RuntimeException e) {
                    LOG.warn("provider {}: reading failed; it goes on in {}", provider.name(), AGAIN, e);
                    var unused = todo.await(AGAIN);
                }
            }
        } catch (InterruptedException e) {
            LOG.debug("interrupted, as it is when the bus closes");
        } finally {
            end();
        }
    }

    private void once() throws InterruptedException {
        serve();
        subscription.moreTopics(consumer);
        if (!subscription.isGroup() && consumer.assignment().isEmpty()) {
            // All tenants of an environment that has none yet.
            connectedNanos = time.nanos();
            var unused = todo.await(POLL);
            return;
        }
        if (subscription.isGroup()) {
            Set<TopicPartition> left = new HashSet<>(consumer.assignment());
            left.removeAll(subscription.known());
            takeOver(left);
        }
        Set<TopicPartition> wanted = subscription.wanted();
        Set<TopicPartition> paused = consumer.paused();
        Set<TopicPartition> resume = new HashSet<>(paused);
        resume.retainAll(wanted);
        Set<TopicPartition> pause = new HashSet<>(consumer.assignment());
        pause.removeAll(wanted);
        pause.removeAll(paused);
        consumer.resume(resume);
        consumer.pause(pause);
        polling = true;
        ConsumerRecords<byte[], byte[]> read;
        try {
            // What was asked for just before is not seen by a wake-up that found nobody.
            read = consumer.poll(asked == null ? POLL : Duration.ZERO);
        } finally {
            polling = false;
        }
        if (((Number) connections.metricValue()).doubleValue() > 0) {
            connectedNanos = time.nanos();
        }
        for (TopicPartition partition : read.partitions()) {
            List<ConsumerRecord<byte[], byte[]>> records = read.records(partition);
            subscription.arrived(partition, records);
        }
        for (TopicPartition partition : subscription.restoring()) {
            if (consumer.assignment().contains(partition)) {
                subscription.reached(partition, consumer.position(partition));
            }
        }
    }

    /** Does what was asked for. */
    private void serve() {
        Commit commit = asked;
        if (commit == null) {
            return;
        }
        // A broker asks which member it is, not whose the partition is.
        Map<TopicPartition, OffsetAndMetadata> own = new HashMap<>(commit.offsets);
        own.keySet().retainAll(consumer.assignment());
        try {
            commit.deposed = own.isEmpty();
            if (!own.isEmpty()) {
                consumer.commitSync(own, COMMIT);
            }
        } catch (WakeupException e) {
            // Meant for a poll; what is asked for stays so.
            return;
        } catch (RebalanceInProgressException e) {
            // The next poll goes on with it, and what was taken away then is no longer asked for.
            return;
        } catch (CommitFailedException | UnknownMemberIdException | FencedInstanceIdException e) {
            commit.deposed = true;
        } catch (RuntimeException e) {
            commit.failure = e;
        }
        asked = null;
        commit.end();
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        try {
            takeOver(partitions);
        } catch (WakeupException | RetriableException e) {
            // The client calls back but once, and what it reads meanwhile would be read for nobody.
            consumer.pause(partitions);
            LOG.debug("provider {}: {} are taken over in the next round", provider.name(), partitions, e);
        }
    }

    /** Finds out how far former owners had come. */
    private void takeOver(Collection<TopicPartition> partitions) {
        if (partitions.isEmpty()) {
            return;
        }
        Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(new HashSet<>(partitions));
        int generation = consumer.groupMetadata().generationId();
        for (TopicPartition partition : partitions) {
            OffsetAndMetadata standing = committed.get(partition);
            if (standing != null) {
                consumer.seek(partition, standing);
            }
            subscription.assigned(
                    partition,
                    generation,
                    standing == null ? new OffsetAndMetadata(consumer.position(partition)) : standing);
        }
    }

    /** Partitions move only when the engine has drained them, or did not within a time. */
    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        if (closing) {
            boolean unused = commitLast();
            subscription.gone(partitions);
            return;
        }
        if (partitions.isEmpty()) {
            return;
        }
        subscription.revoke(partitions);
        long end = time.nanos() + DRAIN.toNanos();
        try {
            while (!closing && !subscription.areReleased(partitions) && time.nanos() - end < 0) {
                serve();
                var unused = todo.await(LOOK);
            }
            serve();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        subscription.gone(partitions);
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
        subscription.gone(partitions);
    }

    /** Commits everything for the last time; returns false if the group is just being shared out anew. */
    private boolean commitLast() {
        while (true) {
            Map<TopicPartition, OffsetAndMetadata> last = subscription.ending();
            last.keySet().retainAll(consumer.assignment());
            try {
                if (!last.isEmpty()) {
                    consumer.commitSync(last, LEAVE);
                }
                return true;
            } catch (WakeupException e) {
                LOG.trace("woken, as if from a poll");
            } catch (RebalanceInProgressException e) {
                return false;
            }
        }
    }

    /** Only a poll goes on with a rebalance; what it brings is not looked at. */
    private void rejoin() {
        try {
            var unused = consumer.poll(LOOK);
        } catch (WakeupException e) {
            LOG.debug("woken while a group is left");
        }
    }

    private void end() {
        boolean interrupted = Thread.interrupted();
        try {
            long end = time.nanos() + LEAVE.toNanos();
            while (!commitLast() && time.nanos() - end < 0) {
                rejoin();
            }
        } catch (RuntimeException e) {
            LOG.warn(
                    "provider {}: a group was not left cleanly; what was settled last may come again",
                    provider.name(),
                    e);
        }
        Commit waiting = asked;
        if (waiting != null) {
            waiting.failure = provider.closed();
            waiting.end();
        }
        try {
            consumer.close(CloseOptions.timeout(LEAVE));
        } catch (RuntimeException e) {
            LOG.debug("provider {}: a consumer ended badly", provider.name(), e);
        }
        ended.raise();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
