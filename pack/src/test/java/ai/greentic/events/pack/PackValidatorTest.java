package ai.greentic.events.pack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.EventsException;
import ai.greentic.events.pack.Finding.Severity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every rule breaks once, says so once, and is quiet otherwise. */
class PackValidatorTest {
    @TempDir
    Path directory;

    private Path pack(String name, String yaml, String... files) throws IOException {
        Path pack = Files.createDirectories(directory.resolve(name));
        Files.writeString(pack.resolve("pack.yaml"), yaml);
        for (String file : files) {
            Path target = pack.resolve(file);
            Files.createDirectories(target.getParent());
            Files.writeString(target, file.endsWith(".ygtc") ? "schema_version: flow-v1\nnodes: {}\n" : "{}");
        }
        return pack;
    }

    private static List<String> found(Path... packs) {
        return found(PackTrust.lenient(), packs);
    }

    private static List<String> found(PackTrust trust, Path... packs) {
        return PackValidator.validate(List.of(packs), trust).stream()
                .flatMap(report -> report.findings().stream())
                .map(finding -> finding.severity().word() + " " + finding.code() + " " + finding.path())
                .toList();
    }

    private static final String EXTENSION = """
            extensions:
              greentic.provider-extension.v1:
                kind: greentic.provider-extension.v1
                inline:
                  providers:
                    - provider_type: events.webhook
                      config_schema_ref: %s
                      ops: [%s]
                      runtime: {component_ref: c, export: e, world: w}
            """;

    @Test
    void aSoundPackHasNothingToSay() throws IOException {
        assertThat(found(pack(
                        "p",
                        """
                id: orders
                version: 1
                events:
                  providers:
                    - {name: o, kind: broker, component: c, default_flow: flows/in.ygtc, capabilities: {topics: ["orders.*"]}}
                entry_flows: [in, handle_orders]
                """ + EXTENSION.formatted("pack/schemas/config.json", "publish"),
                        "flows/in.ygtc",
                        "flows/handle_orders.ygtc",
                        "schemas/config.json")))
                .isEmpty();
    }

    @Test
    void whatIsNoEventsPackIsSaidToBeNone() throws IOException {
        assertThat(found(pack("p", "id: other\nversion: 1\n"))).containsExactly("info EVT_NOT_AN_EVENTS_PACK other");
    }

    @Test
    void extensionsAreChecked() throws IOException {
        assertThat(found(pack("p", "id: greentic.events.x\nversion: 1\n" + EXTENSION.formatted("' '", ""))))
                .containsExactly(
                        "error EVT_PROVIDER_SCHEMA_EMPTY extensions.greentic.provider-extension.v1.providers.events.webhook.config_schema_ref",
                        "warn EVT_PROVIDER_NO_OPS extensions.greentic.provider-extension.v1.providers.events.webhook.ops");
        assertThat(found(pack(
                        "q", "id: greentic.events.x\nversion: 1\n" + EXTENSION.formatted("config.json", "publish"))))
                .containsExactly(
                        "error EVT_SCHEMA_MISSING extensions.greentic.provider-extension.v1.providers.events.webhook.config_schema_ref");
        assertThat(found(pack(
                        "r",
                        "id: greentic.events.x\nversion: 1\n" + EXTENSION.formatted("../../../etc/passwd", "publish"))))
                .containsExactly(
                        "error EVT_SCHEMA_MISSING extensions.greentic.provider-extension.v1.providers.events.webhook.config_schema_ref");
        assertThat(found(pack("s", """
                id: greentic.events.x
                version: 1
                extensions:
                  my.ext:
                    inline: {deep: {annotations: {event.topic: Orders, events.type: order}}}
                """)))
                .containsExactly(
                        "error EVT_INVALID_TOPIC extensions.my.ext.annotations.event.topic",
                        "warn EVT_SUSPECT_TYPE_FORMAT extensions.my.ext.annotations.event.type");
    }

    @Test
    void flowsMustBeThere() throws IOException {
        Path pack = pack("p", """
                id: greentic.events.x
                version: 1
                entry_flows: [setup, handle_gone]
                extensions: {e: {inline: {entry_flows: [setup, other]}}}
                """, "flows/handle_old.ygtc");
        Files.writeString(pack.resolve("flows/handle_old.ygtc"), "schema_version: flow-v0\nnodes: {}\n");
        assertThat(found(pack))
                .containsExactly(
                        "error EVT_ENTRY_FLOW_MISSING meta.entry_flows",
                        "error EVT_ENTRY_FLOW_MISSING meta.entry_flows",
                        "error EVT_ENTRY_FLOW_MISSING meta.entry_flows",
                        "error EVT_HANDLER_FLOW_MISSING flows.handle_gone",
                        "error EVT_HANDLER_FLOW_MISSING flows.handle_old.schema_version");
    }

