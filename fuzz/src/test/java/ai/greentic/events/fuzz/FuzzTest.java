package ai.greentic.events.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Coverage-guided fuzzing of every reader, by Jazzer, in 256 MB of memory: some thousand inputs each here, for as long as
 * {@code -Dfuzz.seconds=N} says by hand. Begins with the inputs in {@code corpus/}; what finds new ways through the code is kept in
 * {@code target/corpus/}, and an input that finds a defect in {@code target/findings/}.
 */
class FuzzTest {
    private static final Map<String, String> TARGETS = new TreeMap<>(Map.of(
            "yaml", "ai.greentic.events.fuzz.YamlFuzz",
            "cbor", "ai.greentic.events.pack.CborFuzz",
            "zip", "ai.greentic.events.fuzz.ZipFuzz",
            "signature", "ai.greentic.events.fuzz.SignatureFuzz",
            "envelope", "ai.greentic.events.fuzz.EnvelopeFuzz",
            "pattern", "ai.greentic.events.fuzz.PatternFuzz"));

    /** The check counts inputs, so that it does the same on every machine. */
    private static final long RUNS = 1_000;

    private static final long SECONDS = Long.getLong("fuzz.seconds", 0);
    private static final long STARTING = 240;
    private static final String ONLY = System.getProperty("fuzz.target", "");
    private static final Pattern DONE = Pattern.compile("#(\\d+)\\s+DONE\\s+cov: (\\d+) ft: (\\d+) corp: (\\d+)/");

    @TempDir
    Path directory;

    /** What is in the tree, old findings amongst it, without the fuzzer. */
    @TestFactory
    Stream<DynamicTest> whatWasFoundStaysRepaired() {
        return TARGETS.entrySet().stream()
                .flatMap(target -> seeds(target.getKey()).stream()
                        .map(seed -> DynamicTest.dynamicTest(
                                target.getKey() + "/" + seed.getFileName(),
                                () -> Class.forName(target.getValue())
                                        .getMethod("fuzzerTestOneInput", byte[].class)
                                        .invoke(null, (Object) Files.readAllBytes(seed)))));
    }

    private static List<Path> seeds(String target) {
        try (Stream<Path> files = Files.list(Path.of("corpus", target))) {
            List<Path> seeds = files.sorted().toList();
            assertThat(seeds).as("seeds of %s", target).isNotEmpty();
            return seeds;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void nothingIsFound() throws Exception {
        // Each of them keeps one processor busy.
        ExecutorService processors =
                Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
        List<Future<?>> runs = new ArrayList<>();
        TARGETS.forEach((name, target) -> {
            if (ONLY.isEmpty() || ONLY.equals(name)) {
                runs.add(processors.submit(() -> {
                    fuzz(name, target);
                    return null;
                }));
            }
        });
        assertThat(runs).as("targets, one of %s", TARGETS.keySet()).isNotEmpty();
        processors.shutdown();
        for (Future<?> run : runs) {
            run.get();
        }
    }

    private void fuzz(String name, String target) throws Exception {
        Path kept = Files.createDirectories(Path.of("target", "corpus", name));
        Path findings = Files.createDirectories(Path.of("target", "findings", name));
        Path log = directory.resolve(name + ".log");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+EnableDynamicAgentLoading",
                "-cp",
                Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                        .filter(entry -> !entry.contains("junit") && !entry.contains("test-classes"))
                        .reduce((one, other) -> one + File.pathSeparator + other)
                        .orElseThrow(),
                "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + target,
                "--instrumentation_includes=ai.greentic.**:org.snakeyaml.**:tools.jackson.**:org.apache.commons.compress.**",
                "--reproducer_path=" + findings,
                "-artifact_prefix=" + findings + "/",
                SECONDS > 0 ? "-max_total_time=" + SECONDS : "-runs=" + RUNS,
                "-timeout=10",
                "-rss_limit_mb=2000",
                "-max_len=16384",
                "-print_final_stats=1"));
        command.add(kept.toString());
        command.add(Path.of("corpus", name).toString());
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        boolean ended = process.waitFor(SECONDS + STARTING, TimeUnit.SECONDS);
        if (!ended) {
            process.destroyForcibly();
        }
        String said = Files.readString(log, StandardCharsets.ISO_8859_1);
        assertThat(ended).as("%s ended in time: %s", name, said).isTrue();
        assertThat(process.exitValue()).as(said).isZero();
        Matcher done = DONE.matcher(said);
        assertThat(done.find()).as(said).isTrue();
        System.out.println("fuzzed " + name + ": " + done.group(1) + " executions, " + done.group(2) + " edges, "
                + done.group(3) + " features, " + done.group(4) + " inputs kept"
                + (SECONDS > 0 ? ", in " + SECONDS + " s" : ""));
        assertThat(Long.parseLong(done.group(1)))
                .as("executions of %s", name)
                .isGreaterThan(SECONDS > 0 ? seeds(name).size() : RUNS - 1);
        assertThat(Long.parseLong(done.group(2))).as("coverage of %s", name).isGreaterThan(20);
    }
}
