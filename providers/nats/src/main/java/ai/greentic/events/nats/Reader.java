package ai.greentic.events.nats;

import io.nats.client.JetStreamApiException;
import io.nats.client.Message;
import io.nats.client.Subscription;
import io.nats.client.api.AckPolicy;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.DeliverPolicy;
import io.nats.client.impl.Headers;
import io.nats.client.impl.NatsJetStreamMetaData;
import io.nats.client.support.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads an environment's stream in order, from a place that it keeps itself. The server's consumer is only a cursor: it is made anew,
 * where the reader is, after a reconnection, a gap in its numbers, or a silence. Asks for as much as there is room for, so that no
 * more can arrive. Thread-safe.
 */
final class Reader {
    private static final Logger LOG = LoggerFactory.getLogger(Reader.class);
    private static final int ROOM = 512;
    private static final long ROOM_BYTES = 8L << 20;
    private static final Duration EXPIRES = Duration.ofSeconds(30);
    private static final Duration HEARTBEAT = Duration.ofSeconds(5);
    private static final Duration SILENCE = HEARTBEAT.multipliedBy(3);

    private final NatsProvider provider;
    private final Streams streams;
    private final String stream;
    private final List<String> subjects;
    private final Runnable news;

    private final ArrayDeque<Arrival> arrived = new ArrayDeque<>();
    private long next;
    private @Nullable String consumer;
    private @Nullable Subscription address;
    private long consumed;
    private int asked;
    private long heardNanos;
    private boolean closed;

    /** An event as it came. */
    @SuppressWarnings("ArrayRecordComponent")
    record Arrival(long sequence, String subject, @Nullable Headers headers, byte[] data) {}

    /** @param next number of the first event to read */
    Reader(NatsProvider provider, Streams streams, String stream, List<String> subjects, long next, Runnable news) {
        this.provider = provider;
        this.streams = streams;
        this.stream = stream;
        this.subjects = subjects;
        this.next = next;
        this.news = news;
    }

    synchronized @Nullable Arrival take() {
        return arrived.pollFirst();
    }

    synchronized boolean isEmpty() {
        return arrived.isEmpty();
    }

    /** Makes the consumer if there is none, and asks for more if there is room. Blocks while it makes one. */
    void goOn() {
        ConsumerConfiguration wanted;
        synchronized (this) {
            if (closed) {
                return;
            }
            if (consumer != null) {
                ask();
                return;
            }
            wanted = ConsumerConfiguration.builder()
                    .ackPolicy(AckPolicy.None)
                    .memStorage(true)
                    .numReplicas(1)
                    .inactiveThreshold(EXPIRES.multipliedBy(3))
                    .filterSubjects(subjects)
                    .deliverPolicy(DeliverPolicy.ByStartSequence)
                    .startSequence(next)
                    .build();
        }
        String made;
        try {
            made = streams.management().createConsumer(stream, wanted).getName();
        } catch (IOException | JetStreamApiException | IllegalStateException e) {
            throw Failures.of(provider.context.name(), "reading stream " + stream, e, false);
        }
        synchronized (this) {
            if (closed) {
                remove(made);
                return;
            }
            consumer = made;
            address = provider.listen(null, message -> arrived(made, message));
            consumed = 0;
            asked = 0;
            heardNanos = provider.context.time().nanos();
            ask();
        }
    }

    private void ask() {
        int room = ROOM - arrived.size() - asked;
        if (room < ROOM / 2) {
            return;
        }
        asked += room;
        heardNanos = provider.context.time().nanos();
        try {
            provider.ask(
                    "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + consumer,
                    Objects.requireNonNull(address).getSubject(),
                    "{\"batch\":" + room + ",\"max_bytes\":" + Math.max(ROOM_BYTES, 2 * provider.largest())
                            + ",\"expires\":" + EXPIRES.toNanos()
                            + ",\"idle_heartbeat\":" + HEARTBEAT.toNanos() + "}");
        } catch (IllegalStateException e) {
            restart("it could not be asked (" + e.getMessage() + ")");
            throw Failures.of(provider.context.name(), "reading stream " + stream, e, false);
        }
    }

    /** On the dispatcher's thread. */
    private void arrived(String at, Message message) {
        boolean wake;
        synchronized (this) {
            if (!at.equals(consumer)) {
                return;
            }
            heardNanos = provider.context.time().nanos();
            wake = message.isStatusMessage() ? told(message.getStatus(), message) : keep(message);
        }
        if (wake) {
            news.run();
        }
    }

    /** The server ends a request, or says that it is alive; returns whether there is something to do. */
    private boolean told(Status status, Message message) {
        if (status.getCode() == Status.FLOW_OR_HEARTBEAT_STATUS_CODE) {
            return false;
        }
        String left = message.hasHeaders() ? message.getHeaders().getFirst("Nats-Pending-Messages") : null;
        boolean over = status.getCode() == Status.REQUEST_TIMEOUT_CODE
                || status.getCode() == Status.CONFLICT_CODE && left != null
                || status.getCode() == Status.NOT_FOUND_CODE;
        if (over && left != null && left.matches("[0-9]{1,9}")) {
            asked = Math.max(0, asked - Integer.parseInt(left));
        } else {
            restart("the server says " + status.getMessageWithCode());
        }
        return true;
    }

    private boolean keep(Message message) {
        NatsJetStreamMetaData place = message.metaData();
        if (place.consumerSequence() != consumed + 1) {
            restart("number " + (consumed + 1) + " was followed by " + place.consumerSequence());
            return true;
        }
        consumed++;
        asked = Math.max(0, asked - 1);
        next = place.streamSequence() + 1;
        arrived.addLast(
                new Arrival(place.streamSequence(), message.getSubject(), message.getHeaders(), message.getData()));
        return arrived.size() == 1;
    }

    /** The consumer is given up; the next {@link #goOn} makes another one where this one was. */
    private void restart(String why) {
        LOG.debug("provider {}: reader of {} begins anew at {}: {}", provider.context.name(), subjects, next, why);
        String old = consumer;
        Subscription oldAddress = address;
        consumer = null;
        address = null;
        asked = 0;
        if (oldAddress != null) {
            provider.forget(oldAddress);
        }
        if (old != null) {
            remove(old);
        }
    }

    private void remove(String name) {
        try {
            provider.ask("$JS.API.CONSUMER.DELETE." + stream + "." + name, null, "");
        } catch (IllegalStateException e) {
            // Nobody uses it, so the server removes it by itself.
            LOG.debug("consumer {} was not deleted: {}", name, e.getMessage());
        }
    }

    synchronized void reconnected() {
        restart("the connection is a new one");
    }

    /** Whether there is something to do that nobody was told of: the server has been silent for too long, or was never asked. */
    synchronized boolean watch() {
        if (asked > 0 && consumer != null && provider.context.time().nanos() - heardNanos > SILENCE.toNanos()) {
            restart("nothing was heard for " + SILENCE.toSeconds() + " s");
        }
        return consumer == null || asked == 0;
    }

    synchronized void close() {
        restart("it is closed");
        closed = true;
        arrived.clear();
    }
}
