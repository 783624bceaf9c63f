package ai.greentic.events.kafka;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.spi.Signal;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One environment's topic of dead letters, followed by a thread that keeps its outlines; whoever asks waits until that thread has seen all
 * that there was when they asked. Thread-safe; methods block on the brokers.
 */
final class LetterTopic {
    private static final Logger LOG = LoggerFactory.getLogger(LetterTopic.class);
    private static final Duration POLL = Duration.ofMillis(200);
    private static final Duration BETWEEN_TRIES = Duration.ofSeconds(1);
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final KafkaProvider provider;
    private final TopicPartition place;
    private final Set<Signal> waiting = ConcurrentHashMap.newKeySet();
    private final ReentrantLock lock = new ReentrantLock();
    private final LetterOutlines outlines;
    private volatile @Nullable KafkaConsumer<byte[], byte[]> follower;
    private volatile @Nullable KafkaException trouble;
    private volatile boolean closed;

    private final ReentrantLock reading = new ReentrantLock();
    private @Nullable KafkaConsumer<byte[], byte[]> reader;
    /** What came with the last record that was read: those behind it, which are likely to be next. */
    private final Map<Long, ConsumerRecord<byte[], byte[]>> read = new HashMap<>();

    LetterTopic(KafkaProvider provider, String topic, String env) {
        this.provider = provider;
        this.place = new TopicPartition(topic, 0);
        this.outlines = new LetterOutlines(env);
        provider.context.tasks().start("letters " + topic, this::follow);
    }

    String topic() {
        return place.topic();
    }

    private void follow() {
        while (!closed) {
            try (KafkaConsumer<byte[], byte[]> consumer = provider.consumer(null)) {
                follower = consumer;
                consumer.assign(List.of(place));
                consumer.seek(place, with(LetterOutlines::next));
                while (!closed) {
                    List<ConsumerRecord<byte[], byte[]>> said =
                            consumer.poll(POLL).records(place);
                    if (!said.isEmpty()) {
                        apply(said);
                    }
                    trouble = null;
                }
            } catch (WakeupException e) {
                // The end.
            } catch (KafkaException e) {
                LOG.warn("provider {} cannot follow {}; it tries again", provider.name(), place, e);
                trouble = e;
                follower = null;
                provider.pause(BETWEEN_TRIES);
            }
        }
    }

    private void apply(List<ConsumerRecord<byte[], byte[]>> said) {
        lock.lock();
        try {
            for (ConsumerRecord<byte[], byte[]> one : said) {
                if (!outlines.apply(one)) {
                    LOG.warn(
                            "record {} of {} is no dead letter of ours; it is left alone, and compaction may never"
                                    + " remove it",
                            one.offset(),
                            place);
                }
            }
        } finally {
            lock.unlock();
        }
        waiting.forEach(Signal::raise);
    }

    /** Asks the outlines as they are. */
    private <T> T with(Function<LetterOutlines, T> question) {
        lock.lock();
        try {
            return question.apply(outlines);
        } finally {
            lock.unlock();
        }
    }

    /** Asks the outlines once they hold all that was acknowledged to anybody before the call. */
    <T> T ask(Function<LetterOutlines, T> question) {
        long end = provider.topics.offsets(List.of(place), OffsetSpec.latest()).getOrDefault(place, 0L);
        return askAfter(end - 1, question);
    }

    /** Asks the outlines once they hold the record at an offset, and all before it. */
    <T> T askAfter(long offset, Function<LetterOutlines, T> question) {
        Signal news = provider.context.tasks().signal();
        waiting.add(news);
        try {
            long end = provider.context.time().nanos() + PATIENCE.toNanos();
            while (with(LetterOutlines::next) <= offset) {
                long left = end - provider.context.time().nanos();
                if (closed) {
                    throw provider.closed();
                }
                if (left <= 0) {
                    throw new EventsException(
                            ErrorCode.PROVIDER_UNAVAILABLE,
                            "provider " + provider.name() + ": " + place + " could not be read up to " + offset
                                    + " within " + PATIENCE,
                            trouble);
                }
                boolean unused = news.await(Duration.ofNanos(left));
            }
        } catch (InterruptedException e) {
            throw Failures.of(provider.name(), "reading dead letters", e, false);
        } finally {
            waiting.remove(news);
        }
        return with(question);
    }

    /** One record; null if compaction has removed it, for there is a later one of its key. */
    @Nullable
    ConsumerRecord<byte[], byte[]> record(long offset) {
        reading.lock();
        try {
            ConsumerRecord<byte[], byte[]> known = read.get(offset);
            if (known != null) {
                return known;
            }
            if (closed) {
                throw provider.closed();
            }
            KafkaConsumer<byte[], byte[]> consumer = reader;
            if (consumer == null) {
                consumer = provider.consumer(null);
                consumer.assign(List.of(place));
                reader = consumer;
            }
            consumer.seek(place, offset);
            long end = provider.context.time().nanos() + PATIENCE.toNanos();
            while (provider.context.time().nanos() - end < 0) {
                List<ConsumerRecord<byte[], byte[]>> found = consumer.poll(POLL).records(place);
                if (!found.isEmpty()) {
                    read.clear();
                    found.forEach(one -> read.put(one.offset(), one));
                    return read.get(offset);
                }
                if (consumer.position(place) > offset) {
                    return null;
                }
            }
            throw new EventsException(
                    ErrorCode.PROVIDER_UNAVAILABLE,
                    "provider " + provider.name() + ": record " + offset + " of " + place + " could not be read within "
                            + PATIENCE);
        } catch (KafkaException e) {
            throw Failures.of(provider.name(), "reading record " + offset + " of " + place, e, false);
        } finally {
            reading.unlock();
        }
    }

    void close() {
        closed = true;
        waiting.forEach(Signal::raise);
        KafkaConsumer<byte[], byte[]> following = follower;
        if (following != null) {
            following.wakeup();
        }
        reading.lock();
        try {
            read.clear();
            if (reader != null) {
                reader.close();
                reader = null;
            }
        } finally {
            reading.unlock();
        }
    }
}
