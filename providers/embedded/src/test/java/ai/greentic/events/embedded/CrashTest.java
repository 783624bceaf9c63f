package ai.greentic.events.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Processes that are killed at any instant, and a ledger of what they said. {@code -Dcrash.seed=N} repeats a run's choices. */
class CrashTest {
    private static final int KILLS = Integer.getInteger("crash.kills", 24);

    @TempDir
    Path directory;

    private final Ledger ledger = new Ledger();

    /** What all processes said, in the order in which it was read. */
    private static final class Ledger {
        final Set<String> tried = new HashSet<>();
        final Set<String> accepted = new HashSet<>();
        final Map<String, Integer> got = new HashMap<>();
        final Set<String> settled = new HashSet<>();
        final Map<String, Long> newestOfKey = new HashMap<>();
        final Map<String, List<Long>> acceptedOfKey = new HashMap<>();
        final List<String> wrong = new ArrayList<>();
        int failed;

        synchronized void read(String line) {
            int space = line.indexOf(' ');
            String what = space < 0 ? "" : line.substring(space + 1);
            switch (space < 0 ? line : line.substring(0, space)) {
                case "try" -> tried.add(what);
                case "accepted" -> accepted.add(what);
                case "failed" -> failed++;
                case "got" -> got(what);
                case "settled" -> settled.add(what);
                default -> {}
            }
        }

        private void got(String what) {
            if (settled.contains(what)) {
                wrong.add("delivered again after it was settled: " + what);
            }
            if (got.merge(what, 1, Integer::sum) > 1) {
                return;
            }
            String[] parts = what.split(" ");
            // A number's first delivery comes after the first deliveries of all smaller ones of its key and publisher.
            String line = parts[0] + "/" + Long.parseLong(parts[1]) / Proc.NUMBERS;
            long number = Long.parseLong(parts[1]);
            Long newest = newestOfKey.put(line, number);
            if (newest != null && newest > number) {
                wrong.add("out of order: " + what + " after " + newest);
            }
        }

        synchronized int open() {
            Set<String> left = new HashSet<>(accepted);
            left.removeAll(settled);
            return left.size();
        }
    }

    /** A child JVM. */
    private final class Proc {
        static final long NUMBERS = 1_000_000_000L;

        final Process process;
        final Thread reader;
        volatile boolean ready;

        Proc(String role, int number, long seed) throws IOException {
            process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-Xmx128m",
                            "-XX:TieredStopAtLevel=1",
                            "-XX:+UseSerialGC",
                            "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
                            "-cp",
                            System.getProperty("java.class.path"),
                            Worker.class.getName(),
                            role,
                            directory.toString(),
                            Long.toString(number * NUMBERS),
                            Long.toString(seed))
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            reader = new Thread(this::read, "reader");
            reader.start();
        }

        private void read() {
            try (BufferedReader lines =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                String line = lines.readLine();
                while (line != null) {
                    String next = lines.readLine();
                    // The last line may be torn by the kill.
                    if (next != null || !process.isAlive() && line.split(" ").length == 3 || process.isAlive()) {
                        ready |= line.equals("ready");
                        ledger.read(line);
                    }
                    line = next;
                }
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }

        void kill() throws InterruptedException {
            process.destroyForcibly().waitFor();
            reader.join();
        }

        void end() throws IOException, InterruptedException {
            process.getOutputStream().write('\n');
            process.getOutputStream().close();
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            reader.join();
        }
    }

    @Test
    @Timeout(300)
    void P1_P9_killedPublishersAndConsumersLoseNothing() throws Exception {
        long seed = Long.getLong("crash.seed", System.nanoTime());
        System.out.println("crash.seed=" + seed);
        Random random = new Random(seed);
        String[] roles = {"publish", "publish", "consume", "consume", "both"};
        Proc[] procs = new Proc[roles.length];
        int started = 0;
        for (int i = 0; i < roles.length; i++) {
            procs[i] = new Proc(roles[i], started++, random.nextLong());
        }
        for (int kill = 0; kill < KILLS; kill++) {
            int victim = random.nextInt(roles.length);
            for (int waited = 0; !procs[victim].ready && waited < 300; waited++) {
                Thread.sleep(100);
            }
            Thread.sleep(random.nextInt(600));
            procs[victim].kill();
            procs[victim] = new Proc(roles[victim], started++, random.nextLong());
        }
        for (int i = 0; i < roles.length; i++) {
            if (!roles[i].equals("consume")) {
                procs[i].end();
            }
        }
        for (int waited = 0; ledger.open() > 0 && waited < 600; waited++) {
            Thread.sleep(100);
        }
        for (int i = 0; i < roles.length; i++) {
            if (roles[i].equals("consume")) {
                procs[i].end();
            }
        }
        Set<String> lost = new HashSet<>(ledger.accepted);
        lost.removeAll(ledger.got.keySet());
        Set<String> unexpected = new HashSet<>(ledger.got.keySet());
        unexpected.removeAll(ledger.tried);
        long duplicates =
                ledger.got.values().stream().mapToLong(times -> times - 1).sum();
        System.out.println("killed " + KILLS + ", tried " + ledger.tried.size() + ", accepted "
                + ledger.accepted.size() + ", failed " + ledger.failed + ", delivered " + ledger.got.size()
                + ", settled " + ledger.settled.size() + ", lost " + lost.size() + ", unexpected " + unexpected.size()
                + ", duplicates " + duplicates + ", wrong " + ledger.wrong.size());
        assertThat(lost).isEmpty();
        assertThat(unexpected).isEmpty();
        assertThat(ledger.wrong).isEmpty();
        assertThat(ledger.failed).isZero();
        assertThat(ledger.open()).isZero();
        assertThat(EmbeddedStore.examine(directory, false).problems()).isEmpty();
    }
}
