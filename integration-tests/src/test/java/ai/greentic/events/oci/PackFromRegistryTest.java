package ai.greentic.events.oci;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.cli.Main;
import ai.greentic.events.oci.RegistryServer.Blob;
import ai.greentic.events.pack.PackBuilder;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A pack that is built here and pushed to a real registry is inspected, validated and run from there. */
@Timeout(60)
class PackFromRegistryTest {
    @TempDir
    Path directory;

    private String command(int status, String... arguments) {
        List<String> all = new ArrayList<>(List.of(
                "--config",
                directory.resolve("config.toml").toString(),
                "--state-dir",
                directory.resolve("state").toString()));
        all.addAll(List.of(arguments));
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        assertThat(Main.run(new PrintWriter(out, true), new PrintWriter(err, true), all.toArray(String[]::new)))
                .as(err.toString())
                .isEqualTo(status);
        return out + "" + err;
    }

    @Test
    void aPackRunsFromARegistry() throws Exception {
        Files.writeString(
                directory.resolve("config.toml"), "[packs]\ncache_dir = \"" + directory.resolve("cache") + "\"\n");
        Path archive = directory.resolve("quickstart.gtpack");
        PackBuilder.build(Path.of("../examples/packs/quickstart"), archive);
        RegistryServer server = new RegistryServer(Files.createDirectories(directory.resolve("registry")));
        String reference = "oci://127.0.0.1:" + server.port + "/packs/quickstart:1.0";
        try {
            String digest = server.push(
                    "packs/quickstart",
                    "1.0",
                    new Blob("application/vnd.greentic.gtpack+zip", "quickstart.gtpack", Files.readAllBytes(archive)));
            assertThat(command(0, "pull", reference)).contains("quickstart 0.1.0 (unsigned)");
            assertThat(command(0, "inspect", "--pack", reference)).contains("- orders (Broker");
            assertThat(command(4, "--strict", "inspect", "--pack", reference)).contains("not signed");
            assertThat(command(0, "validate", reference)).contains("EVT_ARCHIVE_UNTRUSTED");
            assertThat(command(0, "publish", "--pack", reference, "--tenant", "acme", "--json", "orders.created", "{}"))
                    .contains("PUBLISHED");
            server.kill();
            String byDigest = reference.replace(":1.0", "@" + digest);
            assertThat(command(
                            0,
                            "subscribe",
                            "--pack",
                            byDigest,
                            "--tenant",
                            "acme",
                            "orders.*",
                            "--from",
                            "earliest",
                            "--count",
                            "1",
                            "--timeout",
                            "20s",
                            "--json"))
                    .contains("orders.created");
            assertThat(command(5, "inspect", "--pack", reference)).contains("nobody answers");
        } finally {
            server.kill();
        }
    }
}
