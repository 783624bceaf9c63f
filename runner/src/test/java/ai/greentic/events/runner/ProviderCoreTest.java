package ai.greentic.events.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.ProviderStatus;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Components of {@code provider-schema-core}: a shell script of the examples, and answers of one line. */
@Timeout(60)
class ProviderCoreTest {
    private static final TenantContext ACME =
            TenantContext.builder("prod", "acme").team("blue").build();
    private static final String SCRIPT =
            Path.of("../examples/process/component.sh").toAbsolutePath().toString();
    private static final Payload CONFIG = Payload.of(Map.of("name", "lines"));

    @TempDir
    Path directory;

    private Path file() {
        return directory.resolve("lines");
    }

    private ProviderCoreClient component() {
        return new ProviderCoreClient(ProcessHost.command(SCRIPT, file().toString()), "pack.one", "lines");
    }

    private static ProviderCoreClient saying(String answer) {
        return new ProviderCoreClient((op, request) -> answer.getBytes(StandardCharsets.UTF_8), "p", "lines");
    }

    private static EventEnvelope event() {
        return EventEnvelope.builder(ACME, "orders.created")
                .id("e-1")
                .type("t")
                .source("s")
                .time(java.time.Instant.parse("2026-01-01T00:00:00Z"))
                .correlationId("c-9")
                .payload(Payload.json("{\"n\": 1.50}"))
                .build();
    }

