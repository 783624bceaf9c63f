package ai.greentic.events.nats;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.spi.Tasks;
import io.nats.client.AuthHandler;
import io.nats.client.Connection;
import io.nats.client.ConnectionListener.Events;
import io.nats.client.Dispatcher;
import io.nats.client.ErrorListener;
import io.nats.client.JetStream;
import io.nats.client.JetStreamOptions;
import io.nats.client.MessageHandler;
import io.nats.client.NKey;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.Subscription;
import io.nats.client.api.PublishAck;
import io.nats.client.impl.Headers;
import io.nats.client.impl.NatsMessage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection for everything: publishes go out in order, and one dispatcher thread hands what arrives to the readers.
 */
final class NatsProvider implements EventProvider, ErrorListener {
    private static final Logger LOG = LoggerFactory.getLogger(NatsProvider.class);
    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final Duration RECONNECT_WAIT = Duration.ofMillis(250);
    private static final Duration PING = Duration.ofSeconds(5);
    private static final Duration WATCH = Duration.ofSeconds(5);
    /** How often servers are asked again whether they sync. */
    private static final Duration LOOK = Duration.ofSeconds(30);

    static final String KEY_HEADER = "Greentic-Key";

    final ProviderContext context;
    final Subjects subjects;
    private final @Nullable CoreSubjects core;
    private final ProviderSettings settings;
    private final Set<NatsReading> subscriptions = new CopyOnWriteArraySet<>();
    private final Optional<DeadLetterStore> letters;
    private final Optional<Syncing> syncing;
    private volatile @Nullable Session session;
    /** The client's, from its first word on, also while it has not reached a server yet. */
    private @Nullable Connection latest;

    private boolean lost;
    private volatile boolean closed;
    private volatile Tasks.@Nullable Timer watch;
    private volatile Tasks.@Nullable Timer look;

    /** What there is once a server has answered. */
    private record Session(
            Connection connection, JetStream jetStream, Streams streams, Groups groups, Dispatcher dispatcher) {}

    private NatsProvider(ProviderSettings settings, ProviderContext context) throws IOException, InterruptedException {
        this.context = context;
        this.settings = settings;
        this.subjects = NatsProviderFactory.isShared(settings)
                ? new SharedSubjects(NatsProviderFactory.prefix(settings))
                : new Subjects(NatsProviderFactory.prefix(settings));
        this.core =
                NatsProviderFactory.isCore(settings) ? new CoreSubjects(NatsProviderFactory.prefix(settings)) : null;
        this.letters = core == null ? Optional.of(new LetterStream(this, settings)) : Optional.empty();
        this.syncing = Syncing.of(settings, context.name());
        Options.Builder options = Options.builder()
                .server(settings.text("url").orElseThrow())
                .connectionName("greentic-events " + context.qualifiedName())
                .maxReconnects(-1)
                .reconnectWait(RECONNECT_WAIT)
                // What is published while nobody is connected is refused, not sent later behind the engine's back.
                .reconnectBufferSize(0)
                .pingInterval(PING)
                .maxPingsOut(2)
                .connectionTimeout(TIMEOUT)
                .useTimeoutException()
                .connectionListener(this::connectionChanged)
                .errorListener(this);
        settings.text("user")
                .ifPresent(
                        user -> options.userInfo(user, settings.text("password").orElse("")));
        settings.text("token").ifPresent(token -> options.token(token.toCharArray()));
        settings.text("credentials")
                .ifPresent(content ->
                        options.authHandler(Nats.staticCredentials(content.getBytes(StandardCharsets.UTF_8))));
        settings.text("nkey").ifPresent(seed -> options.authHandler(signing(seed.strip())));
        Tls.context(settings).ifPresent(tls -> options.sslContext(tls));
        if (settings.text("startup").orElseThrow().equals("wait")) {
            Nats.connectAsynchronously(options.build(), true);
        } else {
            Connection connection = Nats.connect(options.build());
            adopt(connection);
            try {
                syncing.ifPresent(Syncing::requireAll);
            } catch (EventsException e) {
                closed = true;
                close(connection);
                throw e;
            }
        }
        watchLater();
        syncing.ifPresent(this::lookLater);
    }

    /** Answers the server's challenge with the key of a seed. */
    private static AuthHandler signing(String seed) {
        NKey key;
        String user;
        try {
            key = NKey.fromSeed(seed.toCharArray());
            user = new String(key.getPublicKey());
        } catch (IllegalArgumentException | IOException | GeneralSecurityException e) {
            // Without the cause, which might show the seed.
            throw new EventsException(
                    ErrorCode.INVALID_CONFIGURATION, "nkey is not the seed of an nkey user; it begins with SU");
        }
        return new AuthHandler() {
            @Override
            public byte[] sign(byte[] challenge) {
                try {
                    return key.sign(challenge);
                } catch (IOException | GeneralSecurityException e) {
                    throw new IllegalStateException("the challenge could not be signed", e);
                }
            }

            @Override
            public char[] getID() {
                return user.toCharArray();
            }

            @Override
            public char[] getJWT() {
                return new char[0];
            }
        };
    }

