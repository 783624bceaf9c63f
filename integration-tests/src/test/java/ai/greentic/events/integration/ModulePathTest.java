package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same program on the module path: descriptors, services and reflection must agree. */
class ModulePathTest {
    @TempDir
    Path directory;

    @Test
    void theCommandLineRunsOnTheModulePath() throws IOException, InterruptedException {
        String path = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.contains("test-classes") && !entry.endsWith("-tests.jar"))
                .filter(
                        entry -> entry.matches(
                                ".*(greentic-events|target.classes|jackson|commons|oras|micrometer|caffeine|HdrHistogram|snakeyaml|picocli|slf4j|logback|jspecify|opentelemetry|sqlite|jnats|bcprov|handlebars|kafka|zstd|lz4|snappy).*"))
                .collect(Collectors.joining(File.pathSeparator));
        Path log = directory.resolve("out");
        Process java = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-p",
                        path,
                        "-m",
                        "ai.greentic.events.cli/ai.greentic.events.cli.Main",
                        "try")
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        assertThat(java.waitFor(60, TimeUnit.SECONDS)).isTrue();
        String output = Files.readString(log, StandardCharsets.UTF_8);
        assertThat(java.exitValue()).as(output).isZero();
        assertThat(output).contains("All of it really happened");
    }
}
