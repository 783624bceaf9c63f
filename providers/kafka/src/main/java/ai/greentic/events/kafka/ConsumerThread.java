package ai.greentic.events.kafka;

import ai.greentic.events.EventsException;
import ai.greentic.events.spi.Signal;
import ai.greentic.events.spi.Time;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
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
    private static final Duration SHORTLY = Duration.ofMillis(1);
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

    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    /** What is to be committed, in order; what is under way stays until it is answered. */
    private final Queue<Commit> asked = new ConcurrentLinkedQueue<>();
    /** Under way without this thread waiting for it. */
    private volatile @Nullable Commit sent;

    private volatile boolean polling;
    /** The last poll brought something, so the next one waits but shortly: what is asked for meanwhile need not end it. */
    private volatile boolean busy;

    private volatile boolean closing;
    private volatile boolean hasEnded;
    private volatile long connectedNanos;
    private volatile @Nullable EventsException failure;

    /** A commit that somebody waits for, and whether this member still could make it. */
    private static final class Commit {
        final Map<TopicPartition, OffsetAndMetadata> offsets;
        final CompletableFuture<Boolean> done = new CompletableFuture<>();
        final long endNanos;
        /** Not to be tried before. */
        long againNanos;

        Commit(Map<TopicPartition, OffsetAndMetadata> offsets, long nowNanos) {
            this.offsets = offsets;
            this.endNanos = nowNanos + 2 * COMMIT.toNanos();
            this.againNanos = nowNanos;
        }
    }

    ConsumerThread(KafkaProvider provider, KafkaSubscription subscription, KafkaConsumer<byte[], byte[]> consumer) {
        this.provider = provider;
        this.subscription = subscription;
        this.consumer = consumer;
        this.time = provider.context.time();
        this.todo = provider.context.tasks().signal();
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
        Signal answered = provider.context.tasks().signal();
        CompletableFuture<Boolean> done = commitLater(offsets);
        var unused = done.whenComplete((saved, e) -> answered.raise());
        try {
            if (!done.isDone() && !answered.await(COMMIT.multipliedBy(3))) {
                throw failed(new org.apache.kafka.common.errors.TimeoutException("no answer"));
            }
            return done.getNow(false);
        } catch (InterruptedException e) {
            throw Failures.of(provider.name(), "committing", e, true);
        } catch (CompletionException e) {
            throw e.getCause() instanceof EventsException known ? known : failed(e);
        }
    }

    /** Commits; false if this member may not commit any more. */
    CompletableFuture<Boolean> commitLater(Map<TopicPartition, OffsetAndMetadata> offsets) {
        EventsException known = failure;
        if (known != null || closing) {
            throw known == null ? provider.closed() : known;
        }
        Commit mine = new Commit(offsets, time.nanos());
        asked.add(mine);
        // While one is under way, its answer brings the next.
        if (sent == null && !busy) {
            hurry();
        }
        if (hasEnded) {
            // It may have looked for the last time before this was asked for.
            conclude(mine, provider.closed());
        }
        return mine.done;
    }

    private EventsException failed(Throwable e) {
        return Failures.of(provider.name(), "committing offsets", e, false);
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

    /** Has the thread end, within a bounded time; completes when it has. */
    CompletableFuture<Void> close() {
        closing = true;
        hurry();
        consumer.wakeup();
        return ended;
    }

    /** Waits for the end. */
    void await(CompletableFuture<Void> end) {
        Signal over = provider.context.tasks().signal();
        var unused = end.whenComplete((nothing, e) -> over.raise());
        try {
            if (!end.isDone() && !over.await(COMMIT.plus(LEAVE).plus(LEAVE))) {
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

    /** What was asked for just before a poll is not seen by a wake-up that found nobody. */
    private Duration patience() {
        Duration most = busy ? SHORTLY : POLL;
        Commit next = asked.peek();
        if (next == null || sent != null) {
            return most;
        }
        long wait = next.againNanos - time.nanos();
        return wait <= 0 ? Duration.ZERO : Duration.ofNanos(Math.min(wait, most.toNanos()));
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
        Set<TopicPartition> assigned = consumer.assignment();
        if (subscription.isGroup()) {
            takeOver(subscription.unknownOf(assigned));
        }
        Set<TopicPartition> unwanted = subscription.unwanted();
        Set<TopicPartition> paused = consumer.paused();
        if (!paused.equals(unwanted)) {
            Set<TopicPartition> resume = new HashSet<>(paused);
            resume.removeAll(unwanted);
            consumer.resume(resume);
            unwanted.retainAll(assigned);
            consumer.pause(unwanted);
        }
        polling = true;
        ConsumerRecords<byte[], byte[]> read = ConsumerRecords.empty();
        try {
            read = consumer.poll(patience());
        } finally {
            polling = false;
            busy = !read.isEmpty();
        }
        if (((Number) connections.metricValue()).doubleValue() > 0) {
            connectedNanos = time.nanos();
        }
        if (!read.isEmpty()) {
            subscription.arrived(read);
        }
        for (TopicPartition partition : subscription.restoring()) {
            if (consumer.assignment().contains(partition)) {
                subscription.reached(partition, consumer.position(partition));
            }
        }
    }

    /** What of a commit this member may still make: a broker asks which member it is, not whose the partition is. */
    private Map<TopicPartition, OffsetAndMetadata> own(Commit commit) {
        Map<TopicPartition, OffsetAndMetadata> own = new HashMap<>(commit.offsets);
        own.keySet().retainAll(consumer.assignment());
        return own;
    }

    /** Begins the next commit that was asked for, if none is under way; a poll brings the answer. */
    private void serve() {
        while (sent == null) {
            Commit commit = asked.peek();
            if (commit == null || commit.againNanos - time.nanos() > 0) {
                return;
            }
            Map<TopicPartition, OffsetAndMetadata> own = own(commit);
            if (own.isEmpty()) {
                conclude(commit, false);
                continue;
            }
            sent = commit;
            try {
                consumer.commitAsync(own, (offsets, e) -> answered(commit, e));
            } catch (RuntimeException e) {
                answered(commit, e);
            }
        }
    }

    private void answered(Commit commit, @Nullable Exception e) {
        if (sent == commit) {
            sent = null;
        }
        if (e == null) {
            conclude(commit, true);
        } else if (isDeposed(e)) {
            conclude(commit, false);
        } else if (e instanceof RetriableException || e instanceof RebalanceInProgressException) {
            // The next polls find the coordinator, or go on with the rebalance; what was taken away then is no longer
            // asked for.
            commit.againNanos = time.nanos() + LOOK.toNanos();
            if (commit.endNanos - time.nanos() > 0) {
                return;
            }
            conclude(commit, failed(e));
        } else {
            conclude(commit, failed(e));
        }
        if (!asked.isEmpty() && polling && !busy) {
            // Ends the poll that brought this answer.
            consumer.wakeup();
        }
    }

    private static boolean isDeposed(Exception e) {
        return e instanceof CommitFailedException
                || e instanceof UnknownMemberIdException
                || e instanceof FencedInstanceIdException;
    }

    private void conclude(Commit commit, boolean saved) {
        asked.remove(commit);
        commit.done.complete(saved);
    }

    private void conclude(Commit commit, EventsException failure) {
        asked.remove(commit);
        commit.done.completeExceptionally(failure);
    }

    /** Makes all commits that were asked for, and waits for them: within a rebalance there is no poll that would bring their answers. */
    private void serveAll() {
        for (Commit commit = asked.peek(); commit != null; commit = asked.peek()) {
            Map<TopicPartition, OffsetAndMetadata> own = own(commit);
            try {
                if (!own.isEmpty()) {
                    consumer.commitSync(own, COMMIT);
                }
                conclude(commit, !own.isEmpty());
            } catch (WakeupException | RebalanceInProgressException e) {
                // Meant for a poll; or the next poll goes on with it. What is asked for stays so.
                return;
            } catch (RuntimeException e) {
                if (isDeposed(e)) {
                    conclude(commit, false);
                } else {
                    conclude(commit, failed(e));
                }
            }
        }
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
        // From here on it waits for what is asked for.
        busy = false;
        subscription.revoke(partitions);
        long end = time.nanos() + DRAIN.toNanos();
        try {
            while (!closing && !subscription.areReleased(partitions) && time.nanos() - end < 0) {
                serveAll();
                var unused = todo.await(LOOK);
            }
            serveAll();
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
        hasEnded = true;
        for (Commit waiting = asked.peek(); waiting != null; waiting = asked.peek()) {
            EventsException why = failure;
            conclude(waiting, why == null ? provider.closed() : why);
        }
        try {
            consumer.close(CloseOptions.timeout(LEAVE));
        } catch (RuntimeException e) {
            LOG.debug("provider {}: a consumer ended badly", provider.name(), e);
        }
        ended.complete(null);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
