package ai.greentic.events.embedded;

import ai.greentic.events.conformance.ProviderConformance;
import ai.greentic.events.conformance.Target;
import ai.greentic.events.spi.ProviderFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** The embedded provider on a directory of its own for each test. */
class EmbeddedConformanceTest extends ProviderConformance {
    @TempDir
    Path directory;

    @Override
    protected Target target() throws Exception {
        Path state = Files.createTempDirectory(directory, "state");
        return new Target() {
            @Override
            public ProviderFactory factory() {
                return new EmbeddedProviderFactory();
            }

            @Override
            public Path stateDirectory() {
                return state;
            }

            @Override
            public String powerLossTest() {
                return "ai.greentic.events.embedded.BadDaysTest#P1_lossOfPowerKeepsEveryReceipt";
            }
        };
    }
}
