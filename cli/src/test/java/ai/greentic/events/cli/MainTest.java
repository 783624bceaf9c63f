package ai.greentic.events.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.DeadLetters;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.RedriveOptions;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.spi.DeadLetterFilter;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MainTest {
    private static final String PACK = Path.of("../examples/packs/quickstart").toString();

    @TempDir
    Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        String[] more = java.util.Arrays.copyOf(args, args.length + (args.length == 0 ? 0 : 2));
        if (args.length > 0) {
            more[args.length] = "--state-dir";
            more[args.length + 1] = directory.resolve("state").toString();
        }
        return Main.run(new PrintWriter(out), new PrintWriter(err), more);
    }

    /** Wrong use: exit status, and what the message must name. {@code PACK} stands for the example, {@code DIR} for an empty folder. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "|2|a command is required",
                "publsh|2|publish",
                "inspect|2|--pack",
                "inspect --pack DIR|4|no pack.yaml",
                "inspect --pack DIR/none|4|does not exist",
                "validate|2|needs a pack",
                "validate DIR/none|4|does not exist",
                "validate oci://X/Y|2|no reference of a registry",
                "pull|2|REFERENCE",
                "pull oci://127.0.0.1:1/none|5|REGISTRY_UNAVAILABLE",
                "inspect --pack PACK --log-format xml|2|--log-format",
                "e2e|2|--packs",
                "e2e --packs DIR|4|events-*.gtpack",
                "e2e --packs DIR --live --dry-run|2|opposites",
                "e2e --packs DIR --live|4|GREENTIC_EVENTS_E2E_LIVE is not set",
                "e2e --packs DIR --report DIR/r|4|GREENTIC_EVENTS_E2E_ALLOW_WRITE",
                "fixture|2|--out",
                "fixture --out /proc/none|2|cannot be written to /proc/none",
                "pack|2|build or sign",
                "pack build DIR|4|no pack.yaml",
                "pack build PACK -o DIR/none/x.gtpack|2|cannot be written",
                "pack sign DIR/none --key DIR/k --chain DIR/c|2|cannot be read",
                "inspect --pack PACK --trust DIR/none|4|trusted keys",
                "inspect --pack oci://127.0.0.1:1/x|5|nobody answers at 127.0.0.1:1",
                "inspect --pack PACK --jsn|2|--json",
                "publish --pack PACK --tenant acme orders.created|2|payload",
                "publish --pack PACK --tenant acme orders.created {|2|not JSON",
                "publish --pack PACK --tenant acme orders.created 1 --file x|2|payload once",
                "publish --pack PACK --tenant acme orders.created --file DIR/none|2|not a file",
                "publish --pack PACK orders.created 1|2|--tenant",
                "publish --pack PACK --tenant a/b orders.created 1|2|tenant id",
                "publish --pack PACK --tenant acme orders.* 1|2|wildcards",
                "publish --pack PACK --tenant acme nobody.cares 1|4|no broker or sink carries",
                "publish --pack PACK --tenant acme orders.created 1 --metadata x|2|KEY=VALUE",
                "publish --pack PACK --pack PACK --tenant acme orders.created 1|2|repeats the pack id",
                "publish --pack PACK --tenant acme orders.created 1 --provider-path DIR/x.jar|2|not a file",
                "publish --pack PACK --tenant acme orders.created 1 --config DIR/x.toml|4|does not exist",
                "subscribe --pack PACK --tenant acme orders.* --timeout soon|2|10s",
                "subscribe --pack PACK --tenant acme orders.* --count 0|2|at least 1",
                "subscribe --pack PACK --tenant acme orders.* --count x|2|--count",
                "subscribe --pack PACK --tenant acme orders.* --from yesterday|2|earliest",
                "subscribe --pack PACK --tenant acme nobody.* --timeout 1s|4|nobody.*",
                "subscribe --pack PACK --tenant acme a b --timeout 1s|2|topic pattern",
                "subscribe --pack PACK --tenant acme orders.* --group a/b --timeout 1s|2|letters",
                "subscribe --pack PACK --tenant * orders.* --timeout 1s|3|all tenants",
                "publish --pack PACK --tenant acme orders.created 1 --ttl soon|2|--ttl is 'soon'",
                "publish --pack PACK --tenant acme orders.created 1 --priority urgent|2|low, normal, high",
                "dlq|2|list, groups, show, export, redrive or purge",
                "topics --tenant acme|4|there is no store in it",
                "subscriptions --tenant acme --forget g|4|there is no store in it",
                "doctor|4|there is no store in it",
                "backup|2|FILE",
                "dlq list|2|--tenant",
                "dlq list --tenant acme --after yesterday|2|2025-01-01T00:00:00Z",
                "dlq list --tenant acme --code NOPE|2|--code",
                "dlq show --tenant acme dl-1|2|there is no dead letter dl-1",
                "dlq redrive --tenant acme|2|--pack",
                "dlq redrive --pack PACK --tenant acme --rate 0|2|must be positive",
                "dlq purge --tenant acme|2|or say --all",
                "explain|2|route or access",
                "explain route --pack PACK nobody.cares|4|no broker",
                "explain access --tenant acme --action dance x|2|PUBLISH",
                "config|2|show or explain",
            })
    void wrongUseIsExplainedWithoutStackTrace(String line, int status, String message) {
        String[] args = line == null
                ? new String[0]
                : java.util.Arrays.stream(line.split(" "))
                        .map(arg -> arg.replace("PACK", PACK).replace("DIR", directory.toString()))
                        .toArray(String[]::new);
        if (line != null && line.contains("a b")) {
            args = new String[] {"subscribe", "--pack", PACK, "--tenant", "acme", "a b", "--timeout", "1s"};
        }
        assertThat(run(args)).as(err.toString()).isEqualTo(status);
        assertThat(err.toString()).contains(message).doesNotContain("\tat ");
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void inspectPrintsTheOriginalsTextAndJson() {
        assertThat(run("--pack", PACK)).isZero();
        assertThat(out.toString())
                .startsWith("Providers:\n"
                        + "- orders (Broker, transport=Other(\"embedded\"), reliability=AtLeastOnce, ordering=PerKey)\n"
                        + "- billing (Broker, transport=Other(\"embedded\"), reliability=AtLeastOnce, ordering=None)\n")
                .contains("retry.max_retries = 5");
        out.getBuffer().setLength(0);
        assertThat(run("inspect", "--pack", PACK, "--json")).isZero();
        assertThat(out.toString()).contains("\"transport\":{\"other\":\"embedded\"}", "\"topics\":[\"orders.*\"]");
    }

    @Test
    void packsWithOneProviderNameAreKeptApartAndReported() throws IOException {
        Files.writeString(
                directory.resolve("pack.yaml"),
                "id: second\nversion: 1\nevents: {providers: [{name: orders, kind: bridge, component: c}]}\n");
        assertThat(run("inspect", "--pack", PACK, "--pack", directory.toString()))
                .isZero();
        assertThat(err.toString()).contains("orders stands in more than one pack");
        assertThat(out.toString()).contains("bridge orders:");
    }

    @Test
    void publishPrintsADurableReceipt() {
        assertThat(run(
                        "publish",
                        "--pack",
                        PACK,
                        "--tenant",
                        "acme",
                        "orders.created",
                        "{\"id\":1}",
                        "--json",
                        "--ordering-key",
                        "k"))
                .isZero();
        assertThat(out.toString())
                .matches(
                        "\\{\"event_id\":\"evt-[a-z0-9]{12}\",\"status\":\"PUBLISHED\",\"provider\":\"orders\",\"position\":\"1\",\"attempts\":1,\"durable\":true}\n");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void aTransportWithoutProviderRunsOnTheEmbeddedStoreOrIsRefused() throws IOException {
        Files.writeString(
                directory.resolve("pack.yaml"),
                "id: p\nversion: 1\nevents: {providers: [{name: q, kind: broker, component: c, capabilities: {transport: nats, topics: [a]}}]}\n");
        String[] publish = {"publish", "--pack", directory.toString(), "--tenant", "acme", "a", "1"};
        assertThat(run(publish)).isZero();
        assertThat(err.toString())
                .contains("provider q runs on the embedded store")
                .contains("nats");
        String[] strict = java.util.Arrays.copyOf(publish, publish.length + 1);
        strict[publish.length] = "--strict";
        assertThat(run(strict)).isEqualTo(4);
        assertThat(err.toString()).contains("providers.q.url is required");
    }

    @Test
    void subscribeThatRunsOutOfTimeExitsWithOne() {
        assertThat(run(
                        "subscribe",
                        "--pack",
                        PACK,
                        "--tenant",
                        "acme",
                        "orders.*",
                        "--count",
                        "1",
                        "--timeout",
                        "50ms"))
                .isOne();
        assertThat(run("subscribe", "--pack", PACK, "--tenant", "acme", "orders.*", "--timeout", "50ms"))
                .isZero();
    }

    @Test
    void accessRulesOfTheSettingsHold() throws IOException {
        Path config = Files.writeString(
                directory.resolve("c.toml"),
                "[events.access]\nrules = [{effect = \"allow\", actions = [\"publish\"], topic = \"orders.*\", caller = \"shop\"}]\n");
        assertThat(run(
                        "explain",
                        "access",
                        "--tenant",
                        "acme",
                        "--as",
                        "shop",
                        "orders.x",
                        "--config",
                        config.toString()))
                .isZero();
        assertThat(out.toString()).contains("allowed: rule 1");
        assertThat(run("--config", config.toString(), "explain", "access", "--tenant", "acme", "orders.x"))
                .isEqualTo(3);
        assertThat(out.toString()).contains("denied: no rule concerns it");
        assertThat(run("publish", "--config", config.toString(), "--pack", PACK, "--tenant", "acme", "orders.x", "1"))
                .isEqualTo(3);
        assertThat(err.toString()).contains("host may not publish orders.x of dev/acme");
    }

    @Test
    void tellsItsStory() {
        assertThat(run("try")).as(err.toString()).isZero();
        assertThat(out.toString())
                .contains("acme got {\"order\":\"anvil\"}")
                .contains("handled laser: paid, then anvil: paid (attempt 2), then anvil: shipped")
                .contains("1 x HANDLER_FAILED on billing.invoice.7 in invoices")
                .contains("put back 1, handled [invoice 7], left 0")
                .contains("DUPLICATE")
                .contains("refused: guest may not subscribe b*");
        assertThat(out.toString().lines().count()).as("one screen").isLessThan(25);
    }

    @Test
    void showsAndExplainsSettings() {
        assertThat(run("config", "show", "--json")).isZero();
        assertThat(out.toString()).contains("\"state_dir\": \"" + directory.resolve("state") + "\"");
        assertThat(run("config", "show")).isZero();
        assertThat(run("config", "explain")).isZero();
        assertThat(run("config", "explain", "--json")).isZero();
        assertThat(out.toString()).contains("Configuration:", "\"provenance\"");
        assertThat(err.toString()).contains("Warnings:\n- telemetry.enabled");
    }

    @Test
    void helpVersionAndCompletion() {
        assertThat(run("--help")).isZero();
        assertThat(run("publish", "--help")).isZero();
        assertThat(run("--version")).isZero();
        assertThat(run("completion")).isZero();
        assertThat(out.toString()).contains("greentic-events try", "--ordering-key", "complete -F");
    }

    @Test
    void listsGroupsShowsAndPutsBackDeadLetters() throws Exception {
        TenantContext acme = TenantContext.of("dev", "acme");
        boolean[] broken = {true};
        CountDownLatch handled = new CountDownLatch(1);
        try (EventBus bus = EventBus.builder()
                .provider("memory", "memory", "*")
                .deadLetterCopies(false)
                .build()) {
            bus.subscribe(acme, "orders.*", SubscribeOptions.group("g").maxAttempts(1), d -> {
                if (broken[0]) {
                    throw new IllegalStateException("secret");
                }
                handled.countDown();
            });
            bus.publish(acme, "orders.created", "the payload");
            DeadLetters letters = bus.deadLetters(acme);
            while (letters.list(DeadLetterFilter.ALL, 1).isEmpty()) {
                Thread.onSpinWait();
            }
            String id = letters.list(DeadLetterFilter.ALL, 1).get(0).id().value();
            PrintWriter to = new PrintWriter(out);
            assertThat(DlqCommand.list(letters, DeadLetterFilter.ALL, false, to))
                    .isZero();
            assertThat(DlqCommand.list(letters, DeadLetterFilter.ALL, true, to)).isZero();
            assertThat(DlqCommand.groups(letters, DeadLetterFilter.ALL, true, to))
                    .isZero();
            assertThat(DlqCommand.show(letters, id, to)).isZero();
            assertThat(out.toString())
                    .contains(id + "  ", "of g  HANDLER_FAILED  1 attempts  PARKED")
                    .contains("\"id\":\"" + id, "\"count\":1", "the payload")
                    .doesNotContain("secret");
            broken[0] = false;
            assertThat(DlqCommand.redrive(
                            letters, DeadLetterFilter.ALL, RedriveOptions.STANDARD.dryRun(true), true, to))
                    .isZero();
            assertThat(DlqCommand.redrive(letters, DeadLetterFilter.ALL, RedriveOptions.STANDARD, false, to))
                    .isZero();
            assertThat(handled.await(30, TimeUnit.SECONDS)).isTrue();
            assertThat(out.toString()).contains("would put back 1, resolved 0, refused 0", "put back 1, resolved 0");
        }
        assertThat(run("dlq", "list", "--tenant", "acme", "--json")).isZero();
        assertThat(run("dlq", "purge", "--tenant", "acme", "--all")).isZero();
        assertThat(run("dlq", "replay", "--pack", PACK, "--tenant", "acme")).isZero();
    }

    @Test
    void whatOneCommandDoesTheNextOneSees() throws Exception {
        String[] acme = {"--pack", PACK, "--tenant", "acme"};
        assertThat(run(with(acme, "publish", "orders.created", "{\"id\":1}"))).isZero();
        assertThat(run(with(acme, "publish", "orders.created", "{\"id\":2}"))).isZero();
        out.getBuffer().setLength(0);
        assertThat(run(with(acme, "subscribe", "orders.*", "--group", "g", "--from", "earliest", "--count", "1")))
                .isZero();
        assertThat(out.toString()).contains("{\"id\":1}").doesNotContain("{\"id\":2}");
        assertThat(run(with(acme, "subscribe", "orders.*", "--group", "g", "--count", "1")))
                .isZero();
        assertThat(out.toString()).contains("{\"id\":2}");
        out.getBuffer().setLength(0);
        assertThat(run("topics", "--tenant", "acme")).isZero();
        assertThat(run("topics", "--tenant", "acme", "--json")).isZero();
        assertThat(out.toString()).contains("orders.created  2 events", "\"events\":2");
        assertThat(run("subscriptions", "--tenant", "acme")).isZero();
        assertThat(run("subscriptions", "--tenant", "acme", "--json")).isZero();
        assertThat(out.toString()).contains("g  orders.*  members 0  lag 0", "\"lag\":0");
        assertThat(run("topics", "--tenant", "globex", "--json")).isZero();
        assertThat(run("subscriptions", "--tenant", "acme", "--forget", "g")).isZero();
        assertThat(run("subscriptions", "--tenant", "acme", "--forget", "g")).isEqualTo(2);
        assertThat(err.toString()).contains("no such group");
        assertThat(run("doctor")).isZero();
        assertThat(run("health", "--json")).isZero();
        assertThat(out.toString()).contains("healthy", "\"events\":\"2\"");
        Path copy = directory.resolve("copy.db");
        assertThat(run("backup", copy.toString())).isZero();
        assertThat(run("backup", copy.toString())).isEqualTo(2);
        assertThat(err.toString()).contains("exists already");
        assertThat(run("compact")).isZero();
        assertThat(copy).isNotEmptyFile();
    }

    @Test
    void deadLettersAreThereForTheNextCommand() throws Exception {
        TenantContext acme = TenantContext.of("dev", "acme");
        try (EventBus bus = EventBus.builder()
                .with(ai.greentic.events.pack.Pack.open(Path.of(PACK)))
                .stateDirectory(directory.resolve("state"))
                .build()) {
            CountDownLatch failed = new CountDownLatch(2);
            bus.subscribe(acme, "orders.*", SubscribeOptions.group("g").maxAttempts(1), d -> {
                failed.countDown();
                throw new IllegalStateException("broken");
            });
            bus.publish(acme, "orders.created", 1);
            bus.publish(acme, "orders.paid", 2);
            assertThat(failed.await(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(run("dlq", "list", "--tenant", "acme", "--topic", "orders.p*"))
                .isZero();
        assertThat(out.toString()).contains("orders.paid").doesNotContain("orders.created");
        assertThat(run("dlq", "groups", "--tenant", "acme")).isZero();
        assertThat(out.toString()).contains("1 x HANDLER_FAILED on orders.created in g");
        out.getBuffer().setLength(0);
        assertThat(run("dlq", "export", "--tenant", "acme")).isZero();
        assertThat(out.toString().lines()).hasSize(2).allMatch(line -> line.contains("\"event\":"));
        out.getBuffer().setLength(0);
        assertThat(run("dlq", "export", "--tenant", "globex")).isZero();
        assertThat(out.toString()).isEmpty();
        assertThat(run("dlq", "redrive", "--pack", PACK, "--tenant", "acme", "--progress"))
                .isZero();
        assertThat(out.toString()).contains("put back 2, resolved 0, refused 0");
        assertThat(run("subscribe", "--pack", PACK, "--tenant", "acme", "orders.*", "--group", "g", "--count", "2"))
                .isZero();
    }

    private static String[] with(String[] common, String verb, String... own) {
        java.util.List<String> all = new java.util.ArrayList<>(java.util.List.of(verb));
        all.addAll(java.util.List.of(own));
        all.addAll(java.util.List.of(common));
        return all.toArray(String[]::new);
    }
}
