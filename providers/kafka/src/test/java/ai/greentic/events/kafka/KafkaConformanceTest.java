package ai.greentic.events.kafka;

import ai.greentic.events.conformance.Disturbance;
import ai.greentic.events.conformance.NetworkProxy;
import ai.greentic.events.conformance.ProviderConformance;
import ai.greentic.events.conformance.Target;
import ai.greentic.events.spi.ProviderFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The whole kit against a real broker, which is killed, cut off and stalled while events flow. */
class KafkaConformanceTest extends ProviderConformance {
    /** How long it stays killed: two minutes by hand, with {@code -Dbroker.away=PT2M}. */
    private static final Duration AWAY = Duration.parse(System.getProperty("broker.away", "PT0.5S"));

    private static final AtomicLong PLACES = new AtomicLong();

    @TempDir
    static @Nullable Path directory;

    private static @Nullable KafkaServer server;
    private static @Nullable NetworkProxy proxy;

    @BeforeAll
    static void startServer() throws Exception {
        int port = KafkaServer.freePort();
        NetworkProxy between = new NetworkProxy(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        proxy = between;
        server = new KafkaServer(
                Objects.requireNonNull(directory),
                port,
                between.address().getPort(),
                "message.max.bytes=16777216",
                "replica.fetch.max.bytes=16777216");
    }

    @AfterAll
    static void stopServer() throws Exception {
        Objects.requireNonNull(server).kill();
        Objects.requireNonNull(proxy).close();
    }

    @Override
    protected Target target() {
        KafkaServer running = Objects.requireNonNull(server);
        NetworkProxy between = Objects.requireNonNull(proxy);
        String topic = "kit" + PLACES.incrementAndGet() + "-{env}-{tenant}";
        return new Target() {
            @Override
            public ProviderFactory factory() {
                return new KafkaProviderFactory();
            }

            @Override
            public Map<String, ?> settings() {
                return Map.of(
                        "servers",
                        "127.0.0.1:" + between.address().getPort(),
                        "topic",
                        topic,
                        "partitions",
                        8,
                        "member_timeout",
                        "2s");
            }

            @Override
            public List<Disturbance> disturbances() {
                return List.of(
                        Disturbance.when("the broker is killed", running::kill)
                                .until("it is started again", running::start)
                                .after(AWAY),
                        Disturbance.when("every connection is cut", between::cut)
                                .until("they may come again", between::heal),
                        Disturbance.when("the network stands still", between::stall)
                                .until("it moves again", between::heal)
                                .after(Duration.ofSeconds(3)));
            }
        };
    }
}
