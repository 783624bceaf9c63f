package ai.greentic.events.conformance;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventId;
import ai.greentic.events.Payload;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.EventBusBuilder;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.spi.ProviderFactory;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A process that the kit starts and kills: {@code Participant FACTORY DIRECTORY ROLE TOPIC KEY=VALUE…}. Says on standard output, a line
 * each, what it is about to do and what has come of it.
 */
final class Participant {
    private static final int IN_FLIGHT = 32;
    private static final PrintStream OUT =
            new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.US_ASCII);

    private Participant() {}

    private static synchronized void say(String line) {
        OUT.print(line + "\n");
        if (OUT.checkError()) {
            // Nobody listens any more: the kit's process has ended.
            Runtime.getRuntime().halt(3);
        }
    }

    private static String coded(EventEnvelope event) {
        return Base64.getEncoder().encodeToString(EnvelopeCodec.STANDARD.encode(event));
    }

    public static void main(String[] args) throws Exception {
        var unused = new LogWatch(line -> {
            if (line.startsWith("ERROR")) {
                say("error " + Base64.getEncoder().encodeToString(line.getBytes(StandardCharsets.UTF_8)));
            }
        });
        ProviderFactory factory = Class.forName(args[0])
                .asSubclass(ProviderFactory.class)
                .getDeclaredConstructor()
                .newInstance();
        Map<String, String> settings = new LinkedHashMap<>();
        for (String setting : Arrays.asList(args).subList(4, args.length)) {
            int equals = setting.indexOf('=');
            settings.put(setting.substring(0, equals), setting.substring(equals + 1));
        }
        EventBusBuilder builder = EventBus.builder()
                .providerFactory(factory)
                .provider("kit", factory.transport(), "*")
                .providerSettings(null, "kit", settings);
        if (!args[1].isEmpty()) {
            builder.stateDirectory(Path.of(args[1]));
        }
        try (EventBus bus = builder.build()) {
            if (args[2].equals("publish")) {
                publish(bus, args[3]);
            } else {
                consume(bus, args[2].substring("consume ".length()), args[3]);
            }
        }
    }

    private static void publish(EventBus bus, String topic) throws InterruptedException {
        Semaphore room = new Semaphore(IN_FLIGHT);
        for (int i = 0; true; i++) {
            EventEnvelope event = bus.newEvent(Fabric.ACME, topic)
                    .orderingKey("k" + i % 16)
                    .payload(Payload.of(i))
                    .build();
            room.acquire();
            say("try " + coded(event));
            var unused = bus.publishAsync(event).whenComplete((receipt, failure) -> {
                say((failure == null ? "accepted " : "failed ") + event.id());
                room.release();
            });
        }
    }

    private static void consume(EventBus bus, String group, String topic) throws IOException {
        var unused = bus.subscribe(Fabric.ACME, topic, SubscribeOptions.group(group), delivery -> {
            say("got " + coded(delivery.event()));
            say("finished " + delivery.event().id());
            var unusedToo = delivery.settled().whenComplete((nothing, failure) -> {
                if (failure == null) {
                    say("settled " + delivery.event().id());
                }
            });
        });
        int unusedByte = System.in.read();
    }

    /**
     * A line of a child.
     *
     * @param word what it is about
     * @param text an event, or its id
     */
    record Line(String word, String text) {
        EventEnvelope event() {
            return EnvelopeCodec.STANDARD.decode(Base64.getDecoder().decode(text));
        }

        @Override
        public String toString() {
            return word + " "
                    + (word.equals("error")
                            ? new String(Base64.getDecoder().decode(text), StandardCharsets.UTF_8)
                            : text);
        }

        EventId id() {
            return new EventId(text);
        }
    }

    static Child start(Target target, String role, String topic) throws IOException {
        Path temporary = Files.createTempDirectory("kit-child");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Djava.io.tmpdir=" + temporary,
                "-Xmx128m",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                Participant.class.getName(),
                target.factory().getClass().getName(),
                target.stateDirectory() == null ? "" : target.stateDirectory().toString(),
                role,
                topic));
        target.settings().forEach((key, value) -> command.add(key + "=" + value));
        return new Child(
                new ProcessBuilder(command)
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start(),
                temporary);
    }

    /** A child process. */
    static final class Child implements AutoCloseable {
        private final Process process;
        private final Path temporary;
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        private @Nullable Thread reader;

        /** @param temporary its folder for what a killed process cannot remove, its libraries for example */
        Child(Process process, Path temporary) {
            this.process = process;
            this.temporary = temporary;
        }

        /** Reads its lines on a thread of its own; before that it may stop because nobody does. */
        void onLine(Consumer<Line> listener) {
            reader = new Thread(() -> read(listener), "kit-child");
            reader.start();
        }

        private void read(Consumer<Line> listener) {
            try (BufferedReader lines =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    int space = line.indexOf(' ');
                    // A line goes through the pipe whole or not at all.
                    if (space > 0 && failure.get() == null) {
                        tell(listener, new Line(line.substring(0, space), line.substring(space + 1)));
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private void tell(Consumer<Line> listener, Line line) {
            try {
                listener.accept(line);
            } catch (RuntimeException | AssertionError e) {
                failure.set(e);
            }
        }

        /** As {@code kill -9}; returns when everything that it said has been read. */
        void kill() throws InterruptedException {
            // Not Process.destroyForcibly, which closes the pipe with what is still in it.
            process.toHandle().destroyForcibly();
            process.waitFor();
            if (reader != null) {
                reader.join();
            }
            Throwable failed = failure.get();
            if (failed != null) {
                throw new AssertionError("what the child said", failed);
            }
        }

        @Override
        public void close() throws IOException {
            process.toHandle().destroyForcibly();
            process.onExit().join();
            try (Stream<Path> files = Files.walk(temporary)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }
}
