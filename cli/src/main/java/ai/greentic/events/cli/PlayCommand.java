package ai.greentic.events.cli;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "play",
        description = {
            "Start a server of your own to play with, for this machine alone, and print the settings that lead to it.",
            "Runs until it is interrupted. The server's program must be there: nats-server, or Kafka's bin directory."
        },
        mixinStandardHelpOptions = true)
final class PlayCommand implements Callable<Integer> {
    private static final Duration START = Duration.ofSeconds(60);

    enum Server {
        NATS,
        KAFKA;

        /** As it is written. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "SERVER", description = "nats or kafka.")
    private Server server;

    @Option(
            names = "--port",
            paramLabel = "N",
            description = "Port to listen on; default 4222 for nats, 9092 for kafka.")
    private @Nullable Integer port;

    @Option(names = "--for", paramLabel = "TIME", description = "End after this time, for example 10m.")
    private @Nullable String time;

    @SuppressWarnings("NullAway.Init")
    PlayCommand() {}

    @Override
    public Integer call() throws Exception {
        PrintWriter out = spec.commandLine().getOut();
        Path directory =
                Main.common(spec).settings().stateDirectory().resolve("play").resolve(word());
        Files.createDirectories(directory);
        int listening = port != null ? port : server == Server.NATS ? 4222 : 9092;
        refuseIfTaken(listening);
        Duration end = time == null ? null : CommonOptions.duration("--for", time);
        Process process = new ProcessBuilder(
                        server == Server.NATS ? nats(directory, listening) : kafka(directory, listening))
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("log").toFile())
                .start();
        Thread ending = new Thread(process::destroy, "play");
        Runtime.getRuntime().addShutdownHook(ending);
        try {
            awaitAnswer(process, listening, directory);
            out.println(word() + " listens on 127.0.0.1:" + listening + "; its files and its log are in " + directory
                    + "; " + (time == null ? "Ctrl-C ends it." : "it ends in " + time + "."));
            out.println("Settings that lead there, for each provider of a pack that is to use it:");
            out.println();
            out.println("  [events.providers.NAME]");
            out.println("  transport = \"" + word() + "\"");
            out.println(
                    server == Server.NATS
                            ? "  url = \"nats://127.0.0.1:" + listening + "\""
                            : "  servers = \"127.0.0.1:" + listening + "\"");
            out.flush();
            if (end == null) {
                process.waitFor();
            } else if (!process.waitFor(end.toMillis(), TimeUnit.MILLISECONDS)) {
                return 0;
            }
            throw new EventsException(
                    ErrorCode.PROVIDER_UNAVAILABLE,
                    word() + " ended by itself with status " + process.exitValue() + "; see "
                            + directory.resolve("log"));
        } finally {
            process.destroy();
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        }
    }

    private String word() {
        return server.toString();
    }

    private void refuseIfTaken(int listening) {
        if (answers(listening)) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT,
                    "port " + listening + " of this machine is taken; choose another one with --port");
        }
    }

    private static boolean answers(int port) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    private void awaitAnswer(Process process, int listening, Path directory) throws InterruptedException {
        long end = System.nanoTime() + START.toNanos();
        while (!answers(listening)) {
            if (process.waitFor(100, TimeUnit.MILLISECONDS) || System.nanoTime() > end) {
                throw new EventsException(
                        ErrorCode.PROVIDER_UNAVAILABLE, word() + " did not start; see " + directory.resolve("log"));
            }
        }
    }

    private static List<String> nats(Path directory, int port) {
        Map<String, String> environment = System.getenv();
        String tools = environment.containsKey("GREENTIC_EVENTS_TOOLS")
                ? environment.get("GREENTIC_EVENTS_TOOLS")
                : (environment.containsKey("XDG_CACHE_HOME")
                                ? environment.get("XDG_CACHE_HOME")
                                : System.getProperty("user.home") + "/.cache")
                        + "/greentic-events";
        Path program = program(
                "nats-server",
                Stream.of(environment.getOrDefault("NATS_SERVER", ""), tools + "/nats-server/usr/sbin/nats-server"),
                "install the package nats-server of version 2.11 or newer, or say where it is with NATS_SERVER");
        return List.of(
                program.toString(),
                "--addr",
                "127.0.0.1",
                "--port",
                Integer.toString(port),
                "--jetstream",
                "--store_dir",
                directory.resolve("store").toString());
    }

    private static List<String> kafka(Path directory, int port) throws IOException, InterruptedException {
        String home = System.getenv().getOrDefault("KAFKA_HOME", "");
        Stream<String> own = home.isEmpty() ? Stream.empty() : Stream.of(home + "/bin/kafka-server-start.sh");
        Path start = program(
                "kafka-server-start.sh", own, "unpack a release of Apache Kafka and say where it is with KAFKA_HOME");
        Path settings = directory.resolve("server.properties");
        int controller = port + 1;
        Files.writeString(
                settings,
                String.join(
                        "\n",
                        "process.roles=broker,controller",
                        "node.id=1",
                        "controller.quorum.voters=1@127.0.0.1:" + controller,
                        "listeners=PLAINTEXT://127.0.0.1:" + port + ",CONTROLLER://127.0.0.1:" + controller,
                        "advertised.listeners=PLAINTEXT://127.0.0.1:" + port,
                        "controller.listener.names=CONTROLLER",
                        "log.dirs=" + directory.resolve("store"),
                        "offsets.topic.replication.factor=1",
                        "transaction.state.log.replication.factor=1",
                        "transaction.state.log.min.isr=1",
                        "share.coordinator.state.topic.replication.factor=1",
                        "share.coordinator.state.topic.min.isr=1",
                        "group.initial.rebalance.delay.ms=0",
                        "auto.create.topics.enable=false",
                        ""));
        Path storage = start.resolveSibling("kafka-storage.sh");
        Process format = new ProcessBuilder(
                        storage.toString(),
                        "format",
                        "--ignore-formatted",
                        "--cluster-id",
                        "Z3JlZW50aWMtZXZlbnRzLQ",
                        "--config",
                        settings.toString())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("log").toFile())
                .start();
        if (format.waitFor() != 0) {
            throw new EventsException(
                    ErrorCode.PROVIDER_UNAVAILABLE,
                    storage + " could not prepare " + directory + "; see " + directory.resolve("log"));
        }
        return List.of(start.toString(), settings.toString());
    }

    /** The first of these that is there, else the one on the path. */
    private static Path program(String name, Stream<String> candidates, String remedy) {
        List<Path> all = new ArrayList<>(
                candidates.filter(path -> !path.isEmpty()).map(Path::of).toList());
        for (String place : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator, -1)) {
            all.add(Path.of(place, name));
        }
        return all.stream()
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> new EventsException(
                        ErrorCode.INVALID_CONFIGURATION, "there is no " + name + " on this machine: " + remedy));
    }
}
