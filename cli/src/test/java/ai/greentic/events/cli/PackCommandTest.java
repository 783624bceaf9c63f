package ai.greentic.events.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A pack from its directory to a signed archive that is run, by the command line alone. */
class PackCommandTest {
    private static final String PASSWORD = "changeit";

    @TempDir
    Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Main.run(new PrintWriter(out), new PrintWriter(err), args);
    }

    private Path pack() throws IOException {
        Path pack = Files.createDirectories(directory.resolve("pack"));
        Files.writeString(pack.resolve("pack.yaml"), """
                id: shop/../pack
                version: 1.0.0
                events:
                  providers:
                    - name: orders
                      kind: broker
                      component: orders@1.0.0
                      capabilities: {transport: memory, topics: ["orders.*"]}
                """);
        return pack;
    }

    /** A key, its certificate, and their files. */
    private void makeKey() throws Exception {
        Path store = directory.resolve("keys.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        // The dates of a certificate are not those of every calendar.
                        "-J-Duser.language=en",
                        "-J-Duser.country=US",
                        "-genkeypair",
                        "-alias",
                        "own",
                        "-keyalg",
                        "Ed25519",
                        "-dname",
                        "CN=Publisher",
                        "-storepass",
                        PASSWORD,
                        "-keystore",
                        store.toString())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("keytool.out").toFile())
                .start();
        assertThat(keytool.waitFor()).isZero();
        KeyStore keys = KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
        write(
                "key.pem",
                "PRIVATE KEY",
                keys.getKey("own", PASSWORD.toCharArray()).getEncoded());
        write("cert.pem", "CERTIFICATE", keys.getCertificate("own").getEncoded());
    }

    private void write(String file, String what, byte[] bytes) throws IOException {
        Files.writeString(
                directory.resolve(file),
                "-----BEGIN " + what + "-----\n" + Base64.getMimeEncoder().encodeToString(bytes) + "\n-----END " + what
                        + "-----\n");
    }

    private String file(String name) {
        return directory.resolve(name).toString();
    }

    @Test
    void aPackIsBuiltSignedInspectedAndRun() throws Exception {
        makeKey();
        assertThat(run("pack", "build", pack().toString(), "-o", file("shop.gtpack")))
                .isZero();
        assertThat(run("inspect", "--pack", file("shop.gtpack"))).isZero();
        assertThat(out.toString())
                .contains(
                        "- orders (Broker, transport=Other(\"memory\")",
                        "(layout C, an archive, unsigned)",
                        "is not signed");
        assertThat(run("inspect", "--pack", file("shop.gtpack"), "--strict", "--trust", file("cert.pem")))
                .isEqualTo(4);
        assertThat(err.toString()).contains("is not signed").doesNotContain("\tat ");

        assertThat(run("pack", "sign", file("shop.gtpack"), "--key", file("key.pem"), "--chain", file("cert.pem")))
                .isZero();
        assertThat(run("inspect", "--pack", file("shop.gtpack"), "--strict", "--trust", file("cert.pem"), "--json"))
                .isZero();
        assertThat(out.toString()).contains("\"verification\":\"trusted\"", "\"warnings\":[]");
        assertThat(run("inspect", "--pack", file("shop.gtpack"), "--strict")).isEqualTo(4);
        assertThat(err.toString()).contains("not amongst those trusted");

        Files.writeString(
                directory.resolve("settings.toml"),
                "[packs.trust]\nrequire_signatures = true\npublic_keys = ['" + file("cert.pem") + "']\n");
        String[] publish = {
            "publish",
            "--tenant",
            "acme",
            "orders.created",
            "1",
            "--config",
            file("settings.toml"),
            "--state-dir",
            file("state"),
            "--pack",
            file("shop.gtpack")
        };
        assertThat(run(publish)).as(err.toString()).isZero();
        publish[publish.length - 1] = pack().toString();
        assertThat(run(publish)).isEqualTo(4);
        assertThat(err.toString()).contains("signatures are required");
    }

    @Test
    void packsAreTriedFromEndToEnd() throws IOException {
        Path packs = directory.resolve("packs");
        assertThat(run("fixture", "--out", packs.toString())).isZero();
        assertThat(run("e2e", "--packs", packs.toString())).as("%s", err).isZero();
        assertThat(out.toString()).startsWith("{\n  \"summary\": {\n    \"total\": 1,\n    \"pass\": 1,");
        assertThat(err.toString()).startsWith("pass events-dummy 0.1.0");

        Files.writeString(packs.resolve("events-broken.gtpack"), "no archive");
        assertThat(run("e2e", "--packs", packs.toString(), "--trace")).isEqualTo(1);
        assertThat(out.toString()).contains("\"pack\": \"events-broken\"", "\"fail\": 1", "not a ZIP archive");
        assertThat(err.toString().lines())
                .allMatch(line -> line.startsWith("{\"pack\":"))
                .hasSize(2);
        assertThat(run("e2e", "--packs", packs.toString(), "--no-fail")).isZero();
        assertThat(err.toString()).contains("fail events-broken unknown", "not a ZIP archive");
        assertThat(run("e2e", "--packs", packs.toString(), "--strict", "--provider", "dummy"))
                .isEqualTo(1);
        assertThat(err.toString()).contains("is not amongst those trusted");
    }
}
