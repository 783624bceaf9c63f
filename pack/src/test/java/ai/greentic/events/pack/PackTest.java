package ai.greentic.events.pack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.ProviderDescriptor;
import ai.greentic.events.delivery.Backoff;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PackTest {
    private static final String LAYOUT_A = """
            packVersion: 1
            id: orders-pack
            version: 1.0
            annotations:
              events.providers.orders.v2.retry.max_retries: 5
              events.providers.orders.v2.retry.strategy: Fixed
              events.providers.orders.v2.dlq_topic: orders.dead
              something.else: 1
            unknown: {ignored: true}
            events:
              providers:
                - name: orders.v2
                  kind: broker
                  component: orders-broker@1.0.0
                  default_flow: flows/in.ygtc
                  custom_flow: flows/custom.ygtc
                  capabilities: &caps
                    transport: NATS
                    reliability: at_least_once
                    ordering: per_key
                    topics: ["orders.*", "billing.invoice.?"]
                - name: yes
                  kind: sink
                  component: 7
                  capabilities:
                    <<: *caps
                    ordering: none
                - {name: chat, kind: bridge, component: chat@1}
            """;

    @TempDir
    Path directory;

    private Pack open(String yaml) throws IOException {
        Files.writeString(directory.resolve("pack.yaml"), yaml);
        return Pack.open(directory);
    }

    @Test
    void readsLayoutA() throws IOException {
        Pack pack = open(LAYOUT_A);
        assertThat(pack.id()).isEqualTo("orders-pack");
        assertThat(pack.version()).as("text where text is wanted").isEqualTo("1.0");
        assertThat(pack.layout()).isEqualTo(Pack.Layout.A);
        assertThat(pack.providers()).extracting(PackProvider::name).containsExactly("orders.v2", "yes", "chat");
        PackProvider orders = pack.providers().get(0);
        assertThat(orders.descriptor().transport()).isEqualTo("nats");
        assertThat(orders.descriptor().ordering()).isEqualTo(ProviderDescriptor.Ordering.PER_KEY);
        assertThat(orders.descriptor().tags()).containsExactly("broker");
        assertThat(orders.topics()).extracting(Object::toString).containsExactly("orders.*", "billing.invoice.?");
        assertThat(orders.defaultFlow()).isEqualTo("flows/in.ygtc");
        assertThat(orders.overrides().retryPolicy().maxRetries()).isEqualTo(5);
        assertThat(orders.overrides().retryPolicy().backoff()).isEqualTo(Backoff.FIXED);
        assertThat(orders.overrides().deadLetterTopic()).isEqualTo("orders.dead");
        PackProvider merged = pack.providers().get(1);
        assertThat(merged.component()).isEqualTo("7");
        assertThat(merged.topics()).as("merge keys are followed").hasSize(2);
        assertThat(merged.descriptor().ordering()).as("and overridden").isEqualTo(ProviderDescriptor.Ordering.NONE);
        assertThat(pack.providers().get(2).descriptor().transport()).isEqualTo("unspecified");
    }

    @Test
    void readsLayoutBWithExtensionsSecretsAndEntryFlows() throws IOException {
        Files.writeString(directory.resolve("pack.json"), "{\"meta\":{\"entry_flows\":{\"setup\":\"setup-flow\"}}}");
        Pack pack = open("""
                pack_id: greentic.events.webhook
                version: 0.1.0
                events: {providers: [{name: in, kind: source, component: c, capabilities: {transport: webhook, topics: [w.*]}}]}
                meta: {entry_flows: [requirements]}
                components:
                  - id: a
                    capabilities: {host: {secrets: {required: [{key: TOKEN, required: false, description: d}]}}}
                  - id: b
                    capabilities: {host: {secrets: {required: [{key: TOKEN}, {key: OTHER}]}}}
                extensions:
                  greentic.provider-extension.v1:
                    inline: {providers: [{provider_type: events.webhook, ops: [publish], capabilities: [x], runtime: {component_ref: a}}]}
                  greentic.events.ingress-http.v1:
                    inline: {handlers: [{handler_id: h, method: PUT, path: /v1/x, op_id: ingest_http}]}
                  greentic.ext.capabilities.v1:
                    inline: {offers: [{offer_id: o, cap_id: greentic.cap.events.provider.v1, priority: 100}]}
                  whatever:
                    inline: {timer_handlers: [{handler_id: t1}], timers: [t2]}
                """);
        PackExtras extras = pack.extras();
        assertThat(pack.layout()).isEqualTo(Pack.Layout.B);
        assertThat(extras.extensionProviders())
                .singleElement()
                .satisfies(p -> assertThat(p.ops()).containsExactly("publish"));
        assertThat(extras.ingressHandlers())
                .containsExactly(new PackExtras.IngressHandler("h", "PUT", "/v1/x", "ingest_http"));
        assertThat(extras.capabilityOffers())
                .containsExactly(new PackExtras.CapabilityOffer("o", "greentic.cap.events.provider.v1", "100"));
        assertThat(extras.timers()).containsExactly("t1", "t2");
        assertThat(extras.secrets())
                .containsExactly(new PackExtras.Secret("TOKEN", true, "d"), new PackExtras.Secret("OTHER", true, ""));
        assertThat(extras.entryFlows()).isEqualTo(Map.of("setup", "setup-flow", "requirements", "requirements"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "id: orders-pack|| lacks id",
                "id: orders-pack|id: ' '| is blank",
                "packVersion: 1|packVersion: 2| only 1 is known",
                "kind: broker|kind: brocker| did you mean broker?",
                "kind: broker|| lacks kind",
                "component: orders-broker@1.0.0|component: []| must be text",
                "name: yes|name: orders.v2| names are unique",
                "ordering: per_key|ordering: per_kay| did you mean per_key?",
                "reliability: at_least_once|reliability: always| must be one of at_most_once",
                "transport: NATS|transport: 7| must be the name of a transport",
                "\"orders.*\"|\"orders >\"| cannot be used",
                "topics: [|topics: x #[| must be a list",
                "retry.max_retries: 5|retry.max_retries: many| must be an integer",
                "retry.max_retries: 5|retry.max_retrys: 5| did you mean retry.max_retries?",
                "retry.strategy: Fixed|retry.strategy: fixt| did you mean fixed?",
                "orders.v2.dlq_topic: orders.dead|ordrs.dlq_topic: x| names a provider that this pack does not have",
                "annotations:|annotations: null #| is null",
                "version: 1.0|version: 1.0: x| cannot be read as YAML",
                "packVersion: 1|id: twice| stands twice",
            })
    void P14_badPacksAreRefusedWithPlaceValueAndRule(String part, String replacement, String message)
            throws IOException {
        String yaml = LAYOUT_A.replace(part, replacement == null ? "x-gone: 1" : replacement);
        if (part.startsWith("annotations")) {
            yaml = LAYOUT_A.replaceFirst("(?s)annotations:.*?unknown", "annotations: null\nunknown");
        }
        String broken = yaml;
        assertThatThrownBy(() -> open(broken)).isInstanceOfSatisfying(EventsException.class, e -> {
            assertThat(e.code()).isEqualTo(ErrorCode.INVALID_PACK);
            assertThat(e.getMessage()).contains(message.strip()).contains("pack.yaml");
        });
    }

    @Test
    void P14_everyProblemIsReportedAtOnceWithItsLine() {
        assertThatThrownBy(() -> open(LAYOUT_A.replace("kind: broker", "kind: x")
                        .replace("kind: sink", "kind: y")
                        .replace("id: orders-pack", "nid: 1")))
                .isInstanceOfSatisfying(
                        EventsException.class,
                        e -> assertThat(e.problems()).hasSize(3).anyMatch(p -> p.contains("(line 13)")));
    }

    @Test
    void bombsAndMalformedFilesAreRefused() throws IOException {
        StringBuilder bomb = new StringBuilder("id: x\nversion: 1\na0: &a0 [1,2,3,4,5,6,7,8,9]\n");
        for (int i = 1; i < 12; i++) {
            bomb.append("a")
                    .append(i)
                    .append(": &a")
                    .append(i)
                    .append(" [")
                    .append(("*a" + (i - 1) + ",").repeat(9))
                    .append("]\n");
        }
        bomb.append(
                "annotations:\n  events.providers.p.retry.retryable_errors: *a11\nevents: {providers: [{name: p, kind: broker, component: c}]}\n");
        assertThatThrownBy(() -> open(bomb.toString())).hasMessageContaining("aliases");
        String fewAliases =
                bomb.toString().replaceAll("(?m)^a[6-9]:.*\n|^a1[01]:.*\n", "").replace("*a11", "*a5");
        assertThatThrownBy(() -> open(fewAliases)).hasMessageContaining("attack");
        assertThatThrownBy(() -> open("id: x\nversion: 1\nevents: " + "[".repeat(5000)))
                .isInstanceOf(EventsException.class);
        assertThatThrownBy(
                        () -> open(
                                "a: &a [*a]\nid: x\nversion: 1\nannotations: {events.providers.p.dlq_topic: *a}\nevents: {providers: [{name: p, kind: sink, component: c}]}"))
                .isInstanceOf(EventsException.class);
        assertThatThrownBy(() -> open("")).hasMessageContaining("empty");
        assertThatThrownBy(() -> open("- 1")).hasMessageContaining("not a mapping");
        assertThatThrownBy(() -> open("id: a\n---\nid: b\n")).hasMessageContaining("more than one document");
        assertThatThrownBy(() -> open("x".repeat(2 << 20))).hasMessageContaining("larger");
        Files.write(directory.resolve("pack.yaml"), new byte[] {'i', 'd', ':', (byte) 0xff});
        assertThatThrownBy(() -> Pack.open(directory)).hasMessageContaining("UTF-8");
        Files.delete(directory.resolve("pack.yaml"));
        assertThatThrownBy(() -> Pack.open(directory)).hasMessageContaining("no pack.yaml");
        assertThatThrownBy(() -> Pack.open(directory.resolve("none"))).hasMessageContaining("does not exist");
        Path file = Files.write(directory.resolve("a.gtpack"), "x".getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> Pack.open(file)).hasMessageContaining("not a ZIP archive");
    }
}