    private synchronized void adopt(Connection connection) throws IOException {
        if (session == null) {
            Dispatcher dispatcher = connection.createDispatcher();
            // Readers never ask for more than they have room for.
            dispatcher.setPendingLimits(-1, -1);
            session = new Session(
                    connection,
                    connection.jetStream(
                            JetStreamOptions.builder().requestTimeout(TIMEOUT).build()),
                    new Streams(this, connection, settings, syncing),
                    new Groups(this, connection, settings),
                    dispatcher);
        }
    }

    /** @throws EventsException {@code PROVIDER_UNAVAILABLE} before a server has answered for the first time */
    private Session session() {
        Session open = session;
        if (open == null) {
            throw new EventsException(
                    ErrorCode.PROVIDER_UNAVAILABLE,
                    "provider " + context.name() + " has not reached " + shownUrl(settings) + " yet");
        }
        return open;
    }

    static NatsProvider connect(ProviderSettings settings, ProviderContext context) {
        try {
            return new NatsProvider(settings, context);
        } catch (IOException e) {
            throw Failures.of(context.qualifiedName(), "connecting to " + shownUrl(settings), e, false);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EventsException(ErrorCode.INTERRUPTED, "interrupted while connecting", e);
        }
    }

    /** The addresses without the names and passwords that they may hold. */
    private static String shownUrl(ProviderSettings settings) {
        return Failures.withoutUsers(settings.text("url").orElseThrow());
    }

    // Publishing.

