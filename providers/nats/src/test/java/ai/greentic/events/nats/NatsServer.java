package ai.greentic.events.nats;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A real server on a free port of loopback, which a test starts, stops, kills and starts again on its files. */
final class NatsServer {
    /** Every write is synced before it is answered for. */
    static final String SYNC_ALWAYS = "jetstream { sync_interval: always }";

    private final Path directory;
    private final Path store;
    private final Path config;
    final int port;
    private final int monitoring;
    private @Nullable Process process;

    /** @param more lines of its configuration */
    NatsServer(Path directory, String... more) throws IOException, InterruptedException {
        this(directory, directory.resolve("store"), more);
    }

    /** @param store where it keeps streams */
    NatsServer(Path directory, Path store, String... more) throws IOException, InterruptedException {
        this.directory = directory;
        this.store = store;
        this.config = directory.resolve("server.conf");
        configure(more);
        this.port = freePort();
        this.monitoring = freePort();
        start();
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }

    /** What holds from its next start on. */
    void configure(String... lines) throws IOException {
        Files.writeString(config, "server_name: test\n" + String.join("\n", lines) + "\n");
    }

    private static String program() throws IOException, InterruptedException {
        Path script = Path.of("../../ci/nats_server.sh");
        Process find = new ProcessBuilder(script.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String path = new String(find.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        if (find.waitFor() != 0) {
            throw new IOException("there is no nats-server; see what " + script + " says");
        }
        return path;
    }

    String url() {
        return "nats://127.0.0.1:" + port;
    }

    String monitoringUrl() {
        return "http://127.0.0.1:" + monitoring;
    }

    void start() throws IOException, InterruptedException {
        List<String> command = List.of(
                program(),
                "--config",
                config.toString(),
                "--addr",
                "127.0.0.1",
                "--port",
                Integer.toString(port),
                "--http_port",
                Integer.toString(monitoring),
                "--jetstream",
                "--store_dir",
                store.toString(),
                "--log",
                directory.resolve("server.log").toString());
        process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        directory.resolve("server.out").toFile()))
                .start();
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!answers()) {
            if (System.nanoTime() > end || !process.isAlive()) {
                throw new IOException(
                        "nats-server does not answer: " + Files.readString(directory.resolve("server.log")));
            }
            Thread.sleep(10);
        }
    }

    private boolean answers() {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(1_000);
            return socket.getInputStream().read() == 'I';
        } catch (IOException e) {
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
