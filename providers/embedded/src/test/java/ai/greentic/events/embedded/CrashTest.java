package ai.greentic.events.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.Payload;
import ai.greentic.events.StartAt;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.spi.Time;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Processes that are killed at any instant, and a ledger of what they said. {@code -Dcrash.seed=N} repeats a run's choices. */
class CrashTest {
    private static final int KILLS = Integer.getInteger("crash.kills", 24);

    /** Numbers that one process may give. */
    private static final long NUMBERS = 1_000_000_000L;

    @TempDir
    Path directory;

    @TempDir
    Path natives;

    private final Ledger ledger = new Ledger();
    private final List<Proc> procs = new ArrayList<>();

    /** A test that fails leaves nobody behind. */
    @AfterEach
    void endAll() throws InterruptedException {
        for (Proc proc : procs) {
            proc.process.toHandle().destroyForcibly();
            proc.process.waitFor();
            proc.reader.join();
        }
    }

    /** What all processes said, in the order in which it was read. */
    private static final class Ledger {
        final Set<String> tried = new HashSet<>();
        final Set<String> accepted = new HashSet<>();
        final Map<String, Integer> got = new HashMap<>();
        final Set<String> settled = new HashSet<>();
        private final List<Said> said = new ArrayList<>();
        int failed;

        /** What a process said of an event, and when. */
        private record Said(long nanos, boolean settled, String what) {}

        synchronized void read(String line) {
            int space = line.indexOf(' ');
            int at = line.lastIndexOf(" @");
            long nanos = at < 0 ? said.size() : Long.parseLong(line.substring(at + 2));
            String what = space < 0 ? "" : line.substring(space + 1, at < 0 ? line.length() : at);
            switch (space < 0 ? line : line.substring(0, space)) {
                case "try" -> tried.add(what);
                case "accepted" -> accepted.add(what);
                case "failed" -> failed++;
                case "got" -> {
                    got.merge(what, 1, Integer::sum);
                    said.add(new Said(nanos, false, what));
                }
                case "settled" -> {
                    settled.add(what);
                    said.add(new Said(nanos, true, what));
                }
                default -> {}
            }
        }

        synchronized Set<String> got() {
            return Set.copyOf(got.keySet());
        }

        synchronized Set<String> settled() {
            return Set.copyOf(settled);
        }

        /** What is wrong with the order in which everything happened. */
        synchronized List<String> wrong() {
            List<String> wrong = new ArrayList<>();
            Set<String> seen = new HashSet<>();
            Set<String> over = new HashSet<>();
            Map<String, Long> newestOfKey = new HashMap<>();
            said.sort(Comparator.comparingLong(Said::nanos));
            for (Said one : said) {
                if (one.settled) {
                    over.add(one.what);
                    continue;
                }
                if (over.contains(one.what)) {
                    wrong.add("delivered again after it was settled: " + one.what);
                }
                if (!seen.add(one.what)) {
                    continue;
                }
                String[] parts = one.what.split(" ", -1);
                // A number's first delivery comes after the first deliveries of all smaller ones of its key and
                // publisher.
                long number = Long.parseLong(parts[1]);
                Long newest = newestOfKey.put(parts[0] + "/" + number / NUMBERS, number);
                if (newest != null && newest > number) {
                    wrong.add("out of order: " + one.what + " after " + newest);
                }
            }
            return wrong;
        }
    }

    /** A child JVM. */
    private final class Proc {
        final Process process;
        final Thread reader;
        final Set<String> said = ConcurrentHashMap.newKeySet();

        /** What it said to have settled. */
        final Set<String> settled = ConcurrentHashMap.newKeySet();

        Proc(String role, long first) throws IOException {
            this(role, first, 0);
        }

        Proc(String role, long first, long seed) throws IOException {
            process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-Xmx128m",
                            // What a killed process leaves of its native library goes away with the test's folder.
                            "-Dorg.sqlite.tmpdir=" + natives,
                            "-XX:TieredStopAtLevel=1",
                            "-XX:+UseSerialGC",
                            "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
                            "-cp",
                            System.getProperty("java.class.path"),
                            Worker.class.getName(),
                            role,
                            directory.toString(),
                            Long.toString(first),
                            Long.toString(seed))
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            reader = new Thread(this::read, "reader");
            reader.start();
            procs.add(this);
        }

        private void read() {
            try (BufferedReader lines =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                // A line goes through the pipe whole or not at all.
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    if (line.indexOf(' ') < 0) {
                        said.add(line);
                    }
                    if (line.startsWith("settled ")) {
                        settled.add(line.substring("settled ".length(), line.lastIndexOf(" @")));
                    }
                    ledger.read(line);
                }
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }

