package ai.greentic.events.kafka;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.Signal;
import ai.greentic.events.spi.SubscribeRequest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One idempotent producer for everything, and a consumer with a thread of its own for each subscription. */
final class KafkaProvider implements EventProvider {
    private static final Logger LOG = LoggerFactory.getLogger(KafkaProvider.class);
    static final String TOPIC_HEADER = "Greentic-Topic";
    private static final int REQUEST_TIMEOUT_MILLIS = 10_000;
    private static final int LARGEST_REQUEST = 64 << 20;
    private static final int MOST_DESTINATIONS = 4_096;
    /** The producer forgets the leaders of a topic that was not sent to for five minutes. */
    private static final long LEADERS_KNOWN_NANOS = Duration.ofMinutes(4).toNanos();

    private static final Duration AGAIN = Duration.ofSeconds(1);
    private static final Duration START = Duration.ofSeconds(10);
    private static final Duration LINGERING = Duration.ofSeconds(5);

    final ProviderContext context;
    final Names names;
    final Topics topics;
    private final ProviderSettings settings;
    private final KafkaProducer<byte[], byte[]> producer;
    private final Set<KafkaSubscription> subscriptions = new CopyOnWriteArraySet<>();
    private final Map<TenantTopic, Destination> destinations = new ConcurrentHashMap<>();
    private final AtomicLong unsentBytes = new AtomicLong();
    private final LetterTopics letters;
    private volatile boolean reached;
    private volatile boolean closed;

    private KafkaProvider(ProviderSettings settings, ProviderContext context) {
        this.context = context;
        this.settings = settings;
        this.names = new Names(settings.text("topic").orElseThrow());
        Map<String, Object> admin = common();
        admin.put("default.api.timeout.ms", 2 * REQUEST_TIMEOUT_MILLIS);
        this.topics = new Topics(this, Admin.create(admin), settings);
        Map<String, Object> producing = common();
        producing.put("acks", "all");
        producing.put("enable.idempotence", true);
        long delivery = settings.duration("delivery_timeout").toMillis();
        producing.put("delivery.timeout.ms", (int) delivery);
        producing.put("request.timeout.ms", (int) Math.min(REQUEST_TIMEOUT_MILLIS, delivery));
        producing.put("linger.ms", 0);
        // What waits while others are under way goes in fewer requests than with the client's 16 KB.
        producing.put("batch.size", 32 << 10);
        producing.put("max.block.ms", REQUEST_TIMEOUT_MILLIS / 2);
        // The brokers say what is too large.
        producing.put("max.request.size", LARGEST_REQUEST);
        producing.put("buffer.memory", (long) LARGEST_REQUEST);
        this.producer = new KafkaProducer<>(producing, new ByteArraySerializer(), new ByteArraySerializer());
        this.letters = new LetterTopics(this, settings.integer("max_dead_letters"));
    }

