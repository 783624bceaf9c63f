package ai.greentic.events.spi;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SettingsSchemaTest {
    private static final SettingsSchema SCHEMA = SettingsSchema.of(
            SettingsSchema.Setting.of("url", SettingsSchema.Type.TEXT, null, "Where to connect.")
                    .mandatory(),
            SettingsSchema.Setting.of("timeout", SettingsSchema.Type.DURATION, "10s", "How long to wait.")
                    .between(1, 60_000),
            SettingsSchema.Setting.of("retries", SettingsSchema.Type.INTEGER, 3L, "How often.")
                    .between(0, 10),
            SettingsSchema.Setting.of("tls", SettingsSchema.Type.FLAG, true, "Whether to encrypt."),
            SettingsSchema.Setting.of("mode", SettingsSchema.Type.TEXT, "fast", "How.")
                    .amongst("fast", "safe"),
            SettingsSchema.Setting.of("password", SettingsSchema.Type.TEXT, null, "Secret.")
                    .withSecrecy());

    @Test
    void parsesAndFillsInDefaults() {
        List<String> problems = new ArrayList<>();
        ProviderSettings settings =
                SCHEMA.parse(Map.of("url", "x", "timeout", "250ms", "retries", "7", "tls", "off"), "p", problems);
        assertThat(problems).isEmpty();
        assertThat(settings.duration("timeout")).isEqualTo(Duration.ofMillis(250));
        assertThat(settings.integer("retries")).isEqualTo(7);
        assertThat(settings.flag("tls")).isFalse();
        assertThat(settings.text("mode")).contains("fast");
        assertThat(settings.text("password")).isEmpty();
    }

    @Test
    void P14_reportsEveryProblemWithKeyValueRuleAndNearestKey() {
        List<String> problems = new ArrayList<>();
        SCHEMA.parse(
                Map.of("timeout", "61s", "retries", "many", "mode", "fsat", "timeuot", 1, "tls", "maybe"),
                "p",
                problems);
        assertThat(problems)
                .containsExactlyInAnyOrder(
                        "p.url is required: Where to connect.",
                        "p.timeout is '61s'; it must be between 1 and 60000 milliseconds",
                        "p.retries is 'many'; it must be an integer",
                        "p.mode is 'fsat'; it must be one of fast, safe; did you mean fast?",
                        "p.tls is 'maybe'; it must be true or false",
                        "p.timeuot is not a known setting; did you mean timeout?");
    }

    @Test
    void P13_hidesSecrets() {
        List<String> problems = new ArrayList<>();
        ProviderSettings settings = SCHEMA.parse(Map.of("url", "x", "password", "hunter2"), "p", problems);
        assertThat(settings.toString()).doesNotContain("hunter2").contains("password=(hidden)");
    }

    @Test
    void resolvesSecretsByReference(@org.junit.jupiter.api.io.TempDir java.nio.file.Path directory) throws Exception {
        java.nio.file.Path file = java.nio.file.Files.writeString(directory.resolve("secret"), "hunter2\n");
        List<String> problems = new ArrayList<>();
        assertThat(SCHEMA.parse(Map.of("url", "x", "password", "file:" + file), "p", problems)
                        .text("password"))
                .contains("hunter2");
        assertThat(SCHEMA.parse(Map.of("url", "x", "password", "env:PATH"), "p", problems)
                        .text("password"))
                .contains(System.getenv("PATH"));
        assertThat(problems).isEmpty();
        SCHEMA.parse(Map.of("url", "x", "password", "env:NO_SUCH_VARIABLE_HERE"), "p", problems);
        SCHEMA.parse(Map.of("url", "x", "password", "file:/no/such/file"), "p", problems);
        assertThat(problems)
                .containsExactly(
                        "p.password refers to the environment variable NO_SUCH_VARIABLE_HERE, which is not set",
                        "p.password refers to the file /no/such/file, which cannot be read");
    }
}
