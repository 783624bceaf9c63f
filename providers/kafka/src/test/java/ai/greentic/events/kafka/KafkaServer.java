package ai.greentic.events.kafka;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.jspecify.annotations.Nullable;

/** A real broker, which is its own controller, in a process of its own on loopback; a test starts, kills and starts it again on its files. */
final class KafkaServer {
    private static final String CLUSTER = "Z3JlZW50aWMtZXZlbnRzLQ";

    private final Path directory;
    final int port;
    private @Nullable Process process;

    /**
     * @param advertised port under which clients are to reach it; 0 for its own
     * @param more lines of its configuration
     */
    KafkaServer(Path directory, int port, int advertised, String... more) throws Exception {
        this.directory = directory;
        this.port = port;
        int controller = freePort();
        Files.writeString(
                directory.resolve("server.properties"),
                String.join(
                                "\n",
                                "process.roles=broker,controller",
                                "node.id=1",
                                "controller.quorum.voters=1@127.0.0.1:" + controller,
                                "listeners=PLAINTEXT://127.0.0.1:" + port + ",CONTROLLER://127.0.0.1:" + controller,
                                "advertised.listeners=PLAINTEXT://127.0.0.1:" + (advertised == 0 ? port : advertised),
                                "controller.listener.names=CONTROLLER",
                                "log.dirs=" + directory.resolve("log"),
                                "offsets.topic.replication.factor=1",
                                "offsets.topic.num.partitions=4",
                                "transaction.state.log.replication.factor=1",
                                "transaction.state.log.min.isr=1",
                                "share.coordinator.state.topic.replication.factor=1",
                                "share.coordinator.state.topic.min.isr=1",
                                "group.initial.rebalance.delay.ms=0",
                                "group.min.session.timeout.ms=500",
                                "auto.create.topics.enable=false",
                                "num.network.threads=2",
                                "num.io.threads=2")
                        + "\n" + String.join("\n", more) + "\n");
        Files.writeString(directory.resolve("logback.xml"), """
                <configuration>
                  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
                    <encoder><pattern>%d %level %logger{0}: %msg%n</pattern></encoder>
                  </appender>
                  <root level="WARN"><appender-ref ref="out"/></root>
                </configuration>
                """);
        Process format = run(
                "kafka.tools.StorageTool",
                "format",
                "--cluster-id",
                CLUSTER,
                "--config",
                directory.resolve("server.properties").toString());
        if (format.waitFor() != 0) {
            throw new IOException("the log was not formatted: " + output());
        }
        start();
    }

    static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }

    private Process run(String program, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx384m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dlogback.configurationFile=" + directory.resolve("logback.xml"),
                "-cp",
                System.getProperty("java.class.path"),
                program));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        directory.resolve("server.out").toFile()))
                .start();
    }

    private String output() throws IOException {
        return Files.readString(directory.resolve("server.out"));
    }

    String address() {
        return "127.0.0.1:" + port;
    }

    void start() throws Exception {
        Process started =
                run("kafka.Kafka", directory.resolve("server.properties").toString());
        process = started;
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!answers()) {
            if (System.nanoTime() > end || !started.isAlive()) {
                throw new IOException("the broker does not answer: " + output());
            }
            Thread.sleep(50);
        }
    }

    private boolean answers() throws Exception {
        try (java.net.Socket socket = new java.net.Socket(InetAddress.getLoopbackAddress(), port)) {
            if (!socket.isConnected()) {
                return false;
            }
        } catch (IOException e) {
            return false;
        }
        try (Admin admin = Admin.create(
                Map.of("bootstrap.servers", address(), "default.api.timeout.ms", 2_000, "request.timeout.ms", 1_000))) {
            return !admin.describeCluster().nodes().get(2, TimeUnit.SECONDS).isEmpty();
        } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
            return false;
        }
    }

    /** As {@code kill -9}. */
    void kill() throws InterruptedException {
        if (process != null) {
            process.destroyForcibly();
            process.waitFor();
        }
    }
}
