package ai.greentic.events.oci;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A real registry in a process of its own on loopback, and what a pusher says to it. */
final class RegistryServer {
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    final int port;
    private final Path store;
    private final Process process;

    /** A layer to push. */
    static final class Blob {
        private final String mediaType;
        private final String title;
        private final byte[] bytes;

        Blob(String mediaType, String title, byte[] bytes) {
            this.mediaType = mediaType;
            this.title = title;
            this.bytes = bytes;
        }

        byte[] bytes() {
            return bytes;
        }

        String digest() {
            return RegistryServer.digest(bytes);
        }
    }

    RegistryServer(Path directory, String... more) throws Exception {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        store = directory.resolve("store");
        Path config = Files.writeString(
                directory.resolve("registry.yml"),
                "version: 0.1\nlog: {level: error}\nstorage:\n  filesystem: {rootdirectory: " + store
                        + "}\nhttp:\n  addr: 127.0.0.1:" + port + "\n" + String.join("\n", more) + "\n");
        process = new ProcessBuilder(program(), "serve", config.toString())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("registry.out").toFile())
                .start();
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!answers()) {
            if (System.nanoTime() > end || !process.isAlive()) {
                throw new IOException(
                        "the registry does not answer: " + Files.readString(directory.resolve("registry.out")));
            }
            Thread.onSpinWait();
        }
    }

    private static String program() throws IOException, InterruptedException {
        Path script = Path.of("../ci/docker_registry.sh");
        Process find = new ProcessBuilder(script.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String path = new String(find.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        if (find.waitFor() != 0) {
            throw new IOException("there is no docker-registry; see what " + script + " says");
        }
        return path;
    }

    private boolean answers() throws InterruptedException {
        try {
            int status = HTTP.send(HttpRequest.newBuilder(uri("/v2/")).build(), HttpResponse.BodyHandlers.discarding())
                    .statusCode();
            return status == 200 || status == 401;
        } catch (IOException e) {
            return false;
        }
    }

    private URI uri(String path) {
        return URI.create("http://127.0.0.1:" + port + path);
    }

    static String digest(byte[] bytes) {
        try {
            return "sha256:"
                    + HexFormat.of()
                            .formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Pushes an artifact as the usual tool does; returns its digest. */
    String push(String repository, String tag, Blob... layers) throws Exception {
        byte[] config = "{}".getBytes(StandardCharsets.UTF_8);
        blob(repository, config);
        List<String> parts = new ArrayList<>();
        for (Blob layer : layers) {
            blob(repository, layer.bytes);
            parts.add("{\"mediaType\":\"" + layer.mediaType + "\",\"digest\":\"" + layer.digest() + "\",\"size\":"
                    + layer.bytes.length
                    + ",\"annotations\":{\"org.opencontainers.image.title\":\"" + layer.title + "\"}}");
        }
        return manifest(
                repository,
                tag,
                "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
                        + "\"artifactType\":\"application/vnd.unknown.artifact.v1\",\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"digest\":\""
                        + digest(config) + "\",\"size\":2},\"layers\":[" + String.join(",", parts) + "]}",
                "application/vnd.oci.image.manifest.v1+json");
    }

    String manifest(String repository, String tag, String json, String type) throws Exception {
        HttpResponse<String> put = HTTP.send(
                HttpRequest.newBuilder(uri("/v2/" + repository + "/manifests/" + tag))
                        .header("Content-Type", type)
                        .PUT(HttpRequest.BodyPublishers.ofString(json))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        if (put.statusCode() != 201) {
            throw new IOException(put.statusCode() + " " + put.body());
        }
        return digest(json.getBytes(StandardCharsets.UTF_8));
    }

    private void blob(String repository, byte[] bytes) throws Exception {
        HttpResponse<String> begun = HTTP.send(
                HttpRequest.newBuilder(uri("/v2/" + repository + "/blobs/uploads/"))
                        .POST(HttpRequest.BodyPublishers.noBody())
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        URI to = uri("/").resolve(begun.headers().firstValue("Location").orElseThrow());
        URI with = URI.create(to + (to.getQuery() == null ? "?" : "&") + "digest=" + digest(bytes));
        HttpResponse<String> put = HTTP.send(
                HttpRequest.newBuilder(with)
                        .header("Content-Type", "application/octet-stream")
                        .PUT(HttpRequest.BodyPublishers.ofByteArray(bytes))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        if (put.statusCode() != 201) {
            throw new IOException(put.statusCode() + " " + put.body());
        }
    }

    /** The file in which the registry keeps a blob. */
    Path file(String digest) throws IOException {
        try (Stream<Path> all = Files.walk(store)) {
            return all.filter(path -> path.endsWith(digest.substring(7) + "/data"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }
}
