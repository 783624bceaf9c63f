package ai.greentic.events.benchmarks;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.SubscribeOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/**
 * The embedded store under load, beside a plain file that is appended and synced: {@code StoreLoad [DIRECTORY [SECONDS]]}. Each figure
 * of a row is taken in turn in one run, three times, and the median is shown, so that the ratio stands where the machine is noisy.
 * Events have 512 bytes of payload.
 */
final class StoreLoad {
    private static final TenantContext TENANT = TenantContext.of("bench", "acme");
    private static final String PAYLOAD = "\"" + "x".repeat(510) + "\"";
    private static final int ROUNDS = 3;

    private StoreLoad() {}

    /** Appends and syncs: what arrives while one sync runs goes with the next. */
    private static final class RawLog implements AutoCloseable {
        private final FileChannel file;
        private final ReentrantLock lock = new ReentrantLock();
        private final Condition synced = lock.newCondition();
        private final ByteBuffer bytes = ByteBuffer.allocateDirect(900);
        private long written;
        private long safe;
        private boolean syncing;

        RawLog(Path path) throws IOException {
            file = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        }

        void append() throws IOException {
            lock.lock();
            try {
                bytes.clear();
                int unused = file.write(bytes);
                long mine = ++written;
                while (safe < mine) {
                    if (syncing) {
                        synced.awaitUninterruptibly();
                        continue;
                    }
                    syncing = true;
                    long covers = written;
                    lock.unlock();
                    file.force(false);
                    lock.lock();
                    syncing = false;
                    safe = covers;
                    synced.signalAll();
                }
            } finally {
                lock.unlock();
            }
        }

        /** As one thread with a group in hand would: the fastest there is. */
        void appendGroup(ByteBuffer group) throws IOException {
            group.clear();
            int unused = file.write(group);
            file.force(false);
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }

    public static void main(String[] args) throws Exception {
        if (args.length > 0 && args[0].equals("--one-of-several")) {
            oneOfSeveral(Path.of(args[1]), Double.parseDouble(args[2]));
            return;
        }
        Path base = Path.of(args.length > 0 ? args[0] : "target");
        double seconds = args.length > 1 ? Double.parseDouble(args[1]) : 3;
        Files.createDirectories(base);
        for (int inFlight : new int[] {1, 1024}) {
            double unused = store(base, inFlight, 2 * seconds) + rawThreads(base, 64, 1);
        }
        System.out.println("in flight   raw threads/s   raw groups/s   store/s   of threads   of groups");
        for (int inFlight : new int[] {1, 64, 1024}) {
            double[] threads = new double[ROUNDS];
            double[] groups = new double[ROUNDS];
            double[] store = new double[ROUNDS];
            for (int round = 0; round < ROUNDS; round++) {
                threads[round] = rawThreads(base, inFlight, seconds);
                groups[round] = rawGroups(base, inFlight, seconds);
                store[round] = store(base, inFlight, seconds);
            }
            System.out.printf(
                    Locale.ROOT,
                    "%9d   %13.0f   %12.0f   %7.0f   %10.2f   %9.2f%n",
                    inFlight,
                    median(threads),
                    median(groups),
                    median(store),
                    median(store) / median(threads),
                    median(store) / median(groups));
        }
        System.out.println("end to end (publish, handle, ack)   in flight   events/s   p50 us   p99 us");
        for (int inFlight : new int[] {64, 1024}) {
            endToEnd(base, inFlight, seconds, 0, true);
        }
        double[] memory = new double[ROUNDS];
        double[] embedded = new double[ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            memory[round] = endToEnd(base, 256, seconds, 5000, false);
            embedded[round] = endToEnd(base, 256, seconds, 5000, true);
        }
        System.out.printf(
                Locale.ROOT, "p99 at 5000 a second beside memory's: %.1f%n", median(embedded) / median(memory));
        System.out.println("processes that publish, 256 in flight each   events/s, all together");
        for (int processes : new int[] {1, 2, 4}) {
            double[] rates = new double[ROUNDS];
            for (int round = 0; round < ROUNDS; round++) {
                rates[round] = several(base, processes, seconds);
            }
            System.out.printf(Locale.ROOT, "%44d   %8.0f%n", processes, median(rates));
        }
    }

    /** Child processes that publish into one directory at the same time; returns what they reach together. */
    private static double several(Path base, int processes, double seconds) throws Exception {
        Path directory = Files.createTempDirectory(base, "store");
        try {
            List<Process> children = new ArrayList<>();
            for (int i = 0; i < processes; i++) {
                children.add(new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java")
                                        .toString(),
                                "-Xmx512m",
                                "-cp",
                                System.getProperty("java.class.path"),
                                StoreLoad.class.getName(),
                                "--one-of-several",
                                directory.toString(),
                                Double.toString(seconds))
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start());
            }
            double sum = 0;
            for (Process child : children) {
                child.inputReader().readLine();
            }
            for (Process child : children) {
                child.getOutputStream().write('\n');
                child.getOutputStream().flush();
            }
            for (Process child : children) {
                sum += Double.parseDouble(child.inputReader().readLine());
                child.waitFor();
            }
            return sum;
        } finally {
            delete(directory);
        }
    }