    @Test
    void aComponentIsAShellScript() throws Exception {
        ProviderCoreClient component = component();
        ProviderCoreClient.Description description = component.describe();
        assertThat(description.providerType()).isEqualTo("events.lines");
        assertThat(description.ops()).containsExactly("publish", "ingest_http");
        component.healthcheck();
        assertThat(component.validateConfig(CONFIG)).isEqualTo(CONFIG);
        assertThatThrownBy(() -> component.validateConfig(Payload.json("{}")))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_CONFIGURATION))
                .hasMessageContaining("config must begin with a name");
        assertThat(component.publish(CONFIG, event())).isEqualTo(new ProviderCoreClient.Receipt("1", false));
        assertThat(Files.readString(file()))
                .startsWith("{\"op\":\"invoke\",\"pack_id\":\"pack.one\",\"provider\":\"lines\",")
                .contains(
                        "\"operation\":\"publish\"",
                        "\"config\":{\"name\":\"lines\"}",
                        "\"tenant\":\"acme\"",
                        "\"team\":\"blue\"",
                        "\"correlation_id\":\"c-9\"",
                        "{\"n\": 1.50}");
        assertThatThrownBy(() -> component.invoke("dance", Payload.json("{}")))
                .isInstanceOf(EventsException.class)
                .hasMessageContaining("there is no such operation");
    }

    @Test
    void whatComesInBecomesEvents() throws Exception {
        List<EventEnvelope> events =
                component().ingestHttp(CONFIG, ACME, "h", Payload.of(Map.of("method", "POST", "path", "/in")));
        assertThat(events).singleElement().satisfies(event -> {
            assertThat(event.id().value()).isEqualTo("e-1");
            assertThat(event.topic().value()).isEqualTo("webhook.received");
            assertThat(event.type()).isEqualTo("webhook.received");
            assertThat(event.source()).isEqualTo("lines");
            assertThat(event.tenant()).isEqualTo(ACME);
            assertThat(event.correlationId()).contains("c-1");
            assertThat(event.payload().json()).isEqualTo("{\"n\":1.50}");
            assertThat(event.metadata()).containsEntry("handler_id", "h");
            assertThat(event.unknownFields()).containsEntry("http", Payload.json("{\"method\":\"POST\"}"));
        });
    }

    /** A component cannot put events into another tenant's name. */
    @Test
    void P4_eventsAreOfTheTenantThatWasAskedFor() {
        ProviderCoreClient other = saying(
                "{\"emitted_events\":[{\"event_id\":\"e\",\"event_type\":\"a.b\",\"occurred_at\":\"2026-01-01T00:00:00Z\",\"scope\":{\"tenant\":\"globex\"},\"payload\":1}]}");
        assertThatThrownBy(() -> other.timerTick(CONFIG, ACME, "h"))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.TENANT_MISMATCH));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "{\"error\":\"boom\"}|boom",
                "{\"ok\":false}|says no more",
                "{\"ok\":false,\"error\":{\"code\":7}}|{\"code\":7}",
                "[]|not a JSON object",
                "nonsense|not JSON",
                "{\"receipt_id\":\"r\"}|has status ''",
                "{\"status\":\"published\"}|no receipt_id",
                "{\"status\":\"lost\",\"receipt_id\":\"r\"}|has status 'lost'"
            })
    void answersThatAreNoReceiptAreErrors(String answer, String message) {
        assertThatThrownBy(() -> saying(answer).publish(CONFIG, event()))
                .isInstanceOf(EventsException.class)
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '\0',
            value = {
                "{\"emitted_events\":3}|not a list",
                "{\"emitted_events\":[3]}|not a JSON object",
                "{\"emitted_events\":[{}]}|event_type is missing",
                "{\"emitted_events\":[{\"event_id\":\"e\",\"event_type\":\"a b\",\"occurred_at\":\"2026-01-01T00:00:00Z\",\"payload\":1}]}|a b",
            })
    void emittedEventsAreChecked(String answer, String message) {
        assertThatThrownBy(() -> saying(answer).timerTick(CONFIG, ACME, "h"))
                .isInstanceOf(EventsException.class)
                .hasMessageContaining(message);
    }

    private EventBus bus(Map<String, ?> settings) {
        return EventBus.builder()
                .provider("lines", "process", "*")
                .providerSettings(null, "lines", settings)
                .build();
    }

    /** The same component as a provider of a bus, by settings. */
    @Test
    void aComponentIsAProvider() throws Exception {
        List<String> command = List.of(SCRIPT, file().toString());
        try (EventBus bus =
                bus(Map.of("command", command, "interface", "schema-core", "config", "{\"name\":\"lines\"}"))) {
            var receipt = bus.publish(ACME, "orders.created", Map.of("n", 1));
            assertThat(receipt.status().name()).isEqualTo("PUBLISHED");
            assertThat(Files.readAllLines(file())).singleElement().asString().contains("orders.created");
            assertThatThrownBy(() -> bus.subscribe(ACME, "orders.*", delivery -> {}))
                    .isInstanceOf(EventsException.class)
                    .hasMessageContaining("subscriptions");
        }
        assertThatThrownBy(() -> bus(Map.of("command", command, "interface", "telepathy")))
                .hasMessageContaining("schema-core");
        for (String config : List.of("{}", "nonsense-hush")) {
            try (EventBus refused = bus(Map.of("command", command, "interface", "schema-core", "config", config))) {
                ProviderStatus status = refused.providers().get(0);
                assertThat(status.started()).isFalse();
                assertThat(String.valueOf(status.failure())).contains("config").doesNotContain("hush");
            } catch (EventsException e) {
                assertThat(e.getMessage()).contains("config").doesNotContain("hush");
            }
        }
    }

    /** In code, a host of one's own behind a transport of one's own. */
    @Test
    void aHostIsATransport() throws Exception {
        try (EventBus bus = EventBus.builder()
                .providerFactory(RunnerProviderFactory.schemaCore(
                        "mine", "pack.one", ProcessHost.command(SCRIPT, file().toString())))
                .provider("lines", "mine", "*")
                .providerSettings(null, "lines", Map.of("config", "{\"name\":\"x\"}"))
                .build()) {
            assertThat(bus.publish(ACME, "orders.created", 1).status().name()).isEqualTo("PUBLISHED");
        }
        assertThat(Files.readAllLines(file())).hasSize(1);
    }
}
