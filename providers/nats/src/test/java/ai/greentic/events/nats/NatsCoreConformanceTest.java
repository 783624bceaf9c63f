package ai.greentic.events.nats;

import ai.greentic.events.conformance.ProviderConformance;
import ai.greentic.events.conformance.Target;
import ai.greentic.events.spi.ProviderFactory;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The kit without JetStream, as far as that goes: while nothing happens to the server, nothing is lost. */
class NatsCoreConformanceTest extends ProviderConformance {
    private static final AtomicLong PLACES = new AtomicLong();

    @TempDir
    static @Nullable Path directory;

    private static @Nullable NatsServer server;

    @BeforeAll
    static void startServer() throws Exception {
        server = new NatsServer(Objects.requireNonNull(directory), "max_payload: 8MB");
    }

    @AfterAll
    static void stopServer() throws Exception {
        Objects.requireNonNull(server).kill();
    }

    @Override
    protected Target target() {
        String prefix = "kit" + PLACES.incrementAndGet();
        return new Target() {
            @Override
            public ProviderFactory factory() {
                return new NatsProviderFactory();
            }

            @Override
            public Map<String, ?> settings() {
                return Map.of("url", Objects.requireNonNull(server).url(), "prefix", prefix, "mode", "core");
            }
        };
    }
}
