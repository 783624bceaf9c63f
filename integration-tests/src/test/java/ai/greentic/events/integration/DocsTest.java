package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.config.Settings;
import ai.greentic.events.embedded.EmbeddedProviderFactory;
import ai.greentic.events.embedded.EmbeddedStoreFactory;
import ai.greentic.events.kafka.KafkaProviderFactory;
import ai.greentic.events.memory.MemoryProviderFactory;
import ai.greentic.events.nats.NatsProviderFactory;
import ai.greentic.events.spi.ProviderFactory;
import ai.greentic.events.spi.SettingsSchema;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Documentation that says what is true. */
class DocsTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    private static String read(String file) throws IOException {
        return Files.readString(ROOT.resolve(file));
    }

    private static List<Path> pages() throws IOException {
        try (Stream<Path> docs = Files.walk(ROOT.resolve("docs"));
                Stream<Path> top = Files.list(ROOT)) {
            return Stream.concat(docs, top)
                    .filter(p -> p.toString().endsWith(".md"))
                    .toList();
        }
    }

    @Test
    void everyErrorCodeHasAnEntryAndEveryEntryACode() throws IOException {
        List<String> entries = Pattern.compile("(?m)^\\| `([A-Z_]+)` \\| `([A-Z_]+)` \\| [^|]+\\. \\| [^|]+\\. \\|$")
                .matcher(read("docs/errors.md"))
                .results()
                .map(entry -> entry.group(1) + " " + entry.group(2))
                .toList();
        assertThat(entries)
                .containsExactlyElementsOf(Stream.of(ErrorCode.values())
                        .map(code -> code + " " + code.kind())
                        .toList());
    }

    @Test
    void theSettingsPageIsGeneratedFromTheSchemas() throws IOException {
        StringBuilder page = new StringBuilder("# Settings\n\nGenerated from the schemas; see CONTRIBUTING.md.\n\n"
                + "Layers, lowest first: defaults; the user's `greentic/config.toml`; the project's `.greentic/config.toml`; environment"
                + " variables; the command line with `--config FILE`. They merge leaf by leaf; `config explain` shows where a value comes"
                + " from. Unknown keys and unusable variables are warnings, with `--strict` errors. A secret is written as `env:NAME` or"
                + " `file:PATH`.\n\n");
        page.append(Settings.reference());
        page.append(
                "\nFurther keys: `events.routes.\"<pattern>\" = \"<provider>\"` routes explicitly;"
                        + " `events.providers.<name>.*` and `events.packs.<pack>.providers.<name>.*` hold a provider's settings, and for any"
                        + " provider `dlq_topic` and `retry.max_retries`, `.base_delay_ms`, `.max_delay_ms`, `.strategy`,"
                        + " `.retryable_errors`, `.formulas` (`standard`, `upstream`), `.attempt_timeout_ms`, `.budget_ms`, and `forward`, which accepts events"
                        + " while the provider is away. `transport` takes a provider to another transport than its pack names, with that one's settings.\n");
        page.append(
                "\n## State store: `events.store.*`\n\n`events.store.enabled = true` has a bus of these settings keep durable state"
                        + " in `paths.state_dir`; the command line always does.\n\n");
        table(page, new EmbeddedStoreFactory().settings());
        for (ProviderFactory factory : List.of(
                new EmbeddedProviderFactory(),
                new MemoryProviderFactory(),
                new NatsProviderFactory(),
                new KafkaProviderFactory())) {
            page.append("\n## Provider `").append(factory.transport()).append("`\n\n");
            table(page, factory.settings());
        }
        if (Boolean.getBoolean("update.docs")) {
            Files.writeString(ROOT.resolve("docs/settings.md"), page);
        }
        assertThat(read("docs/settings.md"))
                .as("stale: write it anew, see CONTRIBUTING.md")
                .isEqualTo(page.toString());
    }

    private static void table(StringBuilder page, SettingsSchema schema) {
        page.append("| Setting | Value | Default | Meaning |\n|---|---|---|---|\n");
        for (SettingsSchema.Setting setting : schema.settings()) {
            Object byDefault = setting.defaultValue();
            page.append("| `")
                    .append(setting.key())
                    .append("` | ")
                    .append(setting.type().words());
            page.append(setting.least() == null ? "" : ", " + setting.least() + " to " + setting.most());
            page.append(setting.least() != null && byDefault instanceof Duration ? " ms" : "");
            page.append(" | ")
                    .append(byDefault == null ? "" : "`" + shown(byDefault) + "`")
                    .append(" | ")
                    .append(setting.doc())
                    .append(" |\n");
        }
    }

    private static String shown(Object value) {
        return value instanceof Duration time
                ? time.toHours() > 0 ? time.toHours() + "h" : time.toSeconds() + "s"
                : value.toString();
    }

    @Test
    void theReadmesProgramIsTheExampleThatIsRun() throws IOException {
        Matcher block = Pattern.compile("(?s)```java\n(.*?)```").matcher(read("README.md"));
        assertThat(block.find()).isTrue();
        assertThat(read("examples/src/main/java/ai/greentic/events/examples/QuickStart.java"))
                .endsWith(block.group(1));
    }

    /** Pages about testing and about writing providers show code of the examples, which the check runs. */
    @Test
    void snippetsAreCodeThatIsRun() throws IOException {
        String examples = "examples/src/test/java/ai/greentic/events/examples/";
        String lines = "examples/src/main/java/ai/greentic/events/examples/lines/";
        assertShows("docs/testing-your-handlers.md", examples + "TestingYourHandlersTest.java");
        assertShows(
                "docs/provider-authors.md",
                examples + "lines/LinesConformanceTest.java",
                lines + "LinesProviderFactory.java",
                lines + "LinesProvider.java",
                lines + "LinesSubscription.java");
    }

    private static void assertShows(String page, String... sources) throws IOException {
        StringBuilder code = new StringBuilder();
        for (String source : sources) {
            code.append(read(source).replaceAll("\\s+", " "));
        }
        List<String> snippets = Pattern.compile("(?s)```java\n(.*?)```")
                .matcher(read(page))
                .results()
                .map(snippet -> snippet.group(1).strip().replaceAll("\\s+", " "))
                .toList();
        assertThat(snippets).isNotEmpty();
        snippets.forEach(
                snippet -> assertThat(code).as("code shown in %s", page).contains(snippet));
    }

    @Test
    void everyPromiseNamesTestsThatExist() throws IOException {
        String promises = read("docs/promises.md");
        for (int i = 1; i <= 14; i++) {
            assertThat(promises).contains("| P" + i + " |");
        }
        Matcher test = Pattern.compile("`(\\w+Test)\\.(P\\d+_\\w+)`").matcher(promises);
        int found = 0;
        while (test.find()) {
            found++;
            String type = test.group(1);
            try (Stream<Path> files = Files.walk(ROOT)) {
                Path source = files.filter(
                                p -> p.endsWith(type + ".java") && p.toString().contains("src/test"))
                        .findFirst()
                        .orElseThrow(() -> new AssertionError("no " + type));
                assertThat(Files.readString(source)).contains("void " + test.group(2) + "(");
            }
        }
        assertThat(found).isGreaterThan(20);
    }

    @Test
    void linksLeadSomewhere() throws IOException {
        Pattern link = Pattern.compile("\\]\\(([^)#:]+)\\)");
        for (Path page : pages()) {
            Matcher links = link.matcher(Files.readString(page));
            while (links.find()) {
                assertThat(page.resolveSibling(links.group(1)))
                        .as("a link of %s", page)
                        .exists();
            }
        }
    }

    @Test
    void noSourceFileIsLongerThan500Lines() throws IOException {
        try (Stream<Path> files = Files.walk(ROOT)) {
            List<Path> sources = files.filter(
                            p -> p.toString().endsWith(".java") && p.toString().contains("src/main"))
                    .filter(p -> !ROOT.relativize(p).toString().contains("target/"))
                    .toList();
            assertThat(sources).hasSizeGreaterThan(100);
            for (Path source : sources) {
                assertThat(Files.readAllLines(source)).as(source.toString()).hasSizeLessThanOrEqualTo(500);
            }
        }
    }
}
