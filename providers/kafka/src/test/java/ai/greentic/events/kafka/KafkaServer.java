package ai.greentic.events.kafka;

import ai.greentic.events.conformance.TestCertificate;
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
    /** To how many KiB any of its files may grow; 0 for no limit. */
    private int fileKib;

    /**
     * @param advertised port under which clients are to reach it; 0 for its own
     * @param more lines of its configuration
     */
    KafkaServer(Path directory, int port, int advertised, String... more) throws Exception {
        this(directory, port, advertised, List.of(freePort()), 1, more);
        start();
    }

    /** A broker that asks for a password on a second port. */
    static KafkaServer withPassword(Path directory, int guarded, String user, String password) throws Exception {
        return withSecond(
                directory,
                "SASL_PLAINTEXT",
                guarded,
                "sasl.enabled.mechanisms=PLAIN",
                "listener.name.sasl_plaintext.plain.sasl.jaas.config="
                        + "org.apache.kafka.common.security.plain.PlainLoginModule required user_" + user + "=\""
                        + password
                        + "\";");
    }

    /** A broker that encrypts on a second port, where it asks for the certificate of a client that it knows. */
    static KafkaServer encrypted(Path directory, int encrypted, TestCertificate own, TestCertificate client)
            throws Exception {
        String ssl = "listener.name.ssl.ssl.";
        return withSecond(
                directory,
                "SSL",
                encrypted,
                ssl + "keystore.type=PEM",
                ssl + "keystore.certificate.chain=" + line(own.certificate()),
                ssl + "keystore.key=" + line(own.key()),
                ssl + "truststore.type=PEM",
                ssl + "truststore.certificates=" + line(client.certificate()),
                ssl + "client.auth=required");
    }

    private static KafkaServer withSecond(Path directory, String protocol, int second, String... more)
            throws Exception {
        int port = freePort();
        List<Integer> controllers = List.of(freePort());
        String listeners = "PLAINTEXT://127.0.0.1:" + port + "," + protocol + "://127.0.0.1:" + second;
        List<String> lines = new ArrayList<>(List.of(
                "listeners=" + listeners + ",CONTROLLER://127.0.0.1:" + controllers.get(0),
                "advertised.listeners=" + listeners,
                "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT," + protocol + ":"
                        + protocol));
        lines.addAll(List.of(more));
        KafkaServer broker = new KafkaServer(directory, port, 0, controllers, 1, lines.toArray(new String[0]));
        broker.start();
        return broker;
    }

    /** A broker that cannot write any file beyond a size, which to it is a full disk. */
    static KafkaServer withSmallDisk(Path directory, int fileKib) throws Exception {
        KafkaServer broker = new KafkaServer(directory, freePort(), 0, List.of(freePort()), 1);
        broker.fileKib = fileKib;
        broker.start();
        return broker;
    }

    /** Gives the broker the room that it lacked, from its next start on. */
    void enlargeDisk() {
        fileKib = 0;
    }

    boolean isAlive() {
        return process != null && process.isAlive();
    }

    private static String line(String pem) {
        return pem.replace("\n", "\\n");
    }

    /** Brokers that are one cluster, each with a copy of everything. */
    static List<KafkaServer> cluster(Path directory, int brokers) throws Exception {
        List<Integer> controllers = new ArrayList<>();
        for (int i = 0; i < brokers; i++) {
            controllers.add(freePort());
        }
        List<KafkaServer> cluster = new ArrayList<>();
        for (int id = 1; id <= brokers; id++) {
            Path own = Files.createDirectories(directory.resolve("broker" + id));
            cluster.add(new KafkaServer(
                    own,
                    freePort(),
                    0,
                    controllers,
                    id,
                    "default.replication.factor=" + brokers,
                    "min.insync.replicas=2"));
        }
        for (KafkaServer broker : cluster) {
            broker.launch();
        }
        for (KafkaServer broker : cluster) {
            broker.awaitAnswer();
        }
        return cluster;
    }

    private KafkaServer(Path directory, int port, int advertised, List<Integer> controllers, int id, String... more)
            throws Exception {
        this.directory = directory;
        this.port = port;
        List<String> voters = new ArrayList<>();
        for (int i = 0; i < controllers.size(); i++) {
            voters.add((i + 1) + "@127.0.0.1:" + controllers.get(i));
        }
        int copies = controllers.size();
        Files.writeString(
                directory.resolve("server.properties"),
                String.join(
                                "\n",
                                "process.roles=broker,controller",
                                "node.id=" + id,
                                "controller.quorum.voters=" + String.join(",", voters),
                                "listeners=PLAINTEXT://127.0.0.1:" + port + ",CONTROLLER://127.0.0.1:"
                                        + controllers.get(id - 1),
                                "advertised.listeners=PLAINTEXT://127.0.0.1:" + (advertised == 0 ? port : advertised),
                                "controller.listener.names=CONTROLLER",
                                "log.dirs=" + directory.resolve("log"),
                                "offsets.topic.replication.factor=" + copies,
                                "offsets.topic.num.partitions=4",
                                "transaction.state.log.replication.factor=1",
                                "transaction.state.log.min.isr=1",
                                "share.coordinator.state.topic.replication.factor=1",
                                "share.coordinator.state.topic.min.isr=1",
                                "group.initial.rebalance.delay.ms=0",
                                "group.min.session.timeout.ms=500",
                                "broker.session.timeout.ms=3000",
                                "broker.heartbeat.interval.ms=500",
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
    }

    static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }

    private Process run(String program, String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        if (fileKib > 0) {
            command.addAll(List.of("bash", "-c", "ulimit -f " + fileKib + "; exec \"$@\"", "bash"));
        }
        command.addAll(List.of(
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
        launch();
        awaitAnswer();
    }

    private void launch() throws IOException {
        process = run("kafka.Kafka", directory.resolve("server.properties").toString());
    }

    private void awaitAnswer() throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!answers()) {
            if (System.nanoTime() > end || process == null || !process.isAlive()) {
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
