package ai.greentic.events.nats;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.spi.ProviderSettings;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamManagement;
import io.nats.client.JetStreamOptions;
import io.nats.client.api.AckPolicy;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.ConsumerInfo;
import io.nats.client.api.DeliverPolicy;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.MessageInfo;
import io.nats.client.api.RetentionPolicy;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import io.nats.client.api.StreamInfo;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The streams of the environments, made or verified before they are used. Thread-safe. */
final class Streams {
    private final NatsProvider provider;
    private final JetStreamManagement management;
    private final long maxBytes;
    private final Duration maxAge;
    private final int replicas;
    private final Duration duplicateWindow;
    private final boolean create;
    private final Map<String, Boolean> known = new ConcurrentHashMap<>();

    Streams(NatsProvider provider, Connection connection, ProviderSettings settings) throws IOException {
        this.provider = provider;
        this.management = connection.jetStreamManagement(
                JetStreamOptions.builder().requestTimeout(Duration.ofSeconds(5)).build());
        this.maxBytes = settings.integer("max_bytes");
        this.maxAge = settings.duration("max_age");
        this.replicas = (int) settings.integer("replicas");
        this.duplicateWindow = settings.duration("duplicate_window");
        this.create = settings.flag("create_streams");
    }

    JetStreamManagement management() {
        return management;
    }

    /** Sees to it that an environment's stream is there. Blocks the first time. */
    void require(String env) {
        if (!known.containsKey(env)) {
            var unused = info(env);
        }
    }

    /** Something failed: the stream is looked at again before it is next used. */
    void doubt(String env) {
        known.remove(env);
    }

    /** The stream as it is now; made if it is missing. */
    StreamInfo info(String env) {
        String name = provider.subjects.stream(env);
        try {
            StreamInfo info;
            try {
                info = management.getStreamInfo(name);
            } catch (JetStreamApiException e) {
                if (!Failures.isStreamMissing(e)) {
                    throw e;
                }
                info = make(name, env);
            }
            verify(info.getConfiguration(), env);
            known.put(env, true);
            return info;
        } catch (IOException | JetStreamApiException | IllegalStateException e) {
            throw Failures.of(provider.context.name(), "looking at stream " + name, e, false);
        }
    }

    /**
     * Number of the first event that was accepted at a time or later; that of the next one to come if there is none. The server finds it
     * for a consumer that begins there, and has no other way to ask.
     */
    long firstSince(String env, Instant time) {
        String stream = provider.subjects.stream(env);
        try {
            ConsumerInfo cursor = management.createConsumer(
                    stream,
                    ConsumerConfiguration.builder()
                            .ackPolicy(AckPolicy.None)
                            .memStorage(true)
                            .numReplicas(1)
                            .inactiveThreshold(Duration.ofSeconds(10))
                            .deliverPolicy(DeliverPolicy.ByStartTime)
                            .startTime(time.atZone(ZoneOffset.UTC))
                            .build());
            var unused = management.deleteConsumer(stream, cursor.getName());
            return cursor.getDelivered().getStreamSequence() + 1;
        } catch (IOException | JetStreamApiException | IllegalStateException e) {
            throw Failures.of(provider.context.name(), "looking for what follows " + time, e, false);
        }
    }

    /** One event by its number; null if it is no longer kept. */
    @Nullable
    MessageInfo event(String env, long sequence) {
        try {
            return management.getMessage(provider.subjects.stream(env), sequence);
        } catch (JetStreamApiException e) {
            if (Failures.isMessageMissing(e)) {
                return null;
            }
            throw Failures.of(provider.context.name(), "reading event " + sequence, e, false);
        } catch (IOException | IllegalStateException e) {
            throw Failures.of(provider.context.name(), "reading event " + sequence, e, false);
        }
    }

    private StreamInfo make(String name, String env) throws IOException, JetStreamApiException {
        if (!create) {
            throw new EventsException(
                    ErrorCode.INVALID_CONFIGURATION,
                    "stream " + name + " of provider " + provider.context.name()
                            + " is missing: make it with the subject " + provider.subjects.all(env)
                            + ", or set create_streams");
        }
        return management.addStream(StreamConfiguration.builder()
                .name(name)
                .subjects(provider.subjects.all(env))
                .storageType(StorageType.File)
                .retentionPolicy(RetentionPolicy.Limits)
                // What was accepted is not thrown away for what comes.
                .discardPolicy(DiscardPolicy.New)
                .maxBytes(maxBytes)
                .maxAge(maxAge)
                .replicas(replicas)
                .duplicateWindow(duplicateWindow.compareTo(maxAge) > 0 ? maxAge : duplicateWindow)
                .build());
    }

    private void verify(StreamConfiguration found, String env) {
        String wrong = !found.getSubjects().contains(provider.subjects.all(env))
                ? "does not hold the subject " + provider.subjects.all(env) + " but " + found.getSubjects()
                : found.getDiscardPolicy() != DiscardPolicy.New
                        ? "discards old events for new ones; set its discard policy to new"
                        : found.getRetentionPolicy() != RetentionPolicy.Limits
                                ? "has the retention policy " + found.getRetentionPolicy() + "; set it to limits"
                                : found.getStorageType() != StorageType.File
                                        ? "is kept in memory; set its storage to file"
                                        : "";
        if (!wrong.isEmpty()) {
            throw new EventsException(
                    ErrorCode.INVALID_CONFIGURATION,
                    "stream " + found.getName() + " of provider " + provider.context.name() + " " + wrong);
        }
    }
}
