package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.integration.CommandLineProcess.Input;
import ai.greentic.events.integration.CommandLineProcess.Result;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Input that is made to hurt, given to the command line with 256 MB of memory: refused in words, and soon. */
@Timeout(120)
class HostileInputTest {
    private static final int HUGE = 100 << 20;
    private static final String PACK =
            Path.of("../examples/packs/quickstart").toAbsolutePath().normalize().toString();

    @TempDir
    Path directory;

    private Result run(Input input, String... arguments) throws Exception {
        return new CommandLineProcess(directory, "-Xmx256m", "-XX:+ExitOnOutOfMemoryError").run(input, arguments);
    }

    private static void repeat(OutputStream out, String text, int bytes) throws IOException {
        byte[] block = text.repeat(1 << 16).getBytes(StandardCharsets.UTF_8);
        for (int written = 0; written < bytes; written += block.length) {
            out.write(block);
        }
    }

    private Path file(String name, Input content) throws IOException {
        Path file = directory.resolve(name);
        Files.createDirectories(java.util.Objects.requireNonNull(file.getParent()));
        try (OutputStream out = Files.newOutputStream(file)) {
            content.to(out);
        }
        return file;
    }

    private static byte[] bomb() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            zip.putNextEntry(new ZipEntry("manifest.cbor"));
            repeat(zip, "0", HUGE * 3);
        }
        return bytes.toByteArray();
    }

    private static byte[] hex(String digits) {
        return java.util.HexFormat.of().parseHex(digits);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private void write(String kind) throws IOException {
        switch (kind) {
            case "a line of 100 MB" ->
                file("p/pack.yaml", out -> {
                    out.write(utf8("id: "));
                    repeat(out, "a", HUGE);
                });
            case "a mapping in itself" ->
                file(
                        "p/pack.yaml",
                        out -> out.write(utf8(
                                "{id: x, version: '1', annotations: &a {events.providers.o.retry.strategy: *a}}")));
            case "a list in itself" ->
                file("p/pack.yaml", out -> out.write(utf8("{id: x, version: '1', events: {providers: &a [*a]}}")));
            case "a billion laughs" ->
                file("p/pack.yaml", out -> {
                    StringBuilder text = new StringBuilder("id: x\nversion: '1'\na0: &a0 [x]\n");
                    for (int i = 1; i < 40; i++) {
                        text.append("a" + i + ": &a" + i + " [" + ("*a" + (i - 1) + ",").repeat(9) + "]\n");
                    }
                    out.write(utf8(text + "annotations: {x: *a39}\n"));
                });
            case "a deep nest" ->
                file("p/pack.yaml", out -> {
                    out.write(utf8("id: "));
                    repeat(out, "[", 1 << 18);
                });
            case "no UTF-8" -> file("p/pack.yaml", out -> out.write(hex("69643aff")));
            case "a long array in CBOR" -> file("p/manifest.cbor", out -> out.write(hex("9b7fffffffffffffff00")));
            case "a long text in CBOR" -> file("p/manifest.cbor", out -> out.write(hex("7b7fffffffffffffff41")));
            case "a deep nest in CBOR" ->
                file("p/manifest.cbor", out -> {
                    for (int i = 0; i < 1 << 20; i++) {
                        out.write(0x81);
                    }
                });
            case "100 MB of CBOR" -> file("p/manifest.cbor", out -> repeat(out, "0", HUGE));
            default -> throw new AssertionError(kind);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "a line of 100 MB|larger than",
                "a mapping in itself|it looks like an attack",
                "a list in itself|is not a mapping",
                "a billion laughs|aliases",
                "a deep nest|nest",
                "no UTF-8|not UTF-8",
                "a long array in CBOR|cannot be read",
                "a long text in CBOR|cannot be read",
                "a deep nest in CBOR|nest",
                "100 MB of CBOR|larger than",
            })
    void packsAreRefused(String kind, String message) throws Exception {
        write(kind);
        String pack = directory.resolve("p").toString();
        for (String command : List.of("inspect", "validate")) {
            Result result = run(out -> {}, command, "--pack", pack);
            assertThat(result.status()).as("%s: %s", command, result).isEqualTo(4);
            assertThat(result.err() + result.out()).as(command).containsIgnoringCase(message);
            assertThat(result.err()).as(command).doesNotContain("\tat ", "OutOfMemory", "StackOverflow");
        }
    }

    @Test
    void aZipBombIsRefused() throws Exception {
        Path archive = file("bomb.gtpack", out -> out.write(bomb()));
        assertThat(Files.size(archive)).isLessThan(1 << 20);
        Result result = run(out -> {}, "inspect", "--pack", archive.toString());
        assertThat(result.status()).isEqualTo(4);
        assertThat(result.err()).contains("manifest.cbor' is larger than");
    }

    /** The lines before it were published, and it is said which one was too long. */
    @Test
    void aLineOfAHundredMegabytesIsRefused() throws Exception {
        Result result = run(
                out -> {
                    out.write(utf8("{\"n\":1}\n\""));
                    repeat(out, "a", HUGE);
                    out.write(utf8("\"\n"));
                },
                "publish",
                "--pack",
                PACK,
                "--tenant",
                "acme",
                "--state-dir",
                directory.resolve("state").toString(),
                "orders.created",
                "-");
        assertThat(result.status()).as("%s", result).isEqualTo(2);
        assertThat(result.err()).contains("line 2", "longer than");
    }

    @Test
    void aComponentThatSaysTooMuchIsStopped() throws Exception {
        Path script = file("flood.sh", out -> out.write(utf8("yes '{\"emitted\": 1}'\n")));
        file(
                "p/pack.yaml",
                out -> out.write(
                        utf8(
                                "{id: p, version: '1', events: {providers: [{name: orders, kind: broker, component: c@1, capabilities: {transport: x, topics: ['orders.*']}}]}}")));
        Path config = file(
                "flood.toml",
                out -> out.write(utf8("[events.providers.orders]\ntransport = \"process\"\ncommand = [\"sh\", \""
                        + script + "\"]\n[events.providers.orders.retry]\nmax_retries = 0\n")));
        Result result = run(
                out -> {},
                "publish",
                "--pack",
                directory.resolve("p").toString(),
                "--config",
                config.toString(),
                "--tenant",
                "acme",
                "--state-dir",
                directory.resolve("state").toString(),
                "orders.created",
                "1");
        assertThat(result.status()).as("%s", result).isEqualTo(6);
        assertThat(result.err()).contains("said more than 4194304 bytes");
    }
}