    @Override
    public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) {
        if (closed) {
            throw closed();
        }
        List<CompletionStage<PublishOutcome>> stages = new ArrayList<>(batch.size());
        for (OutboundEvent event : batch) {
            stages.add(publish(event));
        }
        return stages;
    }

    private CompletionStage<PublishOutcome> publish(OutboundEvent outbound) {
        EventEnvelope event = outbound.event();
        String env = event.address().tenant().env();
        CompletableFuture<PublishAck> answer;
        Session open;
        try {
            open = session();
            if (core == null) {
                open.streams.require(env);
            }
            byte[] body = outbound.encoded();
            Headers headers = headers(outbound);
            long size = (long) body.length + headers.serializedLength();
            if (size > open.connection.getMaxPayload()) {
                return CompletableFuture.completedFuture(PublishOutcome.failed(new EventsException(
                        ErrorCode.EVENT_TOO_LARGE,
                        "event " + event.id() + " has " + size + " bytes with its headers; the server of provider "
                                + context.name() + " takes " + open.connection.getMaxPayload()
                                + ": send less, or raise its max_payload")));
            }
            if (core != null) {
                open.connection.publish(NatsMessage.builder()
                        .subject(core.of(event.address()))
                        .headers(headers)
                        .data(body)
                        .build());
                return CompletableFuture.completedFuture(PublishOutcome.accepted());
            }
            String key = outbound.orderingKey();
            int shard = Shard.of(key == null ? event.id().value() : key, subjects.shards())
                    .index();
            answer = open.jetStream.publishAsync(NatsMessage.builder()
                    .subject(subjects.of(event.address(), shard))
                    .headers(headers)
                    .data(body)
                    .build());
        } catch (RuntimeException e) {
            return CompletableFuture.completedFuture(
                    PublishOutcome.failed(Failures.of(context.name(), "publishing " + event.id(), e, false)));
        }
        return answer.handle((ack, failure) -> {
            if (failure == null) {
                return PublishOutcome.accepted(position(ack.getSeqno()));
            }
            open.streams.doubt(subjects.stream(env));
            return PublishOutcome.failed(Failures.of(context.name(), "publishing " + event.id(), failure, true));
        });
    }

    /** Readers that know no headers ignore them; the server drops a repeated {@code Nats-Msg-Id} within its window. */
    private static Headers headers(OutboundEvent outbound) {
        EventEnvelope event = outbound.event();
        String tenant = Subjects.token(event.address().tenant().name());
        Headers headers = new Headers()
                // An id is a tenant's, and a topic's: copies of dead letters keep theirs.
                .put(
                        "Nats-Msg-Id",
                        tenant + "/" + Subjects.token(event.topic().value()) + "/"
                                + Subjects.token(outbound.deduplicationId()))
                .put("Greentic-Env", Subjects.token(event.address().tenant().env()))
                .put("Greentic-Tenant", tenant);
        String key = outbound.orderingKey();
        if (key != null) {
            headers.put(KEY_HEADER, Subjects.token(key));
        }
        String trace = event.metadata().get("traceparent");
        if (trace != null && trace.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
            headers.put("traceparent", trace);
        }
        return headers;
    }

    Position position(long sequence) {
        return new Position(context.name(), Long.toString(sequence));
    }

    EventsException closed() {
        return new EventsException(ErrorCode.CLOSED, "provider " + context.name() + " is closed");
    }

    // Subscribing.

    @Override
    public ProviderSubscription subscribe(SubscribeRequest request) {
        if (closed) {
            throw closed();
        }
        NatsReading subscription = core == null
                ? new NatsSubscription(this, streams(), request)
                : new CoreSubscription(this, core, request);
        subscriptions.add(subscription);
        return subscription;
    }

    @Override
    public Optional<DeadLetterStore> deadLetters() {
        return letters;
    }

    void left(NatsReading subscription) {
        subscriptions.remove(subscription);
    }

    boolean isConnected() {
        Session open = session;
        return open != null && open.connection.getStatus() == Connection.Status.CONNECTED;
    }

    /**
     * Hands over what is sent to an address, on the dispatcher's thread.
     *
     * @param address null for a fresh one
     */
    Subscription listen(@Nullable String address, MessageHandler handler) {
        Session open = session();
        return open.dispatcher.subscribe(address == null ? open.connection.createInbox() : address, handler);
    }

    Streams streams() {
        return session().streams;
    }

    JetStream jetStream() {
        return session().jetStream;
    }

    Groups groups() {
        return session().groups;
    }

    Duration maxAge() {
        return settings.duration("max_age");
    }

    Duration memberTimeout() {
        return settings.duration("member_timeout");
    }

    void forget(Subscription address) {
        if (!closed) {
            session().dispatcher.unsubscribe(address);
        }
    }

    /** Returns when the server has seen everything so far. */
    void flush() {
        try {
            session().connection.flush(TIMEOUT);
        } catch (TimeoutException e) {
            throw Failures.of(context.name(), "subscribing", e, false);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EventsException(ErrorCode.INTERRUPTED, "interrupted while subscribing", e);
        }
    }

    /** Bytes that the server takes in one message. */
    long largest() {
        return session().connection.getMaxPayload();
    }

    /** Asks the server for something that it answers at an address. */
    void ask(String subject, @Nullable String address, String body) {
        session().connection.publish(subject, address, body.getBytes(StandardCharsets.UTF_8));
    }

    // The connection.

    private void connectionChanged(Connection source, Events event) {
        LOG.debug("provider {}: {}", context.name(), event);
        boolean reached = event == Events.CONNECTED || event == Events.RECONNECTED || event == Events.RESUBSCRIBED;
        boolean news;
        synchronized (this) {
            latest = source;
            news = lost == reached;
            lost = !reached;
        }
        if (reached && !closed) {
            try {
                adopt(source);
            } catch (IOException e) {
                LOG.error("provider {} cannot use its connection", context.name(), e);
            }
            subscriptions.forEach(NatsReading::reconnected);
        } else if (event == Events.DISCONNECTED && news && !closed) {
            LOG.warn("provider {} has no connection; it goes on trying", context.name());
            subscriptions.forEach(NatsReading::wake);
        }
        if (closed && event != Events.CLOSED) {
            close(source);
        }
    }

    @Override
    public void errorOccurred(Connection source, String error) {
        LOG.warn("provider {}: the server says {}", context.name(), error);
    }

    @Override
    public void exceptionOccurred(Connection source, Exception e) {
        // Every failure that concerns somebody reaches them; this is the client's own diary.
        LOG.debug("provider {}: {}", context.name(), e.toString());
    }

    private void watchLater() {
        watch = context.tasks().schedule(WATCH, () -> {
            if (!closed) {
                subscriptions.forEach(NatsReading::watch);
                watchLater();
            }
        });
    }

    /** The servers are asked on a thread of its own, since they may be slow to answer. */
    private void lookLater(Syncing servers) {
        look = context.tasks()
                .schedule(LOOK, () -> context.tasks().start("nats-syncing-" + context.name(), () -> look(servers)));
    }

    private void look(Syncing servers) {
        Session open = session;
        if (open != null && !closed && servers.isBroken()) {
            LOG.error(
                    "provider {}: a server no longer syncs each write, so nothing is published until it does again",
                    context.name());
            open.streams.doubtAll();
        }
        if (!closed) {
            lookLater(servers);
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (Tasks.Timer timer : Arrays.asList(watch, look)) {
            if (timer != null) {
                timer.cancel();
            }
        }
        subscriptions.forEach(NatsReading::close);
        Session open = session;
        Connection last;
        synchronized (this) {
            last = open != null ? open.connection : latest;
        }
        if (last != null) {
            close(last);
        }
    }

    private static void close(Connection connection) {
        try {
            connection.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
