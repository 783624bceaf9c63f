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
import io.nats.client.api.PersistMode;
import io.nats.client.api.RetentionPolicy;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import io.nats.client.api.StreamInfo;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Optional;
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
    private final Connection connection;
    private final Optional<Syncing> syncing;
    /** Streams that were looked at, and which server the client was connected to then. */
    private final Map<String, String> known = new ConcurrentHashMap<>();
    /** Names of the streams by environment. */
    private final Map<String, String> names = new ConcurrentHashMap<>();

    Streams(NatsProvider provider, Connection connection, ProviderSettings settings, Optional<Syncing> syncing)
            throws IOException {
        this.provider = provider;
        this.connection = connection;
        this.syncing = syncing;
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
        // Asked for with each publish.
        if (!isTrusted(names.computeIfAbsent(env, provider.subjects::stream))) {
            var unused = info(env);
        }
    }

    /** Something failed: the stream is looked at again before it is next used. */
    void doubt(String stream) {
        known.remove(stream);
    }

    /** Whether a stream was looked at, by this connection to this run of the server. */
    boolean isTrusted(String stream) {
        return server().equals(known.get(stream));
    }

    /** Takes a stream for what it should be until somebody doubts it or the client meets another server. */
    void trust(String stream, String server) {
        known.put(stream, server);
    }

    /** Every stream is looked at again before it is next used. */
    void doubtAll() {
        known.clear();
    }

    String server() {
        return connection.getServerInfo().getServerId();
    }

    /** What holds for every stream that keeps what was accepted. Blocks. */
    void requireDurable(StreamInfo stream) {
        StreamConfiguration found = stream.getConfiguration();
        String wrong = found.getStorageType() != StorageType.File
                ? "is kept in memory; set its storage to file"
                : found.getPersistMode() == PersistMode.Async
                        ? "answers before it has written; set its persist_mode to default"
                        : found.getDiscardPolicy() != DiscardPolicy.New
                                ? "discards what is old for what is new; set its discard policy to new"
                                : found.getRetentionPolicy() != RetentionPolicy.Limits
                                        ? "has the retention policy " + found.getRetentionPolicy()
                                                + "; set it to limits"
                                        : "";
        if (!wrong.isEmpty()) {
            throw wrong(found.getName(), wrong);
        }
        syncing.ifPresent(
                servers -> servers.require(stream, connection.getServerInfo().getServerName()));
    }

    EventsException wrong(String stream, String what) {
        return new EventsException(
                ErrorCode.INVALID_CONFIGURATION,
                "stream " + stream + " of provider " + provider.context.name() + " " + what);
    }

    /** The stream as it is now; made if it is missing. */
    StreamInfo info(String env) {
        String name = provider.subjects.stream(env);
        String server = server();
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
            if (!info.getConfiguration().getSubjects().contains(provider.subjects.all(env))) {
                throw wrong(
                        name,
                        "does not hold the subject " + provider.subjects.all(env) + " but "
                                + info.getConfiguration().getSubjects());
            }
            requireDurable(info);
            trust(name, server);
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
            throw wrong(
                    name,
                    "is missing: make it with the subject " + provider.subjects.all(env) + ", or set create_streams");
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
}
