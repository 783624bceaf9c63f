package ai.greentic.events.nats;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.spi.Tasks;
import io.nats.client.Connection;
import io.nats.client.ConnectionListener.Events;
import io.nats.client.Dispatcher;
import io.nats.client.ErrorListener;
import io.nats.client.JetStream;
import io.nats.client.JetStreamOptions;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.api.PublishAck;
import io.nats.client.impl.Headers;
import io.nats.client.impl.NatsMessage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection for everything: publishes go out in order, and one dispatcher thread hands what arrives to the readers, whose
 * inboxes share a prefix.
 */
final class NatsProvider implements EventProvider, ErrorListener {
    private static final Logger LOG = LoggerFactory.getLogger(NatsProvider.class);
    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final Duration RECONNECT_WAIT = Duration.ofMillis(250);
    private static final Duration PING = Duration.ofSeconds(5);
    private static final Duration WATCH = Duration.ofSeconds(5);
    private static final int SHARDS = 64;

    final ProviderContext context;
    final Subjects subjects;
    private final Streams streams;
    private final Connection connection;
    private final JetStream jetStream;
    private final Dispatcher dispatcher;
    private final String inbox;
    private final Map<String, Reader> readers = new ConcurrentHashMap<>();
    private final Set<NatsSubscription> subscriptions = new CopyOnWriteArraySet<>();
    private final AtomicLong inboxes = new AtomicLong();
    private volatile boolean closed;
    private volatile Tasks.@Nullable Timer watch;

    private NatsProvider(ProviderSettings settings, ProviderContext context) throws IOException, InterruptedException {
        this.context = context;
        this.subjects = new Subjects(settings.text("prefix").orElseThrow());
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
                .connectionListener((source, event) -> connectionChanged(event))
                .errorListener(this);
        settings.text("user")
                .ifPresent(
                        user -> options.userInfo(user, settings.text("password").orElse("")));
        settings.text("token").ifPresent(token -> options.token(token.toCharArray()));
        settings.text("credentials").ifPresent(file -> options.authHandler(Nats.credentials(file)));
        this.connection = open(options, settings.text("startup").orElseThrow().equals("wait"));
        this.jetStream = connection.jetStream(
                JetStreamOptions.builder().requestTimeout(TIMEOUT).build());
        this.streams = new Streams(this, connection, settings);
        this.inbox = connection.createInbox();
        this.dispatcher = connection.createDispatcher(this::arrived);
        // Readers never ask for more than they have room for.
        dispatcher.setPendingLimits(-1, -1);
        dispatcher.subscribe(inbox + ".*");
        watchLater();
    }

    private static Connection open(Options.Builder options, boolean wait) throws IOException, InterruptedException {
        if (!wait) {
            return Nats.connect(options.build());
        }
        return Nats.connectReconnectOnConnect(options.build());
    }

    static NatsProvider connect(ProviderSettings settings, ProviderContext context) {
        try {
            return new NatsProvider(settings, context);
        } catch (IOException e) {
            throw Failures.of(
                    context.qualifiedName(),
                    "connecting to " + settings.text("url").orElseThrow(),
                    e,
                    false);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EventsException(ErrorCode.INTERRUPTED, "interrupted while connecting", e);
        }
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
        try {
            streams.require(env);
            byte[] body = outbound.encoded();
            if (body.length > connection.getMaxPayload()) {
                return CompletableFuture.completedFuture(PublishOutcome.failed(new EventsException(
                        ErrorCode.EVENT_TOO_LARGE,
                        "event " + event.id() + " has " + body.length + " bytes; the server of provider "
                                + context.name() + " takes " + connection.getMaxPayload()
                                + ": send less, or raise its max_payload")));
            }
            String key = outbound.orderingKey();
            int shard = Shard.of(key == null ? event.id().value() : key, SHARDS).index();
            answer = jetStream.publishAsync(NatsMessage.builder()
                    .subject(subjects.of(event.address(), shard))
                    .headers(headers(outbound))
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
            streams.doubt(env);
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
        if (request.group() != null) {
            throw new EventsException(
                    ErrorCode.UNSUPPORTED_CAPABILITY, "provider " + context.name() + " has no groups yet");
        }
        NatsSubscription subscription = new NatsSubscription(this, streams, request);
        subscriptions.add(subscription);
        return subscription;
    }

    void left(NatsSubscription subscription) {
        subscriptions.remove(subscription);
    }

    boolean isConnected() {
        return connection.getStatus() == Connection.Status.CONNECTED;
    }

    /** A fresh address at which a reader gets what it asks for. */
    String register(Reader reader) {
        String token = Long.toString(inboxes.incrementAndGet(), Character.MAX_RADIX);
        readers.put(token, reader);
        return inbox + "." + token;
    }

    void forget(String address) {
        readers.remove(address.substring(inbox.length() + 1));
    }

    /** Asks the server for something that it answers at an address. */
    void ask(String subject, @Nullable String address, String body) {
        connection.publish(subject, address, body.getBytes(StandardCharsets.UTF_8));
    }

    private void arrived(Message message) {
        Reader reader = readers.get(message.getSubject().substring(inbox.length() + 1));
        if (reader != null) {
            reader.arrived(message);
        }
    }

    // The connection.

    private void connectionChanged(Events event) {
        LOG.debug("provider {}: {}", context.name(), event);
        if (event == Events.CONNECTED || event == Events.RECONNECTED || event == Events.RESUBSCRIBED) {
            subscriptions.forEach(NatsSubscription::reconnected);
        } else if (event == Events.DISCONNECTED && !closed) {
            LOG.warn("provider {} lost its connection; it goes on trying", context.name());
            subscriptions.forEach(NatsSubscription::wake);
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
                subscriptions.forEach(NatsSubscription::watch);
                watchLater();
            }
        });
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        Tasks.Timer timer = watch;
        if (timer != null) {
            timer.cancel();
        }
        subscriptions.forEach(NatsSubscription::close);
        try {
            connection.close();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