    /** Warms up, says so, waits for a line, publishes for a while, says how many a second. */
    private static void oneOfSeveral(Path directory, double seconds) throws Exception {
        try (EventBus bus = bus(directory)) {
            double unused = publish(bus, 256, 3 * seconds);
            System.out.println("ready");
            int unusedToo = System.in.read();
            System.out.println(publish(bus, 256, seconds));
        }
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    private static double rawThreads(Path base, int inFlight, double seconds) throws Exception {
        Path directory = Files.createTempDirectory(base, "raw");
        AtomicLong count = new AtomicLong();
        try (RawLog log = new RawLog(directory.resolve("log"))) {
            long end = System.nanoTime() + (long) (seconds * 1e9);
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < inFlight; i++) {
                Thread thread = new Thread(() -> {
                    try {
                        while (System.nanoTime() < end) {
                            log.append();
                            count.incrementAndGet();
                        }
                    } catch (IOException e) {
                        throw new java.io.UncheckedIOException(e);
                    }
                });
                threads.add(thread);
            }
            threads.forEach(Thread::start);
            for (Thread thread : threads) {
                thread.join();
            }
        } finally {
            delete(directory);
        }
        return count.get() / seconds;
    }

    private static double rawGroups(Path base, int inFlight, double seconds) throws Exception {
        Path directory = Files.createTempDirectory(base, "raw");
        long count = 0;
        try (RawLog log = new RawLog(directory.resolve("log"))) {
            ByteBuffer group = ByteBuffer.allocateDirect(900 * inFlight);
            long end = System.nanoTime() + (long) (seconds * 1e9);
            while (System.nanoTime() < end) {
                log.appendGroup(group);
                count += inFlight;
            }
        } finally {
            delete(directory);
        }
        return count / seconds;
    }

    private static EventBus bus(Path directory) {
        return EventBus.builder()
                .provider("local", "embedded", "*")
                .stateDirectory(directory)
                .publishQueue(8192)
                .build();
    }

    private static EventEnvelope event(EventBus bus) {
        return bus.newEvent(TENANT, "bench.load").payload(Payload.json(PAYLOAD)).build();
    }

    private static double store(Path base, int inFlight, double seconds) throws Exception {
        Path directory = Files.createTempDirectory(base, "store");
        try (EventBus bus = bus(directory)) {
            return publish(bus, inFlight, seconds);
        } finally {
            delete(directory);
        }
    }

    /** Returns how many events a second were accepted. */
    private static double publish(EventBus bus, int inFlight, double seconds) throws Exception {
        AtomicLong count = new AtomicLong();
        long end = System.nanoTime() + (long) (seconds * 1e9);
        if (inFlight == 1) {
            while (System.nanoTime() < end) {
                var unused = bus.publish(event(bus));
                count.incrementAndGet();
            }
        } else {
            Semaphore room = new Semaphore(inFlight);
            while (System.nanoTime() < end) {
                room.acquire();
                var unused = bus.publishAsync(event(bus)).whenComplete((receipt, failure) -> {
                    if (failure == null) {
                        count.incrementAndGet();
                    } else {
                        failure.printStackTrace();
                    }
                    room.release();
                });
            }
            room.acquire(inFlight);
        }
        return count.get() / seconds;
    }

    /** Returns the 99th percentile of the time from a publish to its handler, in microseconds. */
    private static double endToEnd(Path base, int inFlight, double seconds, int rate, boolean stored) throws Exception {
        Path directory = Files.createTempDirectory(base, "store");
        try (EventBus bus = stored
                ? bus(directory)
                : EventBus.builder().provider("local", "memory", "*").build()) {
            AtomicLong handled = new AtomicLong();
            Semaphore room = new Semaphore(inFlight);
            List<Long> latencies = java.util.Collections.synchronizedList(new ArrayList<>());
            var subscription =
                    bus.subscribe(TENANT, "bench.*", SubscribeOptions.group("g").maxInFlight(4096), delivery -> {
                        long sent = Long.parseLong(delivery.event().metadata().get("sent"));
                        latencies.add(System.nanoTime() - sent);
                        handled.incrementAndGet();
                        room.release();
                    });
            long begun = System.nanoTime();
            long end = begun + (long) (seconds * 1e9);
            long sent = 0;
            while (System.nanoTime() < end) {
                if (rate > 0) {
                    long due = begun + sent * 1_000_000_000L / rate;
                    while (System.nanoTime() < due) {
                        Thread.sleep(0, 100_000);
                    }
                }
                room.acquire();
                EventEnvelope event = bus.newEvent(TENANT, "bench.load")
                        .metadata("sent", Long.toString(System.nanoTime()))
                        .payload(Payload.json(PAYLOAD))
                        .build();
                var unused = bus.publishAsync(event);
                sent++;
            }
            room.acquire(inFlight);
            double took = (System.nanoTime() - begun) / 1e9;
            long[] sorted =
                    latencies.stream().mapToLong(Long::longValue).sorted().toArray();
            System.out.printf(
                    Locale.ROOT,
                    "%34s   %9d   %8.0f   %6d   %6d%n",
                    rate == 0 ? "as fast as it goes" : rate + " a second" + (stored ? "" : ", in memory"),
                    inFlight,
                    handled.get() / took,
                    sorted[sorted.length / 2] / 1000,
                    sorted[sorted.length * 99 / 100] / 1000);
            subscription.close();
            return sorted[sorted.length * 99 / 100] / 1000.0;
        } finally {
            delete(directory);
        }
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
