package ai.greentic.events.runner;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Runs a command for each operation: the request on its standard input, the answer on its standard output, one JSON document each. The
 * command is a list of arguments, never a shell's line; of the environment it sees what is allowed and nothing else. Input, output and
 * errors flow at the same time, so that nobody waits for somebody who waits; output beyond a limit, or no end in time, ends the command
 * and everything that it started. Immutable, thread-safe; each call is a process of its own.
 */
public final class ProcessHost implements RunnerHost {
    private static final int MAX_SAID = 2_000;
    private static final int MAX_LINE = 200;
    private static final Duration AFTER_KILL = Duration.ofSeconds(5);
    /** Without these hardly any program starts. */
    private static final Set<String> ALWAYS = Set.of("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT");

    private final List<String> command;
    private final Set<String> environment;
    private final @Nullable Path directory;
    private final Duration timeout;
    private final int maxOutput;

    private ProcessHost(
            List<String> command, Set<String> environment, @Nullable Path directory, Duration timeout, int maxOutput) {
        this.command = List.copyOf(command);
        this.environment = Set.copyOf(environment);
        this.directory = directory;
        this.timeout = timeout;
        this.maxOutput = maxOutput;
    }

    /** Runs this program with these arguments, for at most 20 seconds and 4 MiB of output. */
    public static ProcessHost command(String program, String... arguments) {
        List<String> command = new java.util.ArrayList<>(List.of(program));
        command.addAll(List.of(arguments));
        return command(command);
    }

    static ProcessHost command(List<String> command) {
        if (command.isEmpty() || command.get(0).isBlank()) {
            throw new IllegalArgumentException("a command begins with a program");
        }
        return new ProcessHost(command, Set.of(), null, Duration.ofSeconds(20), 4 << 20);
    }

    /** The same; the command sees these variables of this process's environment too. */
    public ProcessHost environment(Set<String> names) {
        return new ProcessHost(command, names, directory, timeout, maxOutput);
    }

    /** The same, run there. */
    public ProcessHost directory(Path where) {
        return new ProcessHost(command, environment, where, timeout, maxOutput);
    }

    /** The same; each run ends after so long, by force. */
    public ProcessHost timeout(Duration most) {
        if (most.isNegative() || most.isZero()) {
            throw new IllegalArgumentException("timeout is " + most + "; it must be positive");
        }
        return new ProcessHost(command, environment, directory, most, maxOutput);
    }

    /** The same; a run may say so many bytes. */
    public ProcessHost maxOutput(int bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("maxOutput is " + bytes + "; it must be at least 1");
        }
        return new ProcessHost(command, environment, directory, timeout, bytes);
    }

    @Override
    public byte[] invoke(String op, byte[] request) throws InterruptedException {
        Process process = start(op);
        try {
            Output output = new Output(process.getInputStream(), maxOutput, process);
            Output errors = new Output(process.getErrorStream(), MAX_SAID, null);
            Thread writer = new Thread(() -> write(process, request), "process-input");
            for (Thread thread : List.of(output, errors, writer)) {
                thread.setDaemon(true);
                thread.start();
            }
            if (!process.waitFor(timeout.toNanos(), TimeUnit.NANOSECONDS)) {
                throw failed(op, "did not end within " + timeout + "; it and what it started were killed", errors);
            }
            // Who inherited the streams may keep them open; the process itself has said all.
            output.join(AFTER_KILL.toMillis());
            errors.join(AFTER_KILL.toMillis());
            if (output.tooMuch) {
                throw failed(op, "said more than " + maxOutput + " bytes", errors);
            }
            if (process.exitValue() != 0) {
                throw failed(op, "ended with " + process.exitValue(), errors);
            }
            return output.bytes();
        } finally {
            kill(process);
        }
    }

    private Process start(String op) {
        ProcessBuilder builder = new ProcessBuilder(command);
        if (directory != null) {
            builder.directory(directory.toFile());
        }
        Map<String, String> seen = builder.environment();
        seen.keySet().removeIf(name -> !ALWAYS.contains(name) && !environment.contains(name));
        try {
            return builder.start();
        } catch (IOException e) {
            throw new EventsException(
                    ErrorCode.PROVIDER_UNAVAILABLE,
                    "command " + command.get(0) + " cannot be started for " + op + ": " + e.getMessage(),
                    e);
        }
    }

    private EventsException failed(String op, String what, Output errors) {
        // One line tells what is wrong; more might tell what was in the event.
        String said = new String(errors.bytes(), StandardCharsets.UTF_8)
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .findFirst()
                .map(line -> line.length() > MAX_LINE ? line.substring(0, MAX_LINE) + "…" : line)
                .orElse("");
        return new EventsException(
                ErrorCode.OUTCOME_UNKNOWN,
                "command " + command.get(0) + " " + what + " at " + op + (said.isEmpty() ? "" : "; it said: " + said));
    }

    private static void write(Process process, byte[] request) {
        try (OutputStream in = process.getOutputStream()) {
            in.write(request);
        } catch (IOException unheard) {
            // A command that does not want to hear all of it has its own way to say so: its answer or its status.
        }
    }

    private static void kill(Process process) {
        List<ProcessHandle> tree = process.descendants().toList();
        process.destroyForcibly();
        tree.forEach(ProcessHandle::destroyForcibly);
    }

    /** Reads a stream to its end, so that nobody has to wait who writes there; keeps what is within the limit. */
    private static final class Output extends Thread {
        private final InputStream in;
        private final int most;
        private final @Nullable Process ended;
        private final ByteArrayOutputStream kept = new ByteArrayOutputStream();
        volatile boolean tooMuch;

        /** @param ended is killed when there is more than the limit; null to read on */
        Output(InputStream in, int most, @Nullable Process ended) {
            super("process-output");
            this.in = in;
            this.most = most;
            this.ended = ended;
        }

        @Override
        public void run() {
            byte[] buffer = new byte[1 << 13];
            try (in) {
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    synchronized (this) {
                        int room = Math.min(n, most - kept.size());
                        kept.write(buffer, 0, room);
                        tooMuch |= room < n;
                    }
                    if (tooMuch && ended != null) {
                        kill(ended);
                    }
                }
            } catch (IOException closed) {
                // Killed; what was said before is kept.
            }
        }

        synchronized byte[] bytes() {
            return kept.toByteArray();
        }
    }
}
