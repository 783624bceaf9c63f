package ai.greentic.events.embedded;

import ai.greentic.events.conformance.PowerLossConformance;
import ai.greentic.events.spi.ProviderFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;

/** The store on a disk that loses what is not synced; {@link BadDaysTest} also tears what was under way. */
class EmbeddedPowerLossTest extends PowerLossConformance {
    @Override
    protected Keeper begin(Path disk) {
        return new Keeper() {
            @Override
            public ProviderFactory factory() {
                return new EmbeddedProviderFactory();
            }

            @Override
            public Map<String, ?> settings() {
                return Map.of("directory", disk.resolve("state").toString());
            }

            @Override
            public void start() {
                // A bus opens it.
            }

            @Override
            public void kill() throws Exception {
                // It ends with its bus, but for a mapped file, which the JVM lets go when it collects garbage.
                for (int i = 0; i < 100 && isMapped(disk); i++) {
                    System.gc();
                    Thread.sleep(20);
                }
            }
        };
    }

    private static boolean isMapped(Path disk) throws IOException {
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            return maps.anyMatch(line -> line.contains(disk.toString()));
        }
    }
}
