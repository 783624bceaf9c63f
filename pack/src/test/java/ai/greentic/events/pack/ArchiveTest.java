package ai.greentic.events.pack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.SortedMap;
import java.util.TimeZone;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Archives from anybody: what is whole is read, what is not is refused by name, within the memory of the test's own process. */
class ArchiveTest {
    private static final String PACK = """
            packVersion: 1
            id: orders-pack
            version: 1.0
            name: Orders
            annotations:
              events.providers.orders.retry.max_retries: 5
              ratio: 0.5
              huge: 123456789012345678901234567890
            events:
              providers:
                - name: orders
                  kind: broker
                  component: orders-broker@1.0.0
                  default_flow: flows/in.ygtc
                  capabilities: {transport: nats, reliability: at_least_once, ordering: per_key, topics: ["orders.*"]}
                - {name: chat, kind: bridge, component: chat@1}
            """;

    @TempDir
    Path directory;

    private Path archive() {
        return directory.resolve("pack.gtpack");
    }

    private Path source() throws IOException {
        Path source = Files.createDirectories(directory.resolve("source"));
        Files.writeString(source.resolve("pack.yaml"), PACK);
        Files.createDirectories(source.resolve("flows"));
        Files.writeString(
                source.resolve("flows/in.ygtc"),
                "id: in\ntype: event\nnodes: {first: {echo: {}}, second: {echo: {}}}\n");
        Files.createDirectories(source.resolve("fixtures"));
        Files.writeString(source.resolve("fixtures/setup.input.json"), "{}");
        Files.createDirectories(source.resolve("components/orders-broker@1.0.0"));
        Files.write(source.resolve("components/orders-broker@1.0.0/component.wasm"), new byte[] {0, 'a', 's', 'm'});
        Files.createDirectories(source.resolve("assets"));
        Files.writeString(
                source.resolve("assets/secret-requirements.json"),
                "[{\"key\": \"ORDERS_TOKEN\", \"description\": \"to ask\"}]");
        return source;
    }

    private Path built() throws IOException {
        PackBuilder.build(source(), archive());
        return archive();
    }

    private static SortedMap<String, byte[]> files(Path archive) {
        SortedMap<String, byte[]> files = new TreeMap<>();
        try (Archive read = Archive.open(archive)) {
            read.files()
                    .keySet()
                    .forEach(path -> files.put(path, read.bytes(path).orElseThrow()));
        }
        return files;
    }

