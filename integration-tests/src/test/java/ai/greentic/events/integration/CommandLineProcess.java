package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The command line in a process of its own, where directory, environment, memory and input are the test's. */
final class CommandLineProcess {
    private final Path scratch;
    private final ProcessBuilder builder = new ProcessBuilder();
    private final List<String> command = new ArrayList<>();

    /** How a run ended, and what it said. */
    record Result(int status, String out, String err) {}

    /** Writes to a process until it has enough. */
    interface Input {
        void to(OutputStream out) throws IOException;
    }

    /**
     * @param scratch where its output may go
     * @param jvm more arguments of its JVM
     */
    CommandLineProcess(Path scratch, String... jvm) {
        this.scratch = scratch;
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-XX:TieredStopAtLevel=1");
        command.addAll(Arrays.asList(jvm));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "ai.greentic.events.cli.Main"));
    }

    CommandLineProcess in(Path directory, Map<String, String> environment) {
        builder.directory(directory.toFile());
        builder.environment().remove("GREENTIC_EVENTS_PROVIDER");
        builder.environment().putAll(environment);
        return this;
    }

    Result run(Input input, String... arguments) throws Exception {
        Path out = scratch.resolve("out");
        Path err = scratch.resolve("err");
        command.addAll(Arrays.asList(arguments));
        Process process = builder.command(command)
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        try (OutputStream in = process.getOutputStream()) {
            input.to(in);
        } catch (IOException enough) {
            // It had heard enough, and ended.
        }
        assertThat(process.waitFor(60, TimeUnit.SECONDS))
                .as("it ended within a minute")
                .isTrue();
        return new Result(process.exitValue(), Files.readString(out), Files.readString(err));
    }
}