    @Test
    void providersAreChecked() throws IOException {
        assertThat(found(pack("p", """
                id: a
                version: 1
                annotations: {events.providers.a.retry.max_retries: x, events.providers.none.dlq_topic: t}
                events:
                  providers:
                    - {name: a, kind: broker, component: c, capabilities: {topics: ["orders.*", "Bad"]}}
                    - {name: b, kind: sink, component: c, default_flow: none, capabilities: {topics: ["orders.vip.*"]}}
                    - {name: b, kind: source, component: c, capabilities: {topics: ["a b"]}}
                """)))
                .containsExactlyInAnyOrder(
                        "error EVT_OVERRIDE_INVALID annotations.events.providers.none.dlq_topic (line 3)",
                        "error EVT_OVERRIDE_INVALID annotations.events.providers.a.retry.max_retries",
                        "error EVT_DUPLICATE_PROVIDER events.providers[2] (line 8)",
                        "warn EVT_SUSPECT_TOPIC events.providers.a.capabilities.topics",
                        "warn EVT_FLOW_FILE_MISSING events.providers.b.default_flow",
                        "error EVT_INVALID_TOPIC events.providers[2].capabilities.topics[0] (line 8)",
                        "warn EVT_ROUTE_SHADOWED events.providers.b.capabilities.topics",
                        "warn EVT_PROVIDER_NO_TOPICS events.providers.b.capabilities.topics");
    }

    @Test
    void packsAreComparedWithEachOther() throws IOException {
        String yaml =
                "id: %s\nversion: 1\nevents: {providers: [{name: n, kind: source, component: c, capabilities: {topics: [t]}}]}\n";
        Path first = pack("all/first", yaml.formatted("a"));
        Path second = pack("all/second", yaml.formatted("b"));
        assertThat(found(directory.resolve("all")))
                .containsExactly(
                        "warn EVT_DUPLICATE_PROVIDER events.providers.n",
                        "warn EVT_DUPLICATE_PROVIDER events.providers.n");
        assertThat(found(first)).isEmpty();
        assertThat(found(second)).isEmpty();
    }

    @Test
    void whatCannotBeReadIsAFinding() throws IOException {
        assertThat(found(pack("p", "id: [")))
                .singleElement()
                .satisfies(finding -> assertThat(finding).startsWith("error EVT_PACK_UNREADABLE"));
        assertThat(found(pack("q", "version: 1\nevents: {providers: 7}\n")))
                .containsExactly(
                        "error EVT_MANIFEST_INVALID the document (line 1)",
                        "error EVT_MANIFEST_INVALID events.providers (line 2)");
        ArchiveWriter.write(new TreeMap<>(Map.of("manifest.cbor", new byte[] {1})), directory.resolve("x.gtpack"));
        assertThat(found(directory.resolve("x.gtpack")))
                .contains("warn EVT_ARCHIVE_FAILED archive")
                .anyMatch(finding -> finding.startsWith("error EVT_MANIFEST_INVALID"));
        assertThatThrownBy(() -> found(directory.resolve("none"))).isInstanceOf(EventsException.class);
    }

    @Test
    void strictTrustMakesErrors() throws IOException {
        Path source = pack(
                "p",
                "id: a\nversion: 1\nevents: {providers: [{name: n, kind: source, component: c, capabilities: {topics: [t]}}]}\n");
        Path archive = directory.resolve("p.gtpack");
        PackBuilder.build(source, archive);
        assertThat(found(archive)).containsExactly("warn EVT_ARCHIVE_UNTRUSTED archive");
        assertThat(found(PackTrust.lenient().strict(), archive)).containsExactly("error EVT_ARCHIVE_UNTRUSTED archive");
        assertThat(found(PackTrust.lenient().archivesOnly(), source))
                .containsExactly("error EVT_ARCHIVE_UNTRUSTED archive");
        assertThat(PackValidator.validate(List.of(archive), PackTrust.lenient())
                        .get(0)
                        .count(Severity.WARN))
                .isEqualTo(1);
    }
}
