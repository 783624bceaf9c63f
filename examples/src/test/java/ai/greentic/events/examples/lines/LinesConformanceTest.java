package ai.greentic.events.examples.lines;

import ai.greentic.events.conformance.ProviderConformance;
import ai.greentic.events.conformance.Target;
import ai.greentic.events.spi.ProviderFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;

class LinesConformanceTest extends ProviderConformance {
    @TempDir
    Path directory;

    @Override
    protected Target target() throws IOException {
        Path lines = Files.createTempDirectory(directory, "lines");
        return new Target() {
            @Override
            public ProviderFactory factory() {
                return new LinesProviderFactory();
            }

            @Override
            public Map<String, ?> settings() {
                return Map.of("directory", lines.toString());
            }
        };
    }
}
