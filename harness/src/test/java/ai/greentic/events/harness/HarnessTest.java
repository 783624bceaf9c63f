package ai.greentic.events.harness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.harness.Report.Outcome;
import ai.greentic.events.harness.Report.PackResult;
import ai.greentic.events.harness.Report.Stage;
import ai.greentic.events.pack.Pack;
import ai.greentic.events.pack.PackBuilder;
import ai.greentic.events.pack.PackTrust;
import ai.greentic.events.pack.PackVerification;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class HarnessTest {
    private static final String MESSAGE = """
            {"id": "m-1", "tenant": {"env": "dev", "tenant": "acme", "tenant_id": "acme", "attempt": 0}, "channel": "c", "session_id": "s-1", "text": "hi"}""";
    private static final String EVENT = """
            {"id": "e-1", "topic": "a.b", "type": "t", "source": "s", "tenant": {"env": "dev", "tenant": "acme", "tenant_id": "acme", "attempt": 0}, "subject": "s-1", "time": "2025-01-01T00:00:00Z", "payload": {"n": 1}}""";

    @TempDir
    Path directory;

    private final Map<String, String> files = new HashMap<>();

    /** A pack with providers of these kinds, and the fixtures that are set. */
    private Path pack(String... kinds) throws IOException {
        StringBuilder yaml = new StringBuilder("id: events-shop\nversion: '1'\nevents:\n  providers:\n");
        for (String kind : kinds) {
            yaml.append("    - {name: ")
                    .append(kind)
                    .append("-one, kind: ")
                    .append(kind)
                    .append(", component: c@1, capabilities: {transport: x, topics: ['shop.*']}}\n");
        }
        Path pack = directory.resolve("events-shop");
        files.put("pack.yaml", kinds.length == 0 ? "id: events-shop\nversion: '1'\n" : yaml.toString());
        for (Map.Entry<String, String> file : files.entrySet()) {
            Path target = pack.resolve(file.getKey());
            Files.createDirectories(Objects.requireNonNull(target.getParent()));
            Files.writeString(target, file.getValue());
        }
        return pack;
    }

    private void documented() {
        files.put("fixtures/requirements.expected.json", "{\"required_config_keys\": [\"a.b\"]}");
        files.put("fixtures/setup.input.json", "{\"a\": {\"b\": 1}}");
        files.put("fixtures/ingest.request.json", MESSAGE);
        files.put("fixtures/emit.request.json", EVENT);
    }

    private static PackResult run(Harness harness, Path pack) throws InterruptedException {
        Report report = harness.run(List.of(pack), result -> {});
        assertThat(report.packs()).hasSize(1);
        return report.packs().get(0);
    }

    private static PackResult dryRun(Path pack) throws InterruptedException {
        return run(Harness.dryRun(), pack);
    }

    private static List<String> said(PackResult result) {
        return result.diagnostics().stream().map(Report.Diagnostic::message).toList();
    }

    @Test
    void theFixturePackPasses() throws Exception {
        Path archive = FixturePack.write(directory.resolve("new"));
        assertThat(Harness.find(directory.resolve("new"))).containsExactly(archive);
        assertThat(Pack.open(archive, PackTrust.lenient()).verification().status())
                .isEqualTo(PackVerification.Status.UNTRUSTED);
        try (var left = Files.list(directory.resolve("new"))) {
            assertThat(left).containsExactly(archive);
        }
        PackResult result = dryRun(archive);
        assertThat(result.diagnostics())
                .as("of %s", result)
                .noneMatch(one -> one.message().contains("missing"));
        assertThat(result.outcome()).isEqualTo(Outcome.PASS);
        assertThat(result.stages())
                .containsEntry(Stage.REQUIREMENTS, Outcome.PASS)
                .containsEntry(Stage.SETUP, Outcome.PASS)
                .containsEntry(Stage.INGEST, Outcome.PASS)
                .containsEntry(Stage.EMIT, Outcome.PASS)
                .containsEntry(Stage.SUBSCRIPTIONS, Outcome.SKIP);
        assertThat(result.pack()).isEqualTo("events-dummy");
        assertThat(result.version()).isEqualTo("0.1.0");
    }

    @Test
    void theReportIsThatOfTheOriginal() throws Exception {
        documented();
        Report report =
                Harness.dryRun().run(List.of(pack("broker"), directory.resolve("nothing.gtpack")), result -> {});
        Map<?, ?> tree = Payload.json(report.json()).as(Map.class);
        assertThat(tree.get("summary")).isEqualTo(Map.of("total", 2, "pass", 1, "fail", 1, "skip", 0));
        Map<?, ?> first = (Map<?, ?>) ((List<?>) Objects.requireNonNull(tree.get("packs"))).get(0);
        assertThat(first.keySet().stream().map(String::valueOf))
                .containsExactly("pack", "version", "status", "stages", "diagnostics", "timing_ms");
        assertThat(first.get("stages"))
                .isEqualTo(Map.of(
                        "requirements",
                        "pass",
                        "setup",
                        "pass",
                        "ingest",
                        "skip",
                        "emit",
                        "skip",
                        "subscriptions",
                        "pass"));
        Map<?, ?> second = (Map<?, ?>) ((List<?>) Objects.requireNonNull(tree.get("packs"))).get(1);
        assertThat(second.get("pack")).isEqualTo("nothing");
        assertThat(second.get("version")).isEqualTo("unknown");
        assertThat(report.json()).contains("      \"stage\": null,\n");
    }

    /** Kinds and what they are tried with. */
    @ParameterizedTest
    @ValueSource(strings = {"source", "sink", "bridge", "broker"})
    void aStageRunsWhereAProviderAsksForIt(String kind) throws Exception {
        documented();
        Map<Stage, Outcome> stages = dryRun(pack(kind)).stages();
        assertThat(stages.get(Stage.INGEST))
                .isEqualTo(List.of("source", "bridge").contains(kind) ? Outcome.PASS : Outcome.SKIP);
        assertThat(stages.get(Stage.EMIT))
                .isEqualTo(List.of("sink", "bridge").contains(kind) ? Outcome.PASS : Outcome.SKIP);
        assertThat(stages.get(Stage.SUBSCRIPTIONS)).isEqualTo(kind.equals("broker") ? Outcome.PASS : Outcome.SKIP);
    }

    /** The fixtures of the packs that exist: other keys, plans with operations, and requests that are no envelopes. */
    @Test
    void fixturesOfRealPacksAreChecked() throws Exception {
        files.put("assets/fixtures/requirements.expected.json", """
                {"requirements": {"config_keys": ["sms.from"], "secret_keys": ["TOKEN"], "webhook_required": true, "subscriptions_required": true}}""");
        files.put("assets/fixtures/setup.expected.plan.json", """
                {"config_patch": {"sms.from": "+1"}, "secrets_patch": {"set": {"TOKEN": {"redacted": true, "value": null}}, "delete": []},
                 "webhook_ops": [{"op": "create", "id": "hook", "url": "https://example.org"}],
                 "subscription_ops": [{"op": "create", "id": "sub-1", "metadata": {}}], "oauth_ops": [], "notes": []}""");
        files.put("assets/fixtures/subscriptions.expected.json", "[{\"op\": \"create\", \"id\": \"sub-1\"}]");
        files.put(
                "assets/fixtures/ingest.request.json",
                "{\"method\": \"POST\", \"path\": \"/in\", \"body\": {\"From\": \"+1\"}}");
        files.put("assets/fixtures/emit.request.json", "{\"to\": \"+2\", \"text\": \"hi\"}");
        PackResult result = dryRun(pack("source", "sink"));
        assertThat(result.outcome()).as("%s", result).isEqualTo(Outcome.PASS);
        assertThat(result.stages().get(Stage.SUBSCRIPTIONS)).isEqualTo(Outcome.PASS);

        files.put("assets/fixtures/subscriptions.expected.json", "[{\"op\": \"create\", \"id\": \"sub-2\"}]");
        PackResult other = dryRun(pack("source", "sink"));
        assertThat(other.stages().get(Stage.SUBSCRIPTIONS)).isEqualTo(Outcome.FAIL);
        assertThat(said(other)).anyMatch(said -> said.contains("sub-2") && said.contains("sub-1"));
    }

    /** What would have passed unseen in the original. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"some_keys\": []}|none of",
                "[]|not an object",
                "{\"required_config_keys\": \"a\"}|must be a list of texts",
                "{\"subscriptions_required\": 1}|true or false",
                "{\"required_secret_keys\": [\"X\"]}|required secret X",
                "{\"required_config_keys\": [\"a.c\"]}|required configuration key a.c",
                "{\"webhooks_required\": true}|webhooks are required",
                "{nonsense|not JSON"
            })
    void requirementsThatAreNotMetFail(String documentAndMessage) throws Exception {
        String[] parts = documentAndMessage.split("\\|", -1);
        documented();
        files.put("fixtures/requirements.expected.json", parts[0]);
        PackResult result = dryRun(pack("broker"));
        assertThat(result.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(said(result)).anyMatch(said -> said.contains(parts[1]));
    }

    @Test
    void whatIsMissingIsNamed() throws Exception {
        assertThat(said(dryRun(pack("broker"))))
                .containsExactly("the pack has no fixtures/requirements.expected.json, also not below assets/");
        documented();
        files.remove("fixtures/ingest.request.json");
        files.remove("fixtures/setup.input.json");
        Files.delete(directory.resolve("events-shop/pack.yaml"));
        PackResult result = dryRun(pack("bridge"));
        assertThat(said(result)).anyMatch(said -> said.contains("setup.input.json"));
        assertThat(said(result)).anyMatch(said -> said.contains("ingest.request.json"));
        assertThat(result.stages()).containsEntry(Stage.EMIT, Outcome.PASS);
    }

    @Test
    void envelopesThatAreBrokenFail() throws Exception {
        documented();
        files.put("fixtures/ingest.request.json", MESSAGE.replace("\"s-1\"", "7"));
        files.put("fixtures/emit.request.json", EVENT.replace("2025-01-01T00:00:00Z", "yesterday"));
        PackResult result = dryRun(pack("bridge"));
        assertThat(result.stages()).containsEntry(Stage.INGEST, Outcome.FAIL).containsEntry(Stage.EMIT, Outcome.FAIL);
    }

    @Test
    void providersAreChosenByTheirName() throws Exception {
        documented();
        Path pack = pack("source", "broker");
        PackResult one = run(Harness.dryRun().provider("broker-one"), pack);
        assertThat(one.stages())
                .containsEntry(Stage.INGEST, Outcome.SKIP)
                .containsEntry(Stage.SUBSCRIPTIONS, Outcome.PASS);
        PackResult none = run(Harness.dryRun().provider("broker"), pack);
        assertThat(none.outcome()).isEqualTo(Outcome.FAIL);
        assertThat(said(none)).anyMatch(said -> said.contains("broker-one"));
    }

    @Test
    void aPackWithoutProvidersFails() throws Exception {
        documented();
        assertThat(said(dryRun(pack()))).anyMatch(said -> said.contains("no events section"));
    }

    private static final String SETUP_FLOW = """
            id: setup_shop
            start: ask
            nodes:
              ask:
                questions:
                  fields:
                    - {id: name, default: shop}
                    - {id: token}
                routing: [{to: plan}]
              plan:
                template: |
                  {"node_id": "plan", "node": {"config_patch": {"a": {"b": {{json name}} } },
                   "secrets_patch": {"TOKEN": {{json token}} }
                   {{#ifEq name "shop"}}, "webhooks": [{"action": "create", "name": "{{default hook "in"}}"}]{{/ifEq}} } }
                routing: [{out: true}]
            """;

    @Test
    void aFlowAsksAndPlans() throws Exception {
        documented();
        files.put(
                "fixtures/requirements.expected.json",
                "{\"required_config_keys\": [\"a.b\"], \"required_secret_keys\": [\"TOKEN\"], \"webhooks_required\": true}");
        files.put("fixtures/setup.input.json", "{\"token\": \"hu\\\"sh\"}");
        files.put("flows/setup_shop.ygtc", SETUP_FLOW);
        PackResult result = dryRun(pack("broker"));
        assertThat(result.outcome()).as("%s", result).isEqualTo(Outcome.PASS);
        assertThat(result.toString()).doesNotContain("hu");

        // The same out of an archive, where flows have a directory of their own.
        Path archive = directory.resolve("events-shop.gtpack");
        PackBuilder.build(pack("broker"), archive);
        assertThat(dryRun(archive).outcome()).isEqualTo(Outcome.PASS);

        // Whoever is not the shop gets no webhook, which is required.
        files.put("fixtures/setup.input.json", "{\"token\": \"s\", \"name\": \"other\"}");
        assertThat(said(dryRun(pack("broker")))).anyMatch(said -> said.contains("webhooks are required"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{to: plan}|{to: ask}|comes back",
                "{to: plan}|[{to: plan}, {to: other}]|branches",
                "{to: plan}|{to: nowhere}|is not there",
                "questions:|script:|neither questions nor a template",
                "{id: token}|{id: other}|question other has no answer",
                "{{json name}}|{{{{|cannot be filled in",
                "{{json name}}|{{> etc/passwd}}|refers to another",
                "{{json name}}|{{include \"x\"}}|not for packs",
                "{{json name}}|{{precompile \"x\"}}|not for packs",
                "{{json name}}|{{name}}|gives no JSON",
                "\"node_id\"|\"id\"|node_id and node"
            })
    void aFlowThatCannotBeRunFailsItsStage(String change) throws Exception {
        String[] parts = change.split("\\|", -1);
        documented();
        files.put("fixtures/setup.input.json", "{\"token\": \"x\", \"a\": {\"b\": 1}}");
        files.put("flows/setup_shop.ygtc", SETUP_FLOW.replace(parts[0], parts[1]));
        PackResult result = dryRun(pack("broker"));
        assertThat(result.stages().get(Stage.SETUP)).isEqualTo(Outcome.FAIL);
        assertThat(said(result)).anyMatch(said -> said.contains(parts[2]));
    }

    @Test
    void aTemplateThatNestsTooDeeplyFailsItsStage() throws Exception {
        documented();
        files.put("fixtures/setup.input.json", "{\"token\": \"x\"}");
        files.put("flows/setup_shop.ygtc", SETUP_FLOW.replace("{{json name}}", "{{#if name}}".repeat(20_000)));
        PackResult result = dryRun(pack("broker"));
        assertThat(result.stages().get(Stage.SETUP)).isEqualTo(Outcome.FAIL);
        assertThat(result.stages().get(Stage.SUBSCRIPTIONS)).isEqualTo(Outcome.PASS);
    }

    /** A template sees answers, not the classes they are of. */
    @Test
    void templatesReachNoClasses() throws Exception {
        documented();
        files.put("fixtures/setup.input.json", "{\"token\": \"x\"}");
        files.put(
                "flows/setup_shop.ygtc",
                SETUP_FLOW.replace("{{json name}}", "\"{{token.class.name}}{{token.bytes}}\""));
        files.put("fixtures/requirements.expected.json", "{\"required_config_keys\": [\"a.b\"]}");
        assertThat(dryRun(pack("broker")).toString()).doesNotContain("java.lang");
    }

    // Live.

    private Map<String, String> environment(String bridge, String broker) {
        return new HashMap<>(Map.of(
                "GREENTIC_EVENTS_E2E_LIVE",
                "1",
                "GREENTIC_EVENTS_E2E_ALLOW_NETWORK",
                "1",
                "GREENTIC_EVENTS_E2E_LIVE_BRIDGE_CMD",
                bridge,
                "GREENTIC_EVENTS_E2E_LIVE_BROKER_CMD",
                broker));
    }

    private static String example(String script) {
        return Path.of("..", "examples", "process", script)
                .toAbsolutePath()
                .normalize()
                .toString();
    }

    @Test
    void liveNeedsBothGuards() {
        for (String guard : List.of("GREENTIC_EVENTS_E2E_LIVE", "GREENTIC_EVENTS_E2E_ALLOW_NETWORK")) {
            Map<String, String> environment = environment("x", "y");
            environment.put(guard, "yes");
            assertThatThrownBy(() -> Harness.live(environment))
                    .isInstanceOfSatisfying(
                            EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_CONFIGURATION))
                    .hasMessageContaining(guard)
                    .hasMessageContaining("'yes'");
        }
    }

    /** The commands are the scripts of the examples. */
    @Test
    void commandsPlayTheComponents() throws Exception {
        documented();
        Harness live = Harness.live(environment(
                "sh " + example("bridge.sh"), "sh " + example("broker.sh") + " " + directory.resolve("broker")));
        PackResult result = run(live, pack("bridge", "broker"));
        // The script's events have no subject, which the protocol wants of them.
        assertThat(result.stages())
                .containsEntry(Stage.INGEST, Outcome.FAIL)
                .containsEntry(Stage.EMIT, Outcome.PASS)
                .containsEntry(Stage.SUBSCRIPTIONS, Outcome.PASS);
        assertThat(said(result)).anyMatch(said -> said.contains("has no subject"));
        assertThat(Files.readString(directory.resolve("broker/acknowledged"))).isNotBlank();
    }

    /** A command that hangs is killed with all that it started, and the next pack gets its turn. */
    @Test
    void aCommandThatHangsIsKilled() throws Exception {
        documented();
        Path script = directory.resolve("hang.sh");
        Path pid = directory.resolve("pid");
        Files.writeString(script, "sleep 300 &\necho $! > " + pid + "\nwait\n");
        Harness live = Harness.live(environment("sh " + script, "sh " + script)).timeout(Duration.ofSeconds(2));
        PackResult result = run(live, pack("bridge"));
        assertThat(result.stages()).containsEntry(Stage.INGEST, Outcome.FAIL).containsEntry(Stage.EMIT, Outcome.FAIL);
        long child = Long.parseLong(Files.readString(pid).strip());
        Optional<ProcessHandle> alive = ProcessHandle.of(child);
        if (alive.isPresent()) {
            assertThat(alive.get().onExit()).succeedsWithin(Duration.ofSeconds(10));
        }
        assertThat(said(result)).anyMatch(said -> said.contains("killed"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"echo {}", "echo nonsense", "false", "/nowhere/at/all"})
    void answersThatAreNoneFail(String command) throws Exception {
        documented();
        PackResult result = run(Harness.live(environment(command, command)), pack("bridge", "broker"));
        assertThat(result.stages())
                .containsEntry(Stage.INGEST, Outcome.FAIL)
                .containsEntry(Stage.EMIT, Outcome.FAIL)
                .containsEntry(Stage.SUBSCRIPTIONS, Outcome.FAIL);
    }

    @Test
    void aCommandThatIsNotNamedIsAskedFor() throws Exception {
        documented();
        Map<String, String> environment = environment("x", "y");
        environment.remove("GREENTIC_EVENTS_E2E_LIVE_BROKER_CMD");
        PackResult result = run(Harness.live(environment), pack("broker"));
        assertThat(said(result)).anyMatch(said -> said.contains("GREENTIC_EVENTS_E2E_LIVE_BROKER_CMD is not set"));
    }

    @Test
    void aDirectoryWithoutPacksIsRefused() {
        assertThatThrownBy(() -> Harness.find(directory))
                .isInstanceOf(EventsException.class)
                .hasMessageContaining("events-*.gtpack");
        assertThatThrownBy(() -> Harness.find(directory.resolve("none"))).isInstanceOf(EventsException.class);
    }
}
