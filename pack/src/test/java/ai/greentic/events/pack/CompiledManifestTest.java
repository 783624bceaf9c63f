package ai.greentic.events.pack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Manifests whose names stand in tables. */
class CompiledManifestTest {
    @TempDir
    Path directory;

    private static Map<String, Object> map(Object... namesAndValues) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            map.put((String) namesAndValues[i], namesAndValues[i + 1]);
        }
        return map;
    }

    private static Map<String, Object> manifest(int pack, int component, int node, int capability) {
        return map(
                "schema_version",
                "pack-v1",
                "pack_id",
                pack,
                "version",
                "0.1.0",
                "kind",
                "provider",
                "publisher",
                "Greentic",
                "symbols",
                map(
                        "component_ids",
                        List.of("events-provider-webhook"),
                        "node_ids",
                        List.of("first", "last"),
                        "capability_names",
                        List.of("host:secrets"),
                        "pack_ids",
                        List.of("base", "greentic.events.webhook")),
                "components",
                List.of(map(
                        "id",
                        component,
                        "version",
                        "0.1.0",
                        "capabilities",
                        map(
                                "host",
                                map("secrets", map("required", List.of(map("key", "SIGNING", "required", false))))))),
                "flows",
                List.of(
                        map(
                                "id",
                                "handle_webhook",
                                "entrypoints",
                                List.of("default"),
                                "flow",
                                map(
                                        "nodes",
                                        List.of(map(
                                                "id",
                                                0,
                                                "component",
                                                map("id", 0),
                                                "routing",
                                                map("Next", map("node_id", node)))))),
                        map("id", "setup", "entrypoints", List.of())),
                "dependencies",
                List.of(map("alias", "base", "pack_id", 0, "required_capabilities", List.of(capability))),
                "capabilities",
                List.of(map("name", 0)),
                "secret_requirements",
                List.of(map("key", "TOKEN")),
                "later_key",
                map("ignored", true),
                "extensions",
                map(
                        "greentic.ext.provider",
                        map(
                                "kind",
                                "greentic.ext.provider",
                                "inline",
                                map(
                                        "providers",
                                        List.of(map(
                                                "provider_type",
                                                "events.webhook",
                                                "ops",
                                                List.of("ingest_http", "publish"),
                                                "runtime",
                                                map("component_ref", "events-provider-webhook")))))));
    }

    private Path archive(Map<String, Object> manifest, boolean listed) {
        SortedMap<String, byte[]> files = new TreeMap<>();
        files.put("manifest.cbor", Documents.cbor(manifest));
        files.put("schemas/events/webhook/config.schema.json", "{}".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        SortedMap<String, byte[]> all = new TreeMap<>(files);
        if (listed) {
            all.put("sbom.json", ArchiveWriter.list(files));
        }
        Path archive = directory.resolve("compiled.gtpack");
        ArchiveWriter.write(all, archive);
        return archive;
    }

    @Test
    void namesComeFromTheTables() {
        Pack pack = Pack.open(archive(manifest(1, 0, 1, 0), true));
        assertThat(pack.id()).isEqualTo("greentic.events.webhook");
        assertThat(pack.layout()).isEqualTo(Pack.Layout.D);
        assertThat(pack.verification().status()).isEqualTo(PackVerification.Status.UNSIGNED);
        assertThat(pack.extras().extensionProviders())
                .containsExactly(new PackExtras.ExtensionProvider(
                        "events.webhook", List.of(), List.of("ingest_http", "publish"), "events-provider-webhook"));
        assertThat(pack.extras().entryFlows())
                .containsExactly(Map.entry("default", "handle_webhook"), Map.entry("setup", "setup"));
        assertThat(pack.extras().secrets())
                .extracting(PackExtras.Secret::key, PackExtras.Secret::required)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("TOKEN", true),
                        org.assertj.core.groups.Tuple.tuple("SIGNING", false));
    }

    @ParameterizedTest
    @CsvSource({
        "2, 0, 0, 0, pack_ids",
        "-1, 0, 0, 0, pack_ids",
        "1, 1, 0, 0, component_ids",
        "1, 0, 2, 0, node_ids",
        "1, 0, 0, 7, capability_names"
    })
    void aPointerPastItsTableIsRefused(int pack, int component, int node, int capability, String table) {
        Path archive = archive(manifest(pack, component, node, capability), true);
        assertThatThrownBy(() -> Pack.open(archive)).hasMessageContaining("an index into symbols." + table);
    }

    /** As the original: without a list it is read, and said; strictly it is refused. */
    @Test
    void whatNobodyListedIsReadAndSaid() {
        Path archive = archive(manifest(1, 0, 1, 0), false);
        assertThat(Pack.open(archive).verification())
                .satisfies(verification -> assertThat(verification.status()).isEqualTo(PackVerification.Status.FAILED))
                .satisfies(verification -> assertThat(verification.warnings())
                        .singleElement()
                        .asString()
                        .contains("no list of its files"));
        assertThatThrownBy(() -> Pack.open(archive, PackTrust.lenient().strict()))
                .hasMessageContaining("no list of its files");
    }
}
