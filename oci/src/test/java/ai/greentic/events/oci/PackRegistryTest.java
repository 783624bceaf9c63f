package ai.greentic.events.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.oci.RegistryServer.Blob;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against a real registry: what is there is fetched and kept, what is wrong is named, and nothing half-done stays. */
@Timeout(60)
class PackRegistryTest {
    private static final String PACK = "application/vnd.greentic.gtpack+zip";
    private static final byte[] BYTES = "not really a zip".getBytes(StandardCharsets.UTF_8);

    @TempDir
    static Path place;

    private static RegistryServer server;

    @TempDir
    Path cache;

    @BeforeAll
    static void start() throws Exception {
        server = new RegistryServer(place);
    }

    @AfterAll
    static void stop() throws InterruptedException {
        server.kill();
    }

    /** Whatever happened, nothing half-done is in the cache. */
    @AfterEach
    void nothingHalfDone() throws IOException {
        try (Stream<Path> all = Files.list(cache)) {
            assertThat(all.map(path -> path.getFileName().toString()))
                    .allMatch(name -> name.matches("sha(256|512)-[0-9a-f]+"));
        }
    }

    private PackRegistry registry() {
        return PackRegistry.withCache(cache);
    }

    private static String reference(String rest) {
        return "oci://127.0.0.1:" + server.port + "/" + rest;
    }

