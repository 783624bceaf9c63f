package ai.greentic.events.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.Caller;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.EventBusBuilder;
import ai.greentic.events.bus.ProviderStatus;
import ai.greentic.events.delivery.Backoff;
import ai.greentic.events.delivery.RetryPolicy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SettingsTest {
    @TempDir
    Path home;

    private final Map<String, String> environment = new LinkedHashMap<>();
    private Path project;

    @BeforeEach
    void project() throws IOException {
        project = Files.createDirectories(home.resolve("project"));
        Files.createDirectories(project.resolve(".git"));
        environment.put("HOME", home.toString());
    }

    private SettingsLoader loader() throws IOException {
        return Settings.loader()
                .environment(environment)
                .workingDirectory(Files.createDirectories(project.resolve("deep/down")));
    }

    private void user(String toml) throws IOException {
        Files.createDirectories(home.resolve(".config/greentic"));
        Files.writeString(home.resolve(".config/greentic/config.toml"), toml);
    }

    private void project(String toml) throws IOException {
        Files.createDirectories(project.resolve(".greentic"));
        Files.writeString(project.resolve(".greentic/config.toml"), toml);
    }

    /** D34: the keys about connections say what they say, all of them, and nothing about publishing. */
    @Test
    void reconnectionIsAsItsKeysSay() throws IOException {
        RetryPolicy byDefault = loader().load().reconnection();
        assertThat(byDefault.maxRetries()).isEqualTo(50);
        assertThat(byDefault.backoff()).isEqualTo(Backoff.EXPONENTIAL_WITH_JITTER);
        assertThat(byDefault.delay(2, 1)).isEqualTo(Duration.ofMillis(500));
        project("""
                [events.backoff]
                initial_ms = 100
                max_ms = 400
                multiplier = 3.0
                jitter = false
                [events.reconnect]
                max_retries = 7
                """);
        RetryPolicy own = loader().load().reconnection();
        assertThat(own.maxRetries()).isEqualTo(7);
        assertThat(own.delay(2, 0)).isEqualTo(Duration.ofMillis(300));
        assertThat(own.delay(3, 0)).isEqualTo(Duration.ofMillis(400));
        project("[events.backoff]\nmultiplier = 1.0\n[events.reconnect]\nenabled = false\n");
        RetryPolicy off = loader().load().reconnection();
        assertThat(off.maxRetries()).isZero();
        assertThat(off.backoff()).isEqualTo(Backoff.FIXED);
    }

    @Test
    void defaultsAreUpstreams() throws IOException {
        Settings settings = loader().load();
        assertThat(settings.env()).isEqualTo("dev");
        assertThat(settings.text("paths.greentic_root")).contains(project.toString());
        assertThat(settings.text("paths.state_dir"))
                .contains(project.resolve(".greentic").toString());
        assertThat(settings.text("packs.cache_dir"))
                .contains(project.resolve(".greentic/cache/packs").toString());
        assertThat(settings.text("packs.source.path"))
                .contains(project.resolve(".greentic/packs/index.json").toString());
        assertThat(settings.text("events.backoff.multiplier")).contains("2.0");
        assertThat(settings.warnings()).singleElement().asString().contains("telemetry.exporter is none");
        assertThat(settings.show())
                .contains("\"schema_version\": \"1\"")
                .contains("\"services\": null")
                .contains("\"trust\": null")
                .contains("\"deployment\": null")
                .contains("\"dev\": null");
    }

    @Test
    void layersOverrideLeafByLeafAndSayWhereAValueComesFrom() throws IOException {
        user("[events.backoff]\ninitial_ms = 10\nmax_ms = 100\n[network]\nproxy_url = \"http://u:p@proxy:1\"\n");
        project("[events.backoff]\nmax_ms = 200\n[environment]\nenv_id = \"staging\"\n");
        environment.put("GREENTIC_EVENTS_BACKOFF_JITTER", "off");
        environment.put("GREENTIC_EVENTS_BACKOFF_MULTIPLIER", "2.1");
        Path file = Files.writeString(home.resolve("cli.json"), "{\"events\":{\"reconnect\":{\"max_retries\":7}}}");
        Settings settings = loader().configFile(file).load();
        assertThat(settings.value("events.backoff.initial_ms"))
                .contains(new Value(
                        10L,
                        Layer.USER,
                        home.resolve(".config/greentic/config.toml").toString()));
        assertThat(settings.value("events.backoff.max_ms").orElseThrow().layer())
                .isEqualTo(Layer.PROJECT);
        assertThat(settings.value("events.backoff.jitter"))
                .contains(new Value(false, Layer.ENV, "GREENTIC_EVENTS_BACKOFF_JITTER"));
        assertThat(settings.text("events.backoff.multiplier"))
                .as("not through a float")
                .contains("2.1");
        assertThat(settings.value("events.reconnect.max_retries")).contains(new Value(7L, Layer.CLI, file.toString()));
        assertThat(settings.value("events.reconnect.enabled").orElseThrow().layer())
                .isEqualTo(Layer.DEFAULT);
        assertThat(settings.explainJson())
                .contains(
                        "\"events.backoff.initial_ms\": \"user\"",
                        "\"events.backoff.max_ms\": \"project\"",
                        "\"origins\"")
                .doesNotContain("u:p@");
        assertThat(settings.explain())
                .startsWith("Configuration:\n- schema_version: 1\n- environment.env_id: staging (project)\n")
                .contains("- events.backoff.initial_ms: 10 (user)")
                .contains("- events.reconnect.max_retries: 7 (cli, ");
    }

    @Test
    void aConfigFileInDotGreenticTellsTheRoot() throws IOException {
        Path other = Files.createDirectories(home.resolve("other/.greentic"));
        Path file = Files.writeString(other.resolve("special.toml"), "paths.logs_dir = \"logs\"\n");
        Settings settings = loader().configFile(file).load();
        assertThat(settings.text("paths.logs_dir"))
                .contains(home.resolve("other/logs").toString());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "events.backoff.initial_ms = 0|events.backoff.initial_ms is 0",
                "events.backoff.max_ms = 1|must not be below",
                "events.backoff.multiplier = 0.5|at least 1",
                "events.backoff.multiplier = 'fast'|must be a decimal number",
                "telemetry.sampling = 1.5|between 0 and 1",
                "environment.env_id = 'a b'|must be an identifier",
                "environment.connection = 'maybe'|one of online, offline",
                "events.reconnect.enabled = 'perhaps'|1/true/yes/on",
                "events.reconnect.max_retries = -1|0 to 4294967295",
                "services.runner.url = 'http://x'|services.runner.kind is not set",
                "services.runner.kind = 'http'|services.runner.url is not set",
                "services.runner.kind = 'carrier pigeon'|one of noop, http, nats",
                "services.runner.service.port = 70000|0 to 65535",
                "packs.source.type = 'http_index'|packs.source.url is not set",
                "packs.source.type = 'oci_registry'|packs.source.reference is not set",
                "deployer.base_domain = '-bad-.example'|must be a DNS name",
                "environment = 5|is not a known setting",
                "events.access.rules = [{effect = 'alow', actions = ['publish']}]|must be allow or deny",
                "events.access.rules = [{effect = 'allow', actions = ['pubish']}]|did you mean publish?",
                "events.access.rules = [{effect = 'allow', actions = ['publish'], topik = 'a'}]|did you mean topic?",
                "events.access.rules = [{effect = 'allow', actions = ['publish'], topic = 'a b'}]|topic pattern 'a b'",
                "events.providers.x.retry.strategy = 'fixxed'|did you mean fixed?",
                "a = [1|line 2, column 1",
            })
    void P14_badSettingsAreRefusedWithKeyValueAndRule(String toml, String message) throws IOException {
        project(toml + "\n");
        assertThatThrownBy(() -> loader().strict(true).load())
                .isInstanceOf(EventsException.class)
                .hasMessageContaining(message);
    }

    @Test
    void unknownKeysAndVariablesAreWarningsAndUnderStrictErrors() throws IOException {
        project("events.reconect.enabled = true\nsurprise = 1\n");
        environment.put("GREENTIC_TELEMETRY_SAMPLING", "often");
        environment.put("GREENTIC_TELEMETRY_SAMPLIN", "1");
        environment.put("GREENTIC_ENVIRONMENT_DEPLOYMENT", "{}");
        environment.put("GREENTIC_BE_QUEUE_GROUP", "another program's");
        assertThat(loader().load().warnings())
                .anyMatch(w ->
                        w.contains("events.reconect.enabled") && w.contains("did you mean events.reconnect.enabled?"))
                .anyMatch(w -> w.contains("surprise"))
                .anyMatch(w -> w.contains("GREENTIC_TELEMETRY_SAMPLING is 'often'"))
                .anyMatch(w -> w.contains("GREENTIC_TELEMETRY_SAMPLIN ")
                        && w.contains("did you mean GREENTIC_TELEMETRY_SAMPLING?"))
                .anyMatch(w -> w.contains("GREENTIC_ENVIRONMENT_DEPLOYMENT"))
                .noneMatch(w -> w.contains("QUEUE_GROUP"));
        assertThatThrownBy(() -> loader().strict(true).load())
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.problems()).hasSize(5));
    }

    @Test
    void developmentMeansExactNames() throws IOException {
        project("[environment]\nenv_id = \"device-prod\"\n[dev]\ndefault_tenant = \"acme\"\n");
        assertThatThrownBy(() -> loader().load())
                .hasMessageContaining("device-prod")
                .hasMessageContaining("--allow-dev");
        assertThat(loader().allowDev(true).load().warnings()).anyMatch(w -> w.contains("default_team"));
        environment.put("GREENTIC_ENVIRONMENT_ENV_ID", "DEV");
        loader().load();
    }

    @Test
    void P13_whatMayBeASecretIsHidden() throws IOException {
        project(
                "[events.providers.x]\npassword = \"hunter2\"\napi_key = \"env:KEY\"\n"
                        + "[services.events]\nurl = \"http://user:hunter2@127.0.0.1/\"\nheaders = {authorization = \"hunter2\"}\n");
        Settings settings = loader().load();
        for (String shown :
                new String[] {settings.show(), settings.explain(), settings.explainJson(), settings.list()}) {
            assertThat(shown).doesNotContain("hunter2").contains("env:KEY");
        }
    }

    @Test
    void aMissingConfigFileIsAnError() {
        assertThatThrownBy(
                        () -> loader().configFile(home.resolve("nowhere.toml")).load())
                .hasMessageContaining("nowhere.toml")
                .hasMessageContaining("does not exist");
    }

    @Test
    void configuresABus() throws IOException {
        project("""
                [events.providers.same]
                max_events = 5
                retry.max_retries = 9
                retry.base_delay_ms = 20
                [events.packs.p.providers.same]
                retry.base_delay_ms = 30
                [events.routes]
                "vip.*" = "other"
                [events.access]
                default = "deny"
                rules = [
                  {tenant_pattern = "acme", topic_pattern = "secret.*", allow_publish = false, allow_subscribe = false},
                  {effect = "allow", actions = ["publish", "subscribe"], topic = "*", team = "ops"},
                ]
                """);
        Settings settings = loader().strict(true).load();
        EventBusBuilder builder = EventBus.builder()
                .provider("same", "memory", "*")
                .provider("other", "memory", "o.*")
                .declare(new ai.greentic.events.bus.ProviderDeclaration(
                        "p",
                        new ai.greentic.events.ProviderDescriptor(
                                "same",
                                ai.greentic.events.ProviderDescriptor.Kind.SINK,
                                "memory",
                                ai.greentic.events.ProviderDescriptor.Reliability.AT_LEAST_ONCE,
                                ai.greentic.events.ProviderDescriptor.Ordering.NONE,
                                null,
                                java.util.List.of()),
                        java.util.List.of(),
                        ai.greentic.events.delivery.ProviderOverrides.NONE));
        try (EventBus bus = builder.with(settings).build()) {
            ProviderStatus first = bus.providers().get(0);
            assertThat(first.retry().maxRetries()).isEqualTo(9);
            assertThat(first.retry().baseDelay()).isEqualTo(Duration.ofMillis(20));
            assertThat(bus.providers().get(2).retry().baseDelay()).isEqualTo(Duration.ofMillis(30));
            assertThat(bus.explainRoute(new ai.greentic.events.Topic("vip.a")).provider())
                    .isEqualTo("other");
        }
        AccessPolicy policy = settings.accessPolicy();
        Caller ops = new Caller("app", "ops", null);
        assertThat(policy.decide(ops, new Tenant("dev", "acme"), AccessAction.PUBLISH, "secret.a")
                        .allowed())
                .isFalse();
        assertThat(policy.decide(ops, new Tenant("dev", "globex"), AccessAction.PUBLISH, "secret.a")
                        .allowed())
                .isTrue();
        assertThat(policy.decide(Caller.HOST, new Tenant("dev", "globex"), AccessAction.PUBLISH, "a")
                        .allowed())
                .isFalse();
    }
}
