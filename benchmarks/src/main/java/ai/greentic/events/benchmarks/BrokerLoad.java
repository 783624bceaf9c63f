package ai.greentic.events.benchmarks;

import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.SubscribeOptions;
import io.nats.client.Connection;
import io.nats.client.JetStream;
import io.nats.client.MessageConsumer;
import io.nats.client.Nats;
import io.nats.client.api.AckPolicy;
import io.nats.client.api.ConsumerConfiguration;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import io.nats.client.impl.Headers;
import io.nats.client.impl.NatsMessage;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The fabric on a broker beside the broker's own client: {@code BrokerLoad nats|kafka ADDRESS [SECONDS [ROWS]]}, where ROWS is a pattern such as {@code publish 64|latency}. Both send the same bytes, with a message
 * id, wait for the broker's answer, and acknowledge explicitly what they handled. Each figure of a row is taken in turn in one run, five
 * times, and the median is shown. Events have 512 bytes of payload. {@code benchmarks/brokers.sh} starts the server.
 */
final class BrokerLoad {
    private static final TenantContext TENANT = TenantContext.of("bench", "acme");
    private static final String PAYLOAD = "\"" + "x".repeat(510) + "\"";
    /** About what the fabric's envelope holds beside the payload. */
    private static final String ENVELOPE =
            "\",\"topic\":\"bench.load\",\"type\":\"com.greentic.generic\",\"source\":\"bench\",\"tenant\":{\"env\":\"bench\","
                    + "\"tenant\":\"acme\",\"tenant_id\":\"acme\",\"attempt\":0},\"time\":\"2026-01-01T00:00:00Z\","
                    + "\"payload\":" + PAYLOAD + ",\"metadata\":{\"sent\":\"";

    private static final int ROUNDS = 5;
    private static final AtomicInteger PLACES = new AtomicInteger();

    private BrokerLoad() {}

    /** One way to reach the broker. */
    private interface Side extends AutoCloseable {
        /** Completes when the broker has it. */
        CompletionStage<?> publish(long sentNanos) throws Exception;

        /** Hands over when each event was sent, then acknowledges it. */
        void consume(LongConsumer handler) throws Exception;

        @Override
        void close() throws Exception;
    }

    private static final class Fabric implements Side {
        private final EventBus bus;

        Fabric(String transport, Map<String, ?> settings) {
            this.bus = EventBus.builder()
                    .provider("broker", transport, "*")
                    .providerSettings(null, "broker", settings)
                    .publishQueue(8192)
                    // As both clients do: what waits for an answer goes on where the answer arrives.
                    .receiptExecutor(Runnable::run)
                    .build();
        }

        @Override
        public CompletionStage<?> publish(long sentNanos) {
            return bus.publishAsync(bus.newEvent(TENANT, "bench.load")
                    .metadata("sent", Long.toString(sentNanos))
                    .payload(Payload.json(PAYLOAD))
                    .build());
        }

        @Override
        public void consume(LongConsumer handler) {
            bus.subscribe(
                            TENANT,
                            "bench.*",
                            SubscribeOptions.group("g").maxInFlight(4096),
                            delivery -> handler.accept(
                                    Long.parseLong(delivery.event().metadata().get("sent"))))
                    .ready()
                    .join();
        }

        @Override
        public void close() {
            bus.close();
        }
    }

    private static final class NatsClient implements Side {
        private final Connection connection;
        private final JetStream jetStream;
        private final String stream = "native" + PLACES.incrementAndGet();
        private final String run = UUID.randomUUID().toString();
        private final AtomicLong ids = new AtomicLong();
        private MessageConsumer consumer;

        NatsClient(String url) throws Exception {
            connection = Nats.connect(url);
            jetStream = connection.jetStream();
            connection
                    .jetStreamManagement()
                    .addStream(StreamConfiguration.builder()
                            .name(stream)
                            .subjects(stream + ".>")
                            .storageType(StorageType.File)
                            .discardPolicy(DiscardPolicy.New)
                            .build());
        }

        @Override
        public CompletionStage<?> publish(long sentNanos) {
            String id = run + ids.incrementAndGet();
            return jetStream.publishAsync(NatsMessage.builder()
                    .subject(stream + ".acme.bench.load")
                    .headers(new Headers().put("Nats-Msg-Id", id))
                    .data(("{\"id\":\"" + id + ENVELOPE + sentNanos + "\"}}").getBytes(StandardCharsets.UTF_8))
                    .build());
        }

        @Override
        public void consume(LongConsumer handler) throws Exception {
            connection
                    .jetStreamManagement()
                    .createConsumer(
                            stream,
                            ConsumerConfiguration.builder()
                                    .durable("g")
                                    .ackPolicy(AckPolicy.Explicit)
                                    .maxAckPending(8192)
                                    .build());
            consumer = connection.getConsumerContext(stream, "g").consume(message -> {
                handler.accept(sent(message.getData()));
                message.ack();
            });
        }

