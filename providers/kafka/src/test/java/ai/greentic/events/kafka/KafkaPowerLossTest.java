package ai.greentic.events.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.conformance.PowerLossConformance;
import ai.greentic.events.spi.ProviderFactory;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A broker whose topics are synced with each write, on a disk that loses what is not synced. */
class KafkaPowerLossTest extends PowerLossConformance {
    @TempDir
    Path own;

    private record Running(KafkaServer server, String durability) implements Keeper {
        @Override
        public ProviderFactory factory() {
            return new KafkaProviderFactory();
        }

        @Override
        public Map<String, ?> settings() {
            return Map.of(
                    "servers", server.address(), "partitions", 4, "delivery_timeout", "1s", "durability", durability);
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

    private Keeper on(Path disk, String durability) throws Exception {
        return new Running(
                new KafkaServer(own, KafkaServer.freePort(), 0, "log.dirs=" + disk.resolve("log")), durability);
    }

    @Override
    protected Keeper begin(Path disk) throws Exception {
        return on(disk, "power-loss");
    }

    /** Or else the test of the kit would show nothing. */
    @Test
    void lossOfPowerTakesWhatABrokerDidNotSync() throws Exception {
        assertThat(lost(disk -> on(disk, "process-crash"), false, 1)).isNotEmpty();
    }
}