    private static List<String> files(Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            return all.filter(Files::isRegularFile)
                    .map(path -> directory.relativize(path).toString())
                    .sorted()
                    .toList();
        }
    }

    private void assertRefused(String reference, ErrorCode code, String why) {
        assertThatThrownBy(() -> registry().pull(reference))
                .isInstanceOfSatisfying(
                        EventsException.class,
                        e -> assertThat(e.code()).as(e.toString()).isEqualTo(code))
                .hasMessageContaining(why);
    }

    @Test
    void whatIsPublishedIsFetchedOnceAndKeptByItsDigest() throws Exception {
        String digest = server.push(
                "packs/events",
                "1.0",
                new Blob(PACK, "events-webhook.gtpack", BYTES),
                new Blob("application/octet-stream", "dist/packs/sms.gtpack", new byte[] {1, 2}),
                new Blob("text/plain", "README.md", new byte[] {3}));
        Path fetched = registry().pull(reference("packs/events:1.0"));
        assertThat(fetched).isEqualTo(cache.resolve(digest.replace(':', '-')));
        assertThat(files(fetched)).containsExactly("dist/packs/sms.gtpack", "events-webhook.gtpack");
        assertThat(fetched.resolve("events-webhook.gtpack")).hasBinaryContent(BYTES);
        List<String> read = new CopyOnWriteArrayList<>();
        assertThat(registry().progress((name, bytes, all) -> read.add(name)).pull(reference("packs/events:1.0")))
                .isEqualTo(fetched);
        assertThat(read).isEmpty();
    }

    /** A reference by digest that is in the cache needs no registry. */
    @Test
    void aKnownDigestNeedsNoNetwork(@TempDir Path other) throws Exception {
        RegistryServer mortal = new RegistryServer(other);
        String digest = mortal.push("a/b", "latest", new Blob(PACK, "x.gtpack", BYTES));
        String byTag = "oci://127.0.0.1:" + mortal.port + "/a/b";
        Path fetched = registry().pull(byTag + "@" + digest);
        mortal.kill();
        assertThat(registry().pull(byTag + "@" + digest)).isEqualTo(fetched);
        assertRefused(byTag, ErrorCode.REGISTRY_UNAVAILABLE, "could not be fetched");
    }

    @Test
    void tarballsAreUnpacked() throws Exception {
        server.push(
                "tar/ball",
                "latest",
                new Blob("application/gzip", "packs.tar.gz", tarball(TarConstants.LF_NORMAL, "dist/a.gtpack")));
        assertThat(files(registry().pull(reference("tar/ball")))).containsExactly("dist/a.gtpack");
        server.push(
                "tar/other",
                "latest",
                new Blob("application/gzip", "packs.tar.gz", tarball(TarConstants.LF_NORMAL, "a.txt")));
        assertRefused(reference("tar/other"), ErrorCode.INVALID_PACK, "holds no file");
        server.push(
                "tar/up",
                "latest",
                new Blob("application/gzip", "packs.tar.gz", tarball(TarConstants.LF_NORMAL, "../up.gtpack")));
        assertRefused(reference("tar/up"), ErrorCode.INVALID_PACK, "no plain relative path");
        server.push(
                "tar/link",
                "latest",
                new Blob("application/gzip", "packs.tar.gz", tarball(TarConstants.LF_SYMLINK, "l.gtpack")));
        assertRefused(reference("tar/link"), ErrorCode.INVALID_PACK, "link");
        server.push("tar/rubbish", "latest", new Blob("application/gzip", "packs.tar.gz", BYTES));
        assertRefused(reference("tar/rubbish"), ErrorCode.INVALID_PACK, "cannot be read");
        assertThat(cache.resolve("../up.gtpack")).doesNotExist();
    }

    private static byte[] tarball(byte kind, String name) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(new GZIPOutputStream(bytes))) {
            TarArchiveEntry entry = new TarArchiveEntry(name, kind);
            boolean file = kind == TarConstants.LF_NORMAL;
            entry.setSize(file ? BYTES.length : 0);
            if (!file) {
                entry.setLinkName("/etc/passwd");
            }
            tar.putArchiveEntry(entry);
            if (file) {
                tar.write(BYTES);
            }
            tar.closeArchiveEntry();
        }
        return bytes.toByteArray();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../evil.gtpack",
                "/etc/evil.gtpack",
                "a/../../evil.gtpack",
                "a//b.gtpack",
                "C:evil.gtpack",
                "./a.gtpack"
            })
    void aTitleThatLeadsElsewhereIsRefused(String title) throws Exception {
        server.push("hostile/title", "latest", new Blob(PACK, title, BYTES));
        assertRefused(reference("hostile/title"), ErrorCode.INVALID_PACK, "no plain relative path");
        server.push(
                "hostile/twice", "latest", new Blob(PACK, "a.gtpack", BYTES), new Blob(PACK, "a.gtpack", new byte[] {1
                }));
        assertRefused(reference("hostile/twice"), ErrorCode.INVALID_PACK, "twice");
    }

    @Test
    void bytesThatAreNotTheirDigestsAreRefused() throws Exception {
        Blob blob = new Blob(PACK, "x.gtpack", "bytes to be changed".getBytes(StandardCharsets.UTF_8));
        server.push("changed/blob", "latest", blob);
        byte[] changed = blob.bytes().clone();
        changed[0]++;
        Files.write(server.file(blob.digest()), changed);
        assertRefused(reference("changed/blob"), ErrorCode.ARTIFACT_CORRUPT, "has the digest");
        Blob cut = new Blob(PACK, "y.gtpack", "bytes to be cut".getBytes(StandardCharsets.UTF_8));
        String digest = server.push("cut/blob", "latest", cut);
        Files.write(server.file(cut.digest()), new byte[] {1});
        assertThatThrownBy(() -> registry().pull(reference("cut/blob")))
                .isInstanceOfSatisfying(
                        EventsException.class,
                        e -> assertThat(e.code()).isIn(ErrorCode.ARTIFACT_CORRUPT, ErrorCode.REGISTRY_UNAVAILABLE));
        String text = Files.readString(server.file(digest));
        Files.writeString(server.file(digest), text.replace("y.gtpack", "z.gtpack"));
        assertThatThrownBy(() -> registry().pull(reference("cut/blob@" + digest)))
                .isInstanceOf(EventsException.class);
    }

    @Test
    void whatIsNotThereOrNoPackIsSaidSo() throws Exception {
        assertRefused(reference("no/such:thing"), ErrorCode.REGISTRY_REFUSED, "nothing there");
        server.push("no/pack", "latest", new Blob("text/plain", "README.md", BYTES));
        assertRefused(reference("no/pack"), ErrorCode.INVALID_PACK, "text/plain");
        String child = server.push("an/index", "child", new Blob(PACK, "x.gtpack", BYTES));
        String json =
                "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\""
                        + child + "\",\"size\":500}]}";
        String unused = server.manifest("an/index", "latest", json, "application/vnd.oci.image.index.v1+json");
        assertRefused(reference("an/index"), ErrorCode.INVALID_PACK, "index");
        for (String nonsense : List.of(
                "oci://",
                "oci://host",
                "oci://host/UPPER",
                "oci://host/a@sha256:12",
                "oci://ho st/a",
                "oci://host/../a")) {
            assertRefused(nonsense, ErrorCode.INVALID_ARGUMENT, "no reference");
        }
    }

    /** Killed half way through a large layer: an error, nothing kept, and no waiting for ever. */
    @Test
    void aRegistryThatDiesHalfWayIsNoticed(@TempDir Path other) throws Exception {
        RegistryServer mortal = new RegistryServer(other);
        byte[] large = new byte[100 << 20];
        new Random(1).nextBytes(large);
        mortal.push("large/pack", "latest", new Blob(PACK, "large.gtpack", large));
        assertThatThrownBy(() -> registry()
                        .progress((name, bytes, all) -> {
                            try {
                                mortal.kill();
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                        })
                        .pull("oci://127.0.0.1:" + mortal.port + "/large/pack"))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.REGISTRY_UNAVAILABLE))
                .hasMessageContaining("broke off");
    }

    /** Registries hand layers out elsewhere: that is followed, with the digest as the only warrant. */
    @Test
    void aRedirectIsFollowed() throws Exception {
        Blob blob = new Blob(PACK, "x.gtpack", "redirected".getBytes(StandardCharsets.UTF_8));
        server.push("re/direct", "latest", blob);
        try (ServerSocket front = new ServerSocket(0, 8, InetAddress.getLoopbackAddress())) {
            Thread redirecting = new Thread(() -> redirect(front));
            redirecting.setDaemon(true);
            redirecting.start();
            Path fetched = registry().pull("oci://127.0.0.1:" + front.getLocalPort() + "/re/direct");
            assertThat(fetched.resolve("x.gtpack")).hasBinaryContent(blob.bytes());
        }
    }

    /** Sends every request on to the registry, until the socket is closed. */
    private static void redirect(ServerSocket front) {
        while (!front.isClosed()) {
            try (Socket client = front.accept();
                    BufferedReader in = new BufferedReader(
                            new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII))) {
                String path = in.readLine().split(" ", -1)[1];
                for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {}
                client.getOutputStream()
                        .write(
                                ("HTTP/1.1 307 Temporary Redirect\r\nConnection: close\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:"
                                                + server.port + path + "\r\n\r\n")
                                        .getBytes(StandardCharsets.US_ASCII));
            } catch (IOException | RuntimeException broken) {
                // A client that breaks off is answered by nobody; the closed socket ends the loop.
            }
        }
    }

    /** Elsewhere than on this machine TLS is spoken, unless somebody says otherwise. */
    @Test
    void onlyThisMachineIsAskedWithoutTls() {
        assertThat(OciReference.parse("oci://127.0.0.1:5000/a").isLoopback()).isTrue();
        assertThat(OciReference.parse("oci://localhost/a").isLoopback()).isTrue();
        assertThat(OciReference.parse("oci://[::1]:5000/a").isLoopback()).isTrue();
        assertThat(OciReference.parse("oci://127.0.0.1.example.com/a").isLoopback())
                .isFalse();
        assertThat(OciReference.parse("oci://localhost.example.com/a").isLoopback())
                .isFalse();
        assertThat(OciReference.parse("oci://10.0.0.1/a").isLoopback()).isFalse();
    }

    @Test
    void anUnreachableRegistryIsNamed() throws IOException {
        int nobody;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            nobody = free.getLocalPort();
        }
        assertRefused(
                "oci://127.0.0.1:" + nobody + "/a/b",
                ErrorCode.REGISTRY_UNAVAILABLE,
                "nobody answers at 127.0.0.1:" + nobody);
    }
}