        void await(String word) throws InterruptedException {
            until("the process says " + word, () -> said.contains(word) || !process.isAlive());
            assertThat(said).as("a process that ended by itself").contains(word);
        }

        /** Sends a signal by its name. */
        void signal(String name) throws IOException, InterruptedException {
            assertThat(new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                            .inheritIO()
                            .start()
                            .waitFor())
                    .isZero();
        }

        /** A line on its standard input. */
        void tell() throws IOException {
            process.getOutputStream().write('\n');
            process.getOutputStream().flush();
        }

        void kill() throws InterruptedException {
            // Not Process.destroyForcibly, which closes the pipe with what is still in it.
            assertThat(process.toHandle().destroyForcibly()).isTrue();
            process.waitFor();
            reader.join();
        }

        void end() throws IOException, InterruptedException {
            tell();
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
        Proc[] running = new Proc[roles.length];
        int started = 0;
        for (int i = 0; i < roles.length; i++) {
            running[i] = new Proc(roles[i], NUMBERS * started++, random.nextLong());
        }
        for (int kill = 0; kill < KILLS; kill++) {
            int victim = random.nextInt(roles.length);
            running[victim].await("ready");
            Thread.sleep(random.nextInt(600));
            running[victim].kill();
            running[victim] = new Proc(roles[victim], NUMBERS * started++, random.nextLong());
        }
        for (int i = 0; i < roles.length; i++) {
            if (!roles[i].equals("consume")) {
                running[i].end();
            }
        }
        awaitAllSettled();
        for (int i = 0; i < roles.length; i++) {
            if (roles[i].equals("consume")) {
                running[i].end();
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
                + ", duplicates " + duplicates + ", wrong " + ledger.wrong().size());
        assertThat(lost).isEmpty();
        assertThat(unexpected).isEmpty();
        assertThat(ledger.wrong()).isEmpty();
        assertThat(ledger.failed).isZero();
        assertThat(EmbeddedStore.examine(directory, false).problems()).isEmpty();
    }

    /** Provider away, events queued, process killed, provider back. */
    @Test
    @Timeout(300)
    void P1_P6_queuedEventsSurviveTheProcessAndGoOutInOrder() throws Exception {
        int count = Integer.getInteger("forward.events", 3_000);
        long began = System.nanoTime();
        Proc away = new Proc("forward", count);
        away.await("queued");
        away.kill();
        assertThat(ledger.accepted).hasSize(count);
        assertThat(ledger.failed).isZero();
        assertThat(ledger.got).isEmpty();
        Proc up = new Proc("forward-up", 0);
        until("half of the events are sent", () -> ledger.got().size() >= count / 2);
        up.kill();
        int half = ledger.got.size();
        Proc again = new Proc("forward-up", 0);
        until("all events are sent", () -> ledger.got().size() >= count);
        try (EmbeddedStore store = EmbeddedStore.open(directory, Time.system())) {
            until("nothing waits", () -> store.forwards().waiting("remote") == 0);
        }
        again.end();
        long duplicates =
                ledger.got.values().stream().mapToLong(times -> times - 1).sum();
        System.out.println("queued " + count + ", killed, sent " + half + ", killed, sent in all " + ledger.got.size()
                + ", duplicates " + duplicates + ", wrong " + ledger.wrong().size() + ", "
                + (System.nanoTime() - began) / 1_000_000 + " ms");
        assertThat(ledger.got.keySet()).isEqualTo(ledger.accepted);
        assertThat(ledger.wrong()).isEmpty();
        assertThat(duplicates).isLessThanOrEqualTo(256);
        assertThat(half).isLessThan(count);
    }

    /** A redrive that is killed half way goes on where it was. */
    @Test
    @Timeout(300)
    void P2_aKilledRedrivePutsEachLetterBackOnce() throws Exception {
        int count = Integer.getInteger("redrive.letters", 2_000);
        try (Rig rig = new Rig(directory)) {
            for (int i = 0; i < count; i++) {
                EventEnvelope event = EventEnvelope.builder(Worker.TENANT, "crash.x")
                        .id("evt-" + i)
                        .type("t")
                        .source("s")
                        .time(Instant.parse("2026-01-01T00:00:00Z"))
                        .payload(Payload.of("k" + i % 16 + " " + i))
                        .orderingKey("k" + i % 16)
                        .build();
                rig.store
                        .deadLetters()
                        .put(DeadLetter.builder(
                                        new DeadLetterId(String.format("dl-%08d", i)),
                                        event.address(),
                                        EnvelopeCodec.STANDARD.encode(event),
                                        "local",
                                        Instant.now())
                                .eventId(event.id())
                                .subscription("g", true)
                                .cause(ErrorCode.HANDLER_FAILED, "it was broken")
                                .build());
            }
            var unused = rig.subscribe(Worker.TENANT, "g", "crash.*", StartAt.NEW);
        }
        long began = System.nanoTime();
        Proc first = new Proc("redrive", 0);
        try (EmbeddedStore store = EmbeddedStore.open(directory, Time.system())) {
            until("half of the letters are put back", () -> letters(store) <= count / 2);
            first.kill();
            long left = letters(store);
            assertThat(left).isBetween(1L, (long) count / 2);
            Proc second = new Proc("redrive", 0);
            assertThat(second.process.waitFor(120, TimeUnit.SECONDS)).isTrue();
            second.reader.join();
            assertThat(store.deadLetters().list(Worker.TENANT.tenant(), DeadLetterFilter.ALL, null, 1))
                    .isEmpty();
            Proc consumer = new Proc("consume", 0);
            until("all are settled", () -> ledger.settled().size() >= count);
            consumer.end();
            System.out.println("redrove " + count + " letters, killed with " + left + " left; delivered "
                    + ledger.got.size() + " " + (System.nanoTime() - began) / 1_000_000 + " ms");
        }
        assertThat(ledger.got).hasSize(count);
        assertThat(ledger.got.values()).containsOnly(1);
        assertThat(ledger.wrong()).isEmpty();
    }

    private static long letters(EmbeddedStore store) {
        return store.deadLetters()
                .groups(Worker.TENANT.tenant(), DeadLetterFilter.ALL)
                .get(0)
                .count();
    }

    /**
     * A process that stands still loses its shards to the others, which go on; when it wakes, nothing that it still says counts, and it
     * gets a share again.
     */
    @Test
    @Timeout(120)
    void P9_aProcessThatStandsStillIsPassedOverAndComesBack() throws Exception {
        Proc still = new Proc("stand", 0);
        still.await("ready");
        try (EventBus bus = Buses.on(directory).build()) {
            publish(bus, 0);
            until("it holds all keys", () -> ledger.got().size() == Worker.KEYS);
            stopBetweenTurns(still, bus);
            Proc other = new Proc("take-over", 0);
            until("the other has them", () -> ledger.settled().size() == Worker.KEYS);
            assertThat(ledger.got.values()).containsOnly(2);
            // Its handlers end as soon as it wakes, before it knows: what they no longer hold, they must not settle.
            still.tell();
            still.signal("CONT");
            still.await("resumed");
            // It is back when it settles events again.
            int round = 1;
            while (still.settled.isEmpty()) {
                publish(bus, NUMBERS * round++);
                int expected = Worker.KEYS * round;
                until("round " + round + " is settled", () -> ledger.settled().size() == expected);
                assertThat(round).as("rounds without it").isLessThan(200);
            }
            still.end();
            other.end();
            System.out.println("rounds until it was back: " + round + ", wrong "
                    + ledger.wrong().size());
            assertThat(still.settled).noneMatch(what -> Long.parseLong(what.split(" ", -1)[1]) < NUMBERS);
        }
        assertThat(ledger.wrong()).isEmpty();
        assertThat(ledger.got()).isEqualTo(ledger.settled());
        assertThat(EmbeddedStore.examine(directory, false).problems()).isEmpty();
    }

    private static void publish(EventBus bus, long number) throws InterruptedException {
        for (int key = 0; key < Worker.KEYS; key++) {
            String what = "k" + key + " " + (number + key);
            var unused = bus.publish(bus.newEvent(Worker.TENANT, "crash.x")
                    .orderingKey("k" + key)
                    .payload(Payload.of(what))
                    .build());
        }
    }

    /** Stops a process while it does not hold the turn of writers, which nobody else could then take. */
    private static void stopBetweenTurns(Proc proc, EventBus bus) throws Exception {
        for (int attempt = 0; attempt < 20; attempt++) {
            proc.signal("STOP");
            var probe = bus.publishAsync(bus.newEvent(Worker.TENANT, "probe.x")
                    .payload(Payload.of("p"))
                    .build());
            try {
                var unused = probe.get(3, TimeUnit.SECONDS);
                return;
            } catch (TimeoutException e) {
                proc.signal("CONT");
            }
        }
        throw new AssertionError("the process held the turn each time");
    }

    /** Waits for what other processes do; there is no clock of theirs to turn. */
    private static void until(String what, BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("not within a minute: " + what).isLessThan(end);
            Thread.sleep(10);
        }
    }

    /** What a killed consumer settled without having said so is settled all the same, so the store is asked. */
    private void awaitAllSettled() throws InterruptedException {
        try (EmbeddedStore store = EmbeddedStore.open(directory, Time.system())) {
            until(
                    "everything is settled",
                    () -> store.groups(Worker.TENANT.tenant()).stream()
                            .allMatch(group -> group.lag() + group.open() == 0));
        }
    }
}