    private static void assertRefused(Path archive, String why) {
        assertThatThrownBy(() -> Pack.open(archive))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_PACK))
                .hasMessageContaining(archive.toString())
                .hasMessageContaining(why);
    }

    @Test
    void whatIsBuiltIsWhatTheDirectoryIs() throws IOException {
        Pack before = Pack.open(source());
        Pack after = Pack.open(built());
        assertThat(after.layout()).isEqualTo(Pack.Layout.C);
        assertThat(after.id()).isEqualTo(before.id());
        assertThat(after.version()).isEqualTo("1.0");
        assertThat(after.providers()).usingRecursiveComparison().isEqualTo(before.providers());
        assertThat(after.extras().entryFlows()).containsEntry("in", "in");
        assertThat(after.extras().secrets())
                .containsExactly(new PackExtras.Secret("ORDERS_TOKEN", true, "to ask"))
                .isEqualTo(before.extras().secrets());
        assertThat(after.verification().status()).isEqualTo(PackVerification.Status.UNSIGNED);
        assertThat(files(archive()))
                .containsOnlyKeys(
                        "assets/fixtures/setup.input.json",
                        "assets/secret-requirements.json",
                        "components/orders-broker@1.0.0/component.wasm",
                        "flows/in/flow.json",
                        "flows/in/flow.ygtc",
                        "manifest.cbor",
                        "manifest.json",
                        "provenance.json",
                        "sbom.json");
    }

    @Test
    void manifestsInCborAndJsonAreTheSame() throws IOException {
        SortedMap<String, byte[]> files = files(built());
        byte[] cbor = Objects.requireNonNull(files.get("manifest.cbor"));
        assertThat(Arrays.copyOf(cbor, 3)).containsExactly(0xd9, 0xd9, 0xf7);
        Object fromCbor =
                JacksonDocument.read(cbor, "manifest.cbor", new Problems()).value();
        Object fromJson = JacksonDocument.read(
                        Objects.requireNonNull(files.get("manifest.json")), "manifest.json", new Problems())
                .value();
        assertThat(fromCbor).isEqualTo(fromJson);
        assertThat(String.valueOf(fromCbor)).contains("ratio=0.5", "huge=123456789012345678901234567890");
    }

    /** Nothing of the machine is in the archive: neither its clock nor its zone nor the order of its directories. */
    @Test
    void theSameFilesMakeTheSameBytes() throws IOException {
        byte[] first = Files.readAllBytes(built());
        TimeZone zone = TimeZone.getDefault();
        try {
            TimeZone.setDefault(TimeZone.getTimeZone("America/St_Johns"));
            Path elsewhere = Files.createDirectories(directory.resolve("elsewhere"));
            try (Stream<Path> paths = Files.walk(source())) {
                List<Path> files =
                        new ArrayList<>(paths.filter(Files::isRegularFile).toList());
                java.util.Collections.reverse(files);
                for (Path file : files) {
                    Path copy = elsewhere.resolve(source().relativize(file).toString());
                    Files.createDirectories(copy.getParent());
                    Files.copy(file, copy);
                }
            }
            PackBuilder.build(elsewhere, directory.resolve("again.gtpack"));
        } finally {
            TimeZone.setDefault(zone);
        }
        assertThat(Files.readAllBytes(directory.resolve("again.gtpack"))).isEqualTo(first);
    }

    @Test
    void aDirectoryOfArchivesIsAllOfThem() throws IOException {
        Path below = Files.createDirectories(directory.resolve("pulled/dist/packs"));
        Files.copy(built(), below.resolve("a.gtpack"));
        Files.copy(archive(), directory.resolve("pulled/dist/b.gtpack"));
        assertThat(Pack.openAll(directory.resolve("pulled"), PackTrust.lenient()))
                .extracting(pack -> pack.location().getFileName().toString())
                .containsExactly("b.gtpack", "a.gtpack");
        Path empty = Files.createDirectories(directory.resolve("empty"));
        assertThatThrownBy(() -> Pack.openAll(empty, PackTrust.lenient())).hasMessageContaining("no pack.yaml");
    }

    /** What was unpacked from an archive is read as it was in it, with the same checks. */
    @Test
    void anUnpackedArchiveIsTheArchive() throws IOException {
        Path unpacked = directory.resolve("all/unpacked");
        for (Map.Entry<String, byte[]> file : files(built()).entrySet()) {
            Path target = unpacked.resolve(file.getKey());
            Files.createDirectories(target.getParent());
            Files.write(target, file.getValue());
        }
        assertThat(Pack.open(unpacked).providers())
                .usingRecursiveComparison()
                .isEqualTo(Pack.open(archive()).providers());
        assertThat(Pack.openAll(directory.resolve("all"), PackTrust.lenient())).hasSize(1);
        Files.writeString(unpacked.resolve("flows/in/flow.ygtc"), "id: other");
        assertRefused(unpacked, "is not what sbom.json says");
        Files.delete(unpacked.resolve("flows/in/flow.ygtc"));
        Files.createSymbolicLink(unpacked.resolve("flows/in/flow.ygtc"), Path.of("/etc/passwd"));
        assertRefused(unpacked, "link");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../evil",
                "/etc/passwd",
                "a//b",
                "a/./b",
                "a/../../b",
                "C:/x",
                "a\\b",
                "a\u0000b",
                "./a",
                "",
                "a/\n"
            })
    void aPathThatLeadsOutIsRefused(String path) throws IOException {
        try (ZipArchiveOutputStream zip = new ZipArchiveOutputStream(archive())) {
            ZipArchiveEntry entry = new ZipArchiveEntry("placeholder") {
                @Override
                public String getName() {
                    return path;
                }
            };
            entry.setMethod(ZipEntry.DEFLATED);
            zip.putArchiveEntry(entry);
            zip.closeArchiveEntry();
        }
        assertRefused(archive(), "no plain relative path");
    }

    @Test
    void aLinkIsRefused() throws IOException {
        try (ZipArchiveOutputStream zip = new ZipArchiveOutputStream(archive())) {
            ZipArchiveEntry entry = new ZipArchiveEntry("link");
            entry.setUnixMode(0120777);
            zip.putArchiveEntry(entry);
            zip.write("/etc/passwd".getBytes(StandardCharsets.UTF_8));
            zip.closeArchiveEntry();
        }
        assertRefused(archive(), "link");
    }

    @Test
    void aPathThatStandsTwiceIsRefused() throws IOException {
        try (ZipArchiveOutputStream zip = new ZipArchiveOutputStream(archive())) {
            for (String name : List.of("caf\u00e9", "cafe\u0301")) {
                zip.putArchiveEntry(new ZipArchiveEntry(name));
                zip.closeArchiveEntry();
            }
        }
        assertRefused(archive(), "twice");
    }

    /** One file that unpacks to 1 GiB, and many that do so together: both end when the limit is reached, not after. */
    @ParameterizedTest
    @CsvSource({"1, 1073741824, larger than 16777216 bytes", "100, 12000000, larger than 67108864 bytes together"})
    void aBombIsRefused(int files, long bytes, String why) throws IOException {
        byte[] zeros = new byte[1 << 16];
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(archive()))) {
            for (int file = 0; file < files; file++) {
                zip.putNextEntry(new ZipEntry("file" + file));
                for (long left = bytes; left > 0; left -= zeros.length) {
                    zip.write(zeros, 0, (int) Math.min(left, zeros.length));
                }
            }
        }
        long start = System.nanoTime();
        assertRefused(archive(), why);
        assertThat(System.nanoTime() - start).isLessThan(60_000_000_000L);
    }

    /** A directory that promises less than comes: the size of a file is what came out. */
    @Test
    void aSizeThatLiesIsRefused() throws IOException {
        byte[] bytes = Files.readAllBytes(built());
        ByteBuffer zip = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int directoryStart = zip.getInt(bytes.length - 22 + 16);
        zip.putInt(directoryStart + 24, zip.getInt(directoryStart + 24) - 1);
        Files.write(archive(), bytes);
        assertRefused(archive(), "do not agree with its size");
    }

    @Test
    void tooManyFilesAreRefusedBeforeTheyAreRead() throws IOException {
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(archive()))) {
            for (int file = 0; file <= PackFiles.MAX_FILES; file++) {
                zip.putNextEntry(new ZipEntry("file" + file));
            }
        }
        assertRefused(archive(), "more than 10000 files");
    }

    @Test
    void whatIsNoArchiveIsSaidSo() throws IOException {
        Files.writeString(archive(), "id: x");
        assertRefused(archive(), "not a ZIP archive");
        Files.write(archive(), new byte[0]);
        assertRefused(archive(), "not a ZIP archive");
        byte[] whole = Files.readAllBytes(built());
        Files.write(archive(), Arrays.copyOfRange(whole, 100, whole.length));
        assertRefused(archive(), "directory is not where");
        Files.write(archive(), Arrays.copyOf(whole, whole.length - 1));
        assertRefused(archive(), "not a ZIP archive");
    }

    /** Of 2,000 archives with some bytes changed none is taken for another: each is refused as INVALID_PACK, or the same as before. */
    @Test
    void damageIsNeverSilent() throws IOException {
        byte[] whole = Files.readAllBytes(built());
        Pack before = Pack.open(archive());
        long seed = Long.getLong("pack.seed", System.nanoTime());
        Random random = new Random(seed);
        int refused = 0;
        for (int round = 0; round < 2_000; round++) {
            byte[] damaged = whole.clone();
            for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
                damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
            }
            Files.write(archive(), damaged);
            try {
                assertThat(Pack.open(archive()).providers())
                        .as("pack.seed=%s, round %s", seed, round)
                        .usingRecursiveComparison()
                        .isEqualTo(before.providers());
            } catch (EventsException e) {
                assertThat(e.code())
                        .as("pack.seed=%s, round %s: %s", seed, round, e)
                        .isEqualTo(ErrorCode.INVALID_PACK);
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(1_000);
    }

    static List<Map.Entry<String, byte[]>> hostileManifests() {
        Map<String, byte[]> documents = new LinkedHashMap<>();
        documents.put("it is empty", new byte[0]);
        // An array that announces 2^60 items, a text of 2^31 bytes, byte strings of 2^62.
        documents.put("cannot be read", bytes(0x9b, 0x10, 0, 0, 0, 0, 0, 0, 0));
        documents.put("cannot be read:", bytes(0x7a, 0x7f, 0xff, 0xff, 0xff));
        documents.put("manifest.cbor cannot be read", bytes(0x5b, 0x40, 0, 0, 0, 0, 0, 0, 0));
        byte[] deep = new byte[100_000];
        Arrays.fill(deep, (byte) 0x81);
        documents.put("nest", deep);
        byte[] wide = new byte[200_005];
        wide[0] = (byte) 0x9a;
        ByteBuffer.wrap(wide).putInt(1, 200_000);
        documents.put("more than 100000 values", wide);
        documents.put("neither meta nor symbols", bytes(0xa0));
        documents.put("no manifest of a pack", bytes(0x01));
        documents.put("something follows", bytes(0xa0, 0xa0));
        return List.copyOf(documents.entrySet());
    }

    private static byte[] bytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return bytes;
    }

    @ParameterizedTest
    @MethodSource("hostileManifests")
    void aHostileManifestIsRefused(Map.Entry<String, byte[]> hostile) {
        ArchiveWriter.write(new TreeMap<>(Map.of("manifest.cbor", hostile.getValue())), archive());
        assertRefused(archive(), hostile.getKey());
    }

    @Test
    void whatTheBuilderCannotKeepIsRefused() throws IOException {
        Path source = source();
        Files.writeString(source.resolve("flows/again.ygtc"), "id: in\nnodes: {}\n");
        Files.createSymbolicLink(source.resolve("assets/link"), Path.of("/etc/passwd"));
        Files.writeString(source.resolve("pack.json"), "{\"meta\": {\"entry_flows\": {\"setup\": \"none\"}}}");
        assertThatThrownBy(() -> PackBuilder.build(source, archive()))
                .hasMessageContaining("assets/link is a link")
                .hasMessageContaining("that of another flow")
                .hasMessageContaining("entry flow 'none'");
        assertThat(archive()).doesNotExist();
        Path layoutB = Files.createDirectories(directory.resolve("b"));
        Files.writeString(layoutB.resolve("pack.yaml"), "pack_id: b\nversion: 1\n");
        assertThatThrownBy(() -> PackBuilder.build(layoutB, archive())).hasMessageContaining("pack compiler");
        assertThatThrownBy(() -> PackBuilder.build(layoutB, directory)).isInstanceOf(EventsException.class);
    }
}
