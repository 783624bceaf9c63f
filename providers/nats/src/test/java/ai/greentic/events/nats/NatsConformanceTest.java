package ai.greentic.events.nats;

import ai.greentic.events.conformance.Disturbance;
import ai.greentic.events.conformance.NetworkProxy;
import ai.greentic.events.conformance.ProviderConformance;
import ai.greentic.events.conformance.Target;
import ai.greentic.events.spi.ProviderFactory;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamManagement;
import io.nats.client.Nats;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The whole kit against a real server, which is killed and stopped while events flow. */
class NatsConformanceTest extends ProviderConformance {
    /** How long it stays killed: two minutes by hand, with {@code -Dbroker.away=PT2M}. */
    private static final Duration AWAY = Duration.parse(System.getProperty("broker.away", "PT0.5S"));

    private static final AtomicLong PLACES = new AtomicLong();

    @TempDir
    static @Nullable Path directory;

    private static @Nullable NatsServer server;

    @BeforeAll
    static void startServer() throws Exception {
        server = new NatsServer(Objects.requireNonNull(directory), "max_payload: 8MB", NatsServer.SYNC_ALWAYS);
    }

    @AfterAll
    static void stopServer() throws Exception {
        Objects.requireNonNull(server).kill();
    }

    String mode() {
        return "jetstream";
    }

    /** The test that shows it, where that is asked for. */
    @Nullable
    String powerLossTest() {
        return null;
    }

    @Override
    protected Target target() throws IOException {
        NatsServer running = Objects.requireNonNull(server);
        String prefix = "kit" + PLACES.incrementAndGet();
        NetworkProxy proxy = new NetworkProxy(new InetSocketAddress(InetAddress.getLoopbackAddress(), running.port));
        return new Target() {
            @Override
            public ProviderFactory factory() {
                return new NatsProviderFactory();
            }

            @Override
            public Map<String, ?> settings() {
                Map<String, Object> settings = new HashMap<>(Map.of(
                        "url",
                        "nats://127.0.0.1:" + proxy.address().getPort(),
                        "prefix",
                        prefix,
                        "member_timeout",
                        "2s",
                        "mode",
                        mode()));
                if (powerLossTest() != null) {
                    settings.put("durability", "power-loss");
                    settings.put("monitoring", running.monitoringUrl());
                }
                return settings;
            }

            @Override
            public @Nullable String powerLossTest() {
                return NatsConformanceTest.this.powerLossTest();
            }

            @Override
            public boolean membersWorkTogether() {
                return mode().equals("jetstream");
            }

            @Override
            public List<Disturbance> disturbances() {
                Disturbance killed = Disturbance.when("the server is killed", running::kill)
                        .until("it is started again", running::start)
                        .after(AWAY);
                if (!mode().equals("jetstream")) {
                    // What the network does to the client is the same in every mode.
                    return List.of(killed);
                }
                return List.of(
                        killed,
                        Disturbance.when("every connection is cut", proxy::cut)
                                .until("they may come again", proxy::heal),
                        Disturbance.when("the network stands still", proxy::stall)
                                .until("it moves again", proxy::heal)
                                .after(Duration.ofSeconds(3)));
            }

            @Override
            public void close() throws IOException {
                proxy.close();
                try {
                    Connection connection = Nats.connect(running.url());
                    JetStreamManagement streams = connection.jetStreamManagement();
                    for (String name : streams.getStreamNames()) {
                        if (name.equals(prefix)
                                || name.startsWith(prefix + "-")
                                || name.startsWith("KV_" + prefix + "-")) {
                            streams.deleteStream(name);
                        }
                    }
                    connection.close();
                } catch (JetStreamApiException e) {
                    throw new IOException(e);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        };
    }
}
