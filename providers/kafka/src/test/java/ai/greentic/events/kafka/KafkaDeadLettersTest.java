package ai.greentic.events.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.conformance.SharedDeadLettersConformance;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Dead letters on the brokers, where every host sees them. One broker for all tests, topics of its own for each. */
@Timeout(120)
class KafkaDeadLettersTest {
    private static final Tenant ACME = new Tenant("test", "acme");
    private static final AtomicInteger PLACES = new AtomicInteger();

    @TempDir
    private static @Nullable Path directory;

    private static @Nullable KafkaServer server;
    private final List<Host> hosts = new ArrayList<>();
    private String place = "";

    /** A host with its own connection. */
    private record Host(EventProvider provider, Tasks tasks) implements AutoCloseable {
        DeadLetterStore letters() {
            return provider.deadLetters().orElseThrow();
        }

        @Override
        public void close() {
            provider.close();
            tasks.close(Duration.ofSeconds(5));
        }
    }

    @BeforeAll
    static void startBroker() throws Exception {
        server = new KafkaServer(java.util.Objects.requireNonNull(directory), KafkaServer.freePort(), 0);
    }

    @AfterAll
    static void stopBroker() throws Exception {
        if (server != null) {
            server.kill();
        }
    }

    @BeforeEach
    void begin() {
        place = "letters" + PLACES.incrementAndGet();
    }

    @AfterEach
    void end() {
        hosts.forEach(Host::close);
        hosts.clear();
    }

    private Map<String, Object> settings(Map<String, Object> more) {
        Map<String, Object> raw = new HashMap<>(more);
        raw.put("servers", java.util.Objects.requireNonNull(server).address());
        raw.put("topic", place + "-{env}-{tenant}");
        raw.put("partitions", 2);
        return raw;
    }

    private Host connect(Map<String, Object> more) {
        KafkaProviderFactory factory = new KafkaProviderFactory();
        List<String> problems = new ArrayList<>();
        var parsed = factory.settings().parse(settings(more), "p", problems);
        assertThat(problems).isEmpty();
        Tasks tasks = Tasks.threads("kit-letters");
        return new Host(factory.create(parsed, new ProviderContext("p", Time.system(), tasks)), tasks);
    }

    private DeadLetterStore letters(Map<String, Object> more) {
        Host host = connect(more);
        hosts.add(host);
        return host.letters();
    }

    private static DeadLetter letter(Tenant tenant, int number) {
        return DeadLetter.builder(
                        new DeadLetterId("dl-" + number),
                        new TenantTopic(tenant, new Topic("orders.created")),
                        "{}".getBytes(StandardCharsets.UTF_8),
                        "p",
                        Instant.EPOCH)
                .cause(ErrorCode.HANDLER_FAILED, "why")
                .build();
    }

    /** What the kit demands of every store that hosts share; each life is a connection of its own, which reads the topic anew. */
    @Nested
    class Conformance extends SharedDeadLettersConformance {
        @Override
        protected DeadLetterStore open(Time time) {
            return another(100_000);
        }

        @Override
        protected DeadLetterStore another(int maxLetters) {
            return letters(Map.of("max_dead_letters", maxLetters));
        }

        @Override
        protected EventBus bus() {
            return EventBus.builder()
                    .providerFactory(new KafkaProviderFactory())
                    .provider("broker", "kafka", "*")
                    .providerSettings(null, "broker", settings(Map.of()))
                    .deadLettersOn("broker")
                    .build();
        }

        @Override
        protected void close() {
            end();
        }
    }

    @Test
    void P4_whatSomebodyElseWroteIsNoLetterAndIsNamed() throws Exception {
        DeadLetterStore store = letters(Map.of());
        store.put(letter(ACME, 1));
        String topic = place + "-test--letters";
        try (KafkaProducer<byte[], byte[]> plain = new KafkaProducer<>(
                Map.of(
                        "bootstrap.servers",
                        java.util.Objects.requireNonNull(server).address()),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            for (byte[] value : List.of(
                    new byte[3],
                    ai.greentic.events.spi.DeadLetterCodec.write(letter(new Tenant("test", "globex"), 2)))) {
                plain.send(new ProducerRecord<>(topic, LetterOutlines.letterKey(ACME, new DeadLetterId("dl-2")), value))
                        .get();
                assertThatThrownBy(() -> store.find(ACME, new DeadLetterId("dl-2")))
                        .isInstanceOfSatisfying(
                                EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_CORRUPT))
                        .hasMessageContaining(topic);
                assertThat(store.find(ACME, new DeadLetterId("dl-1"))).isPresent();
            }
            assertThat(store.remove(ACME, new DeadLetterId("dl-2"))).isTrue();
            assertThat(store.list(ACME, DeadLetterFilter.ALL, null, 10)).hasSize(1);
        }
    }
}
