package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.Payload;
import ai.greentic.events.integration.CommandLineProcess.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Packs that nobody names on the command line: flags, then the project's file, then the environment, then what is fetched by default. */
@Timeout(120)
class ProjectTest {
    @TempDir
    Path project;

    @BeforeEach
    void packs() throws IOException {
        for (String name : List.of("one", "two")) {
            write("providers/" + name + "/pack.yaml", """
                    id: pack-%1$s
                    version: '1'
                    events:
                      providers:
                        - {name: orders-%1$s, kind: broker, component: c@1, capabilities: {transport: nats, topics: ['%1$s.*']}}
                        - {name: other-%1$s, kind: broker, component: c@1, capabilities: {transport: nats, topics: ['other.%1$s.*']}}
                    """.formatted(name));
        }
        Files.createDirectories(project.resolve("deep/er"));
    }

    private void write(String name, String content) throws IOException {
        Path file = project.resolve(name);
        Files.createDirectories(Objects.requireNonNull(file.getParent()));
        Files.writeString(file, content);
    }

    private Result run(Path where, Map<String, String> environment, String... arguments) throws Exception {
        return new CommandLineProcess(project).in(where, environment).run(in -> {}, arguments);
    }

    private Result publish(Path where, Map<String, String> environment, String topic) throws Exception {
        return run(
                where,
                environment,
                "publish",
                "--tenant",
                "acme",
                "--state-dir",
                project.resolve("state").toString(),
                topic,
                "1");
    }

    @Test
    void aProjectFileChoosesProviders() throws Exception {
        write("greentic.yaml", """
                events:
                  providers:
                    - {name: orders-one, pack: providers/one, mock: true}
                    - {name: other-two, pack: ./providers/two, enabled: false}
                    - {name: orders-two, pack: ./providers/two, mode: poll}
                """);
        Path below = project.resolve("deep/er");
        Result mocked = publish(below, Map.of("GREENTIC_EVENTS_PROVIDER", "nobody"), "one.a");
        assertThat(mocked.status()).as("%s", mocked).isZero();
        assertThat(mocked.err())
                .contains("orders-one runs on the embedded store", "note: mode poll of provider orders-two");
        for (String unused : List.of("other.one.a", "other.two.a")) {
            Result refused = publish(below, Map.of(), unused);
            assertThat(refused.status()).as("%s", refused).isEqualTo(4);
            assertThat(refused.err()).contains("no broker or sink carries");
        }
        Result flag = run(
                below,
                Map.of(),
                "inspect",
                "--pack",
                project.resolve("providers/two").toString());
        assertThat(flag.out()).contains("pack-two").doesNotContain("pack-one");
        Result both = run(below, Map.of(), "inspect");
        assertThat(both.out()).contains("pack-two", "pack-one");
    }

    @Test
    void theEnvironmentNamesAProvider() throws Exception {
        Result none = publish(project, Map.of(), "one.a");
        assertThat(none.status()).isEqualTo(2);
        assertThat(none.err()).contains("--pack is missing", "GREENTIC_EVENTS_PROVIDER is not set");
        for (String wrong : List.of("three", "../providers/one")) {
            Result refused = publish(project, Map.of("GREENTIC_EVENTS_PROVIDER", wrong), "one.a");
            assertThat(refused.status()).isEqualTo(2);
            assertThat(refused.err()).contains("GREENTIC_EVENTS_PROVIDER is '" + wrong + "'");
        }
        Result one = publish(project, Map.of("GREENTIC_EVENTS_PROVIDER", "one"), "one.a");
        assertThat(one.status()).as("%s", one).isZero();
        Files.move(project.resolve("providers/two"), project.resolve("providers/greentic-events-providers"));
        assertThat(publish(project, Map.of(), "two.a").status()).isZero();
    }

    @Test
    void everyProblemOfAProjectFileIsTold() throws Exception {
        write("greentic.yaml", """
                events:
                  providers:
                    - {name: a, pak: providers/one}
                    - {name: b, pack: providers/one, mode: push, mock: maybe}
                    - 3
                """);
        Result broken = publish(project, Map.of(), "one.a");
        assertThat(broken.status()).isEqualTo(4);
        assertThat(broken.err())
                .contains(
                        "events.providers[0].pak is not known; did you mean pack?",
                        "events.providers[0].pack is missing",
                        "mode is 'push'; it must be one of [poll, webhook]",
                        "mock must be true or false",
                        "events.providers[2] is not a mapping");
        write("greentic.yaml", "events: {providers: [{name: nobody, pack: providers/one}]}");
        Result unknown = publish(project, Map.of(), "one.a");
        assertThat(unknown.status()).isEqualTo(4);
        assertThat(unknown.err()).contains("uses [nobody]", "which has [orders-one, other-one]");
        write("greentic.yaml", "events: {providers: []}");
        assertThat(publish(project, Map.of(), "one.a").err()).contains("uses none");
    }

    /** Topics that upstream's validators refuse are taken, and that is said once. */
    @Test
    void anUnusualTopicIsSaid() throws Exception {
        Result unusual = publish(project, Map.of("GREENTIC_EVENTS_PROVIDER", "one"), "one.Big");
        assertThat(unusual.status()).isZero();
        assertThat(unusual.err())
                .containsOnlyOnce("topic 'one.Big' is published, though validators of packs refuse it");
        Result line = run(
                project,
                Map.of("GREENTIC_EVENTS_PROVIDER", "one"),
                "--log-format",
                "json",
                "publish",
                "--tenant",
                "acme",
                "--state-dir",
                project.resolve("state").toString(),
                "one.Big",
                "1");
        String logged = line.err()
                .lines()
                .filter(one -> one.startsWith("{"))
                .findFirst()
                .orElse("{}");
        Map<?, ?> fields = Payload.json(logged).as(Map.class);
        assertThat(fields.get("level")).as("%s", line).isEqualTo("WARN");
        assertThat(fields.get("loggerName")).isEqualTo("ai.greentic.events.bus.PublishPipeline");
        assertThat(String.valueOf(fields.get("formattedMessage"))).startsWith("topic 'one.Big' is published");
        Result usual = publish(project, Map.of("GREENTIC_EVENTS_PROVIDER", "one"), "one.small");
        assertThat(usual.err()).doesNotContain("validators");
    }
}