        @Override
        public void close() throws Exception {
            if (consumer != null) {
                consumer.close();
            }
            connection.jetStreamManagement().deleteStream(stream);
            connection.close();
        }
    }

    /** What a client finds in the bytes. */
    private static long sent(byte[] data) {
        String body = new String(data, StandardCharsets.UTF_8);
        int at = body.lastIndexOf("\"sent\":\"") + 8;
        return Long.parseLong(body.substring(at, body.indexOf('"', at)));
    }

    /** Commits after each poll, which is as often as a client can that must not lose. */
    private static final class KafkaClient implements Side {
        private static final int PARTITIONS = 8;
        private final String servers;
        private final String topic = "native" + PLACES.incrementAndGet();
        private final String run = UUID.randomUUID().toString();
        private final AtomicLong ids = new AtomicLong();
        private final KafkaProducer<byte[], byte[]> producer;
        private Thread reading;

        KafkaClient(String servers) throws Exception {
            this.servers = servers;
            try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers))) {
                admin.createTopics(List.of(new NewTopic(topic, Optional.of(PARTITIONS), Optional.empty())))
                        .all()
                        .get();
                // Answered as soon as the leaders know that they are; a producer that comes before may wait for two
                // minutes.
                Map<TopicPartition, OffsetSpec> all = new HashMap<>();
                for (int i = 0; i < PARTITIONS; i++) {
                    all.put(new TopicPartition(topic, i), OffsetSpec.latest());
                }
                for (boolean known = false; !known; ) {
                    try {
                        var unused = admin.listOffsets(all).all().get();
                        known = true;
                    } catch (ExecutionException e) {
                        if (!(e.getCause() instanceof UnknownTopicOrPartitionException)) {
                            throw e;
                        }
                        Thread.sleep(100);
                    }
                }
            }
            producer = new KafkaProducer<>(
                    Map.of("bootstrap.servers", servers, "acks", "all", "linger.ms", 0),
                    new ByteArraySerializer(),
                    new ByteArraySerializer());
        }

        @Override
        public CompletionStage<?> publish(long sentNanos) {
            CompletableFuture<Object> done = new CompletableFuture<>();
            var unused = producer.send(
                    new ProducerRecord<>(
                            topic,
                            ("{\"id\":\"" + run + ids.incrementAndGet() + ENVELOPE + sentNanos + "\"}}")
                                    .getBytes(StandardCharsets.UTF_8)),
                    (where, failure) -> {
                        if (failure == null) {
                            done.complete(where);
                        } else {
                            done.completeExceptionally(failure);
                        }
                    });
            return done;
        }

        @Override
        public void consume(LongConsumer handler) throws Exception {
            KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
                    Map.of(
                            "bootstrap.servers",
                            servers,
                            "group.id",
                            topic,
                            "enable.auto.commit",
                            false,
                            "auto.offset.reset",
                            "earliest"),
                    new ByteArrayDeserializer(),
                    new ByteArrayDeserializer());
            consumer.subscribe(List.of(topic));
            while (consumer.assignment().isEmpty()) {
                var unused = consumer.poll(Duration.ofMillis(100));
            }
            reading = new Thread(() -> {
                try (consumer) {
                    while (!Thread.currentThread().isInterrupted()) {
                        var read = consumer.poll(Duration.ofMillis(100));
                        read.forEach(one -> handler.accept(sent(one.value())));
                        if (!read.isEmpty()) {
                            consumer.commitSync();
                        }
                    }
                } catch (InterruptException e) {
                    Thread.interrupted();
                }
            });
            reading.start();
        }

        @Override
        public void close() throws Exception {
            if (reading != null) {
                reading.interrupt();
                reading.join();
            }
            producer.close();
        }
    }

    /** Makes a side with nothing in it. */
    private interface Place {
        Side make() throws Exception;
    }

    public static void main(String[] args) throws Exception {
        String transport = args[0];
        String url = args[1];
        double seconds = args.length > 2 ? Double.parseDouble(args[2]) : 3;
        Place fabric;
        Place client;
        switch (transport) {
            case "nats" -> {
                fabric = () -> new Fabric("nats", Map.of("url", url, "prefix", "bench" + PLACES.incrementAndGet()));
                client = () -> new NatsClient(url);
            }
            case "kafka" -> {
                fabric = () -> new Fabric(
                        "kafka",
                        Map.of(
                                "servers",
                                url,
                                "topic",
                                "bench" + PLACES.incrementAndGet() + "-{env}-{tenant}",
                                "partitions",
                                8));
                client = () -> new KafkaClient(url);
            }
            default -> throw new IllegalArgumentException("no such broker: " + transport);
        }
        // The compiler is done with neither after the first rounds; the one with more code would pay for it.
        for (int warmUp = 0; warmUp < 4; warmUp++) {
            for (Place place : new Place[] {fabric, client}) {
                double unused = publish(place, 64 << warmUp, seconds);
                double[] unusedToo = endToEnd(place, 64 << warmUp, seconds, 0);
            }
        }
        System.out.println("                     in flight   client/s   fabric/s   ratio");
        String rows = args.length > 3 ? args[3] : ".*";
        for (int inFlight : new int[] {1, 64, 1024}) {
            if (!("publish " + inFlight).matches(rows)) {
                continue;
            }
            double[][] figures = new double[2][ROUNDS];
            for (int round = 0; round < ROUNDS; round++) {
                figures[0][round] = publish(client, inFlight, seconds);
                figures[1][round] = publish(fabric, inFlight, seconds);
            }
            print("publish", inFlight, figures);
        }
        for (int inFlight : new int[] {64, 1024}) {
            if (!("end to end " + inFlight).matches(rows)) {
                continue;
            }
            double[][] figures = new double[2][ROUNDS];
            for (int round = 0; round < ROUNDS; round++) {
                figures[0][round] = endToEnd(client, inFlight, seconds, 0)[0];
                figures[1][round] = endToEnd(fabric, inFlight, seconds, 0)[0];
            }
            print("end to end", inFlight, figures);
        }
        if (!"latency".matches(rows)) {
            return;
        }
        System.out.println("5,000 a second, publish to handler     p50 us   p99 us");
        double[][][] latencies = new double[2][3][ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            for (int side = 0; side < 2; side++) {
                double[] one = endToEnd(side == 0 ? client : fabric, 1024, seconds, 5_000);
                for (int i = 0; i < 3; i++) {
                    latencies[side][i][round] = one[i];
                }
            }
        }
        for (int side = 0; side < 2; side++) {
            System.out.printf(
                    Locale.ROOT,
                    "%36s   %6.0f   %6.0f%n",
                    side == 0 ? "client" : "fabric",
                    median(latencies[side][1]),
                    median(latencies[side][2]));
        }
    }

    private static void print(String what, int inFlight, double[][] figures) {
        System.out.printf(
                Locale.ROOT,
                "%18s   %9d   %8.0f   %8.0f   %5.2f%n",
                what,
                inFlight,
                median(figures[0]),
                median(figures[1]),
                median(figures[1]) / median(figures[0]));
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    /** Returns how many events a second were accepted. */
    private static double publish(Place place, int inFlight, double seconds) throws Exception {
        try (Side side = place.make()) {
            AtomicLong count = new AtomicLong();
            Semaphore room = new Semaphore(inFlight);
            long begun = System.nanoTime();
            long end = begun + (long) (seconds * 1e9);
            while (System.nanoTime() < end) {
                room.acquire();
                send(side, System.nanoTime(), () -> {
                    count.incrementAndGet();
                    room.release();
                });
            }
            room.acquire(inFlight);
            return count.get() / ((System.nanoTime() - begun) / 1e9);
        }
    }

    private static void send(Side side, long sentNanos, Runnable accepted) throws Exception {
        var unused = side.publish(sentNanos).whenComplete((receipt, failure) -> {
            if (failure == null) {
                accepted.run();
            } else {
                failure.printStackTrace();
                System.exit(1);
            }
        });
    }

    /** Returns how many events a second were handled, and the median and the 99th percentile of their times in microseconds. */
    private static double[] endToEnd(Place place, int inFlight, double seconds, int rate) throws Exception {
        try (Side side = place.make()) {
            Semaphore room = new Semaphore(inFlight);
            int most = 4_000_000;
            int[] latencies = new int[most];
            AtomicInteger handled = new AtomicInteger();
            side.consume(sentNanos -> {
                latencies[handled.getAndIncrement() % most] = (int) ((System.nanoTime() - sentNanos) / 1000);
                room.release();
            });
            long begun = System.nanoTime();
            long end = begun + (long) (seconds * 1e9);
            for (long sent = 0; System.nanoTime() < end; sent++) {
                long due = rate == 0 ? 0 : begun + sent * 1_000_000_000L / rate;
                while (rate > 0 && System.nanoTime() < due) {
                    Thread.sleep(0, 100_000);
                }
                room.acquire();
                // The time that it should have been sent at, so that a pause is not left out.
                send(side, rate > 0 ? due : System.nanoTime(), () -> {});
            }
            if (!room.tryAcquire(inFlight, 30, TimeUnit.SECONDS)) {
                throw new IllegalStateException("after 30 s, " + (inFlight - room.availablePermits()) + " never came");
            }
            double took = (System.nanoTime() - begun) / 1e9;
            int[] sorted = Arrays.copyOf(latencies, Math.min(most, handled.get()));
            Arrays.sort(sorted);
            return new double[] {
                handled.get() / took, sorted[sorted.length / 2], sorted[(int) (sorted.length * 0.99)],
            };
        }
    }
}
