package ai.greentic.events.nats;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.conformance.PowerLossConformance;
import ai.greentic.events.spi.ProviderFactory;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server that syncs always, on a disk that loses what is not synced. */
class NatsPowerLossTest extends PowerLossConformance {
    @TempDir
    Path own;

    private record Running(NatsServer server, boolean synced) implements Keeper {
        @Override
        public ProviderFactory factory() {
            return new NatsProviderFactory();
        }

        @Override
        public Map<String, ?> settings() {
            Map<String, Object> settings = new HashMap<>(Map.of("url", server.url(), "max_bytes", 64 << 20));
            if (synced) {
                settings.put("durability", "power-loss");
                settings.put("monitoring", server.monitoringUrl());
            }
            return settings;
        }

        @Override
        public void start() throws Exception {
            server.start();
        }

        @Override
        public void kill() throws Exception {
            server.kill();
        }
    }

    @Override
    protected Keeper begin(Path disk) throws Exception {
        return new Running(new NatsServer(own, disk.resolve("store"), NatsServer.SYNC_ALWAYS), true);
    }

    /** Or else the test of the kit would show nothing. */
    @Test
    void lossOfPowerTakesWhatAServerDidNotSync() throws Exception {
        assertThat(lost(disk -> new Running(new NatsServer(own, disk.resolve("store")), false), false, 1))
                .isNotEmpty();
    }
}