    /** What every client of the library is told. */
    private Map<String, Object> common() {
        Map<String, Object> common = new HashMap<>();
        common.put("bootstrap.servers", settings.text("servers").orElseThrow());
        common.put("client.id", "greentic-events");
        common.put("request.timeout.ms", REQUEST_TIMEOUT_MILLIS);
        common.put("reconnect.backoff.ms", 50);
        common.put("reconnect.backoff.max.ms", 1_000);
        // Nobody is counted, and nothing registered for all of the process.
        common.put("enable.metrics.push", false);
        common.put("metric.reporters", "");
        boolean tls = settings.flag("tls");
        boolean user = settings.text("user").isPresent();
        common.put("security.protocol", user ? tls ? "SASL_SSL" : "SASL_PLAINTEXT" : tls ? "SSL" : "PLAINTEXT");
        if (user) {
            String mechanism = settings.text("mechanism").orElseThrow();
            common.put("sasl.mechanism", mechanism);
            common.put(
                    "sasl.jaas.config",
                    (mechanism.equals("PLAIN")
                                    ? "org.apache.kafka.common.security.plain.PlainLoginModule"
                                    : "org.apache.kafka.common.security.scram.ScramLoginModule")
                            + " required username="
                            + quoted(settings.text("user").orElseThrow()) + " password="
                            + quoted(settings.text("password").orElse("")) + ";");
        }
        settings.text("trusted_certificates").ifPresent(pem -> {
            common.put("ssl.truststore.type", "PEM");
            common.put("ssl.truststore.certificates", pem);
        });
        settings.text("certificate").ifPresent(pem -> {
            common.put("ssl.keystore.type", "PEM");
            common.put("ssl.keystore.certificate.chain", pem);
            common.put("ssl.keystore.key", settings.text("certificate_key").orElse(""));
        });
        return common;
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    static KafkaProvider connect(ProviderSettings settings, ProviderContext context) {
        KafkaProvider provider;
        try {
            provider = new KafkaProvider(settings, context);
        } catch (org.apache.kafka.common.KafkaException e) {
            throw Failures.of(context.name(), "making a client", e, false);
        }
        if (settings.text("startup").orElseThrow().equals("wait")) {
            provider.reachLater();
            return provider;
        }
        try {
            provider.topics.reach(START);
            provider.reached = true;
        } catch (EventsException e) {
            provider.close();
            throw e;
        }
        return provider;
    }

    /** Until a broker has answered, the client would have everybody wait for it. */
    private void reachLater() {
        var unused = topics.reachLater(START).whenComplete((nodes, failure) -> {
            if (failure == null) {
                reached = true;
            } else if (!closed) {
                LOG.debug("provider {} has reached no broker", name(), failure);
                context.tasks().schedule(AGAIN, this::reachLater);
            }
        });
    }

    private void requireReached() {
        if (!reached) {
            throw new EventsException(
                    ErrorCode.PROVIDER_UNAVAILABLE,
                    "provider " + name() + " has not reached "
                            + settings.text("servers").orElseThrow() + " yet");
        }
    }

    String name() {
        return context.name();
    }

    Duration memberTimeout() {
        return settings.duration("member_timeout");
    }

    void pause(Duration time) {
        Signal nobody = context.tasks().signal();
        try {
            nobody.await(time);
        } catch (InterruptedException e) {
            throw Failures.of(name(), "waiting", e, false);
        }
    }

    /** @param group null for a consumer that is of none */
    KafkaConsumer<byte[], byte[]> consumer(@Nullable String group) {
        Map<String, Object> consuming = common();
        if (group != null) {
            consuming.put("group.id", group);
            int timeout = (int) memberTimeout().toMillis();
            consuming.put("session.timeout.ms", timeout);
            consuming.put("heartbeat.interval.ms", timeout / 5);
            consuming.put(
                    "partition.assignment.strategy", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
        }
        consuming.put("enable.auto.commit", false);
        // Partitions that a group meets later were made after it began.
        consuming.put("auto.offset.reset", "earliest");
        consuming.put("allow.auto.create.topics", false);
        consuming.put("max.poll.records", 500);
        consuming.put("fetch.max.bytes", 16 << 20);
        consuming.put("fetch.max.wait.ms", 200);
        consuming.put("metadata.max.age.ms", 5_000);
        consuming.put("default.api.timeout.ms", REQUEST_TIMEOUT_MILLIS);
        return new KafkaConsumer<>(consuming, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    // Publishing.

    @Override
    public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) {
        if (closed) {
            throw closed();
        }
        requireReached();
        List<CompletionStage<PublishOutcome>> stages = new ArrayList<>(batch.size());
        for (OutboundEvent event : batch) {
            stages.add(publish(event));
        }
        return stages;
    }

    /** The producer waits only where it must ask for a topic's leaders first, or has no room left for what it has not sent. */
    @Override
    public boolean publishesAtOnce(TenantTopic address) {
        Destination known = destinations.get(address);
        return known != null
                && context.time().nanos() - known.sentNanos < LEADERS_KNOWN_NANOS
                && unsentBytes.get() < LARGEST_REQUEST / 2
                && topics.isKnown(known.topic);
    }

    private CompletionStage<PublishOutcome> publish(OutboundEvent outbound) {
        EventEnvelope event = outbound.event();
        CompletableFuture<PublishOutcome> outcome = new CompletableFuture<>();
        try {
            Destination destination = destination(event.address());
            int unusedPartitions = topics.require(destination.topic);
            String key = outbound.orderingKey();
            byte[] body = outbound.encoded();
            List<Header> headers = new ArrayList<>(5);
            headers.add(new RecordHeader("Greentic-Event-Id", bytes(event.id().value())));
            String trace = event.metadata().get("traceparent");
            if (trace != null) {
                headers.add(new RecordHeader("traceparent", bytes(trace)));
            }
            headers.addAll(destination.headers);
            ProducerRecord<byte[], byte[]> sent = new ProducerRecord<>(
                    destination.topic, null, key == null ? null : key(event.address(), key), body, headers);
            send(sent, event, body.length, outcome);
            destination.sentNanos = context.time().nanos();
        } catch (RuntimeException e) {
            outcome.complete(PublishOutcome.failed(Failures.of(name(), "publishing " + event.id(), e, false)));
        }
        return outcome;
    }

    private void send(
            ProducerRecord<byte[], byte[]> sent,
            EventEnvelope event,
            int bytes,
            CompletableFuture<PublishOutcome> outcome) {
        unsentBytes.addAndGet(bytes);
        try {
            var unused = producer.send(sent, (where, failure) -> {
                unsentBytes.addAndGet(-bytes);
                if (failure == null) {
                    outcome.complete(PublishOutcome.accepted(position(where.partition(), where.offset())));
                } else {
                    outcome.complete(
                            PublishOutcome.failed(Failures.of(name(), "publishing " + event.id(), failure, true)));
                }
            });
        } catch (RuntimeException e) {
            // Thrown instead of handed to the callback.
            unsentBytes.addAndGet(-bytes);
            throw e;
        }
    }

    /** Sends a record and waits for its offset. */
    long send(ProducerRecord<byte[], byte[]> sent, String what) {
        if (closed) {
            throw closed();
        }
        try {
            return producer.send(sent).get().offset();
        } catch (ExecutionException | InterruptedException | RuntimeException e) {
            throw Failures.of(name(), what, e, true);
        }
    }

    /** Where the events of an address go, and what all of them say. */
    private static final class Destination {
        final String topic;
        final List<Header> headers;
        /** When something was last sent there. */
        volatile long sentNanos;

        Destination(String topic, List<Header> headers, long sentNanos) {
            this.topic = topic;
            this.headers = headers;
            this.sentNanos = sentNanos;
        }
    }

    private Destination destination(TenantTopic address) {
        Destination known = destinations.get(address);
        if (known != null) {
            return known;
        }
        if (destinations.size() >= MOST_DESTINATIONS) {
            destinations.clear();
        }
        Destination found = new Destination(
                names.topic(address.tenant()),
                List.of(
                        new RecordHeader("Greentic-Env", bytes(address.tenant().env())),
                        new RecordHeader(
                                "Greentic-Tenant", bytes(address.tenant().name())),
                        // Last, where readers look first.
                        new RecordHeader(TOPIC_HEADER, bytes(address.topic().value()))),
                context.time().nanos() - LEADERS_KNOWN_NANOS);
        destinations.put(address, found);
        return found;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The record's key, by which the partition is chosen. */
    static byte[] key(TenantTopic address, String orderingKey) {
        return (Names.token(address.tenant().name()) + "/"
                        + Names.token(address.topic().value()) + "/" + orderingKey)
                .getBytes(StandardCharsets.UTF_8);
    }

    Position position(int partition, long offset) {
        return new Position(name(), partition + ":" + offset);
    }

    EventsException closed() {
        return new EventsException(ErrorCode.CLOSED, "provider " + name() + " is closed");
    }

    // Subscribing.

    @Override
    public ProviderSubscription subscribe(SubscribeRequest request) {
        if (closed) {
            throw closed();
        }
        requireReached();
        KafkaSubscription subscription;
        try {
            subscription = KafkaSubscription.open(this, request);
        } catch (org.apache.kafka.common.KafkaException e) {
            throw Failures.of(name(), "subscribing", e, false);
        }
        subscriptions.add(subscription);
        return subscription;
    }

    @Override
    public Optional<DeadLetterStore> deadLetters() {
        return Optional.of(letters);
    }

    void left(KafkaSubscription subscription) {
        subscriptions.remove(subscription);
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        // All at once: where no broker answers, each of them takes its time.
        for (KafkaSubscription subscription : subscriptions) {
            var unused = subscription.closeLater();
        }
        subscriptions.forEach(KafkaSubscription::close);
        letters.close();
        producer.close(LINGERING);
        topics.close();
    }
}
