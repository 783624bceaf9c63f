package ai.greentic.events.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.EventBus;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The schemas and what reads the requests say the same of every document, for as far as a schema can say it. */
class OperationsTest {
    private static final TenantContext ACME = TenantContext.of("prod", "acme");
    private static final String PUBLISH =
            "{\"topic\":\"orders.created\",\"event\":{\"id\":\"evt-9\",\"type\":\"order.created\",\"ts\":\"2025-03-04T05:06:07Z\","
                    + "\"source\":\"s\",\"subject\":\"x\",\"correlation_id\":\"c\",\"payload\":{\"order_id\":\"o-1\",\"n\":1.50},"
                    + "\"meta\":{\"tenant\":\"acme\",\"tags\":[\"orders\"],\"region\":\"eu\"},\"metadata\":{\"k\":\"v\"},"
                    + "\"tenant\":{\"env\":\"prod\",\"tenant\":\"acme\",\"tenant_id\":\"acme\",\"attempt\":0,\"team\":\"t\","
                    + "\"attributes\":{\"a\":\"b\"},\"deadline\":{\"unix_millis\":4102444800000}}},"
                    + "\"options\":{\"dedupe_key\":\"o-1\",\"ttl_seconds\":600,\"priority\":\"high\"}}";
    private static final String SUBSCRIBE =
            "{\"topic\":\"orders.*\",\"options\":{\"group\":\"g\",\"from\":\"2025-03-04T05:06:07Z\",\"max_in_flight\":5}}";
    private static final String ACK =
            "{\"subscription_id\":\"sub-1\",\"receipt_id\":\"rcpt-1\",\"status\":\"nack\",\"delay_seconds\":3}";

    private final EventBus bus =
            EventBus.builder().provider("memory", "memory", "*").build();

    @AfterEach
    void close() {
        bus.close();
    }

    private static Schema schema(String name) {
        SchemaRegistry registry = SchemaRegistry.withDefaultDialect(
                SpecificationVersion.DRAFT_2020_12,
                builder -> builder.schemas(location -> resource(location.substring(location.indexOf("/events/")))));
        Schema schema = registry.getSchema(SchemaLocation.of("https://schemas.greentic.dev/events/" + name));
        return schema;
    }

    private static String resource(String path) {
        try (InputStream in = OperationsTest.class.getResourceAsStream("/schemas" + path)) {
            return new String(Objects.requireNonNull(in, path).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static boolean valid(Schema schema, String document) {
        return schema.validate(
                        document,
                        InputFormat.JSON,
                        context -> context.executionConfig(config -> config.formatAssertionsEnabled(true)))
                .isEmpty();
    }

    /** Every request that is a little wrong in one or two places is refused by both or by neither. */
    @ParameterizedTest
    @CsvSource({"publish, 1500", "subscribe, 500", "ack, 500"})
    void schemasAndReadersAgree(String op, int rounds) {
        String sample = op.equals("publish") ? PUBLISH : op.equals("subscribe") ? SUBSCRIBE : ACK;
        Consumer<byte[]> reader = switch (op) {
            case "publish" -> PublishInput::parse;
            case "subscribe" -> Operations.SubscribeInput::parse;
            default -> Operations.AckInput::parse;
        };
        Schema schema = schema("ops/" + op + "/input.schema.json");
        assertThat(valid(schema, sample)).isTrue();
        reader.accept(sample.getBytes(StandardCharsets.UTF_8));
        long seed = Long.getLong("operations.seed", System.nanoTime());
        Random random = new Random(seed);
        int refused = 0;
        for (int round = 0; round < rounds; round++) {
            Object tree = Payload.json(sample).as(Object.class);
            for (int change = random.nextInt(2); change >= 0; change--) {
                tree = changed(tree, random, "");
            }
            String document = Payload.of(tree).json();
            boolean read;
            String why = "";
            try {
                reader.accept(document.getBytes(StandardCharsets.UTF_8));
                read = true;
            } catch (EventsException e) {
                read = false;
                why = String.valueOf(e.getMessage());
                refused++;
            }
            assertThat(read)
                    .as("operations.seed=%s, round %s: %s: %s", seed, round, document, why)
                    .isEqualTo(valid(schema, document));
        }
        assertThat(refused).isBetween(rounds / 5, rounds * 19 / 20);
    }

    /** Removes, adds or replaces something at a random place. Below a payload everything goes; what must agree with something else stays. */
    private static Object changed(Object tree, Random random, String path) {
        if (tree instanceof Map<?, ?> map && !map.isEmpty() && !path.endsWith("payload")) {
            Map<String, Object> changed = new LinkedHashMap<>();
            map.forEach((key, value) -> changed.put((String) key, value));
            List<String> keys = new ArrayList<>(changed.keySet());
            String key = keys.get(random.nextInt(keys.size()));
            if (List.of("ts", "topic", "id").contains(key) && path.isEmpty()) {
                changed.remove(key);
                return changed;
            }
            switch (random.nextInt(4)) {
                case 0 -> changed.remove(key);
                case 1 -> changed.put("more", random.nextInt(10));
                default ->
                    changed.put(key, changed(Objects.requireNonNull(changed.get(key)), random, path + "." + key));
            }
            return changed;
        }
        // Names of tenants have rules that the schema does not know, and must agree with each other.
        boolean name = path.matches(".*\\.(env|tenant|tenant_id|team)");
        List<Object> values = name
                ? List.of("", 7, true, List.of(), Map.of("a", 1))
                : List.of(
                        "", " ", "word", "a b", 7, -1, 1.5, true, List.of(), List.of("x", 1), Map.of("a", 1), Map.of());
        return values.get(random.nextInt(values.size()));
    }

    @Test
    void answersAreWhatTheSchemasSay() {
        PublishReceipt receipt = bus.publish(ACME, "a.b", 1);
        Map<String, byte[]> answers = Map.of(
                "publish", Operations.published(receipt, Instant.parse("2026-01-01T00:00:00Z")),
                "subscribe", Operations.subscribed("sub-1", "memory"),
                "ack", Operations.acknowledged(Operations.AckInput.parse(ACK.getBytes(StandardCharsets.UTF_8))));
        answers.forEach((op, answer) -> {
            String text = new String(answer, StandardCharsets.UTF_8);
            assertThat(valid(schema("ops/" + op + "/output.schema.json"), text))
                    .as(text)
                    .isTrue();
        });
        assertThat(new String(answers.get("ack"), StandardCharsets.UTF_8)).contains("requeued");
    }

    @Test
    void P11_aRequestBecomesAnEventWithNothingLost() {
        PublishInput input = PublishInput.parse(PUBLISH.getBytes(StandardCharsets.UTF_8));
        EventEnvelope event = input.toEvent(bus, ACME);
        assertThat(event.id().value()).isEqualTo("evt-9");
        assertThat(event.time()).isEqualTo(Instant.parse("2025-03-04T05:06:07Z"));
        assertThat(event.payload().json()).isEqualTo("{\"order_id\":\"o-1\",\"n\":1.50}");
        assertThat(event.unknownFields())
                .containsOnlyKeys("meta")
                .containsEntry("meta", Payload.json("{\"tenant\":\"acme\",\"tags\":[\"orders\"],\"region\":\"eu\"}"));
        assertThat(input.options().ttl()).contains(Duration.ofMinutes(10));
        assertThat(input.options().idempotencyKey()).contains("o-1");
        assertThat(input.toString()).doesNotContain("o-1");
        assertThat(bus.publish(event, input.options()).status()).isEqualTo(PublishReceipt.Status.PUBLISHED);
        assertThat(bus.publish(event, input.options()).status()).isEqualTo(PublishReceipt.Status.DUPLICATE);
        EventEnvelope small = PublishInput.parse(
                        "{\"topic\":\"a.b\",\"event\":{\"payload\":null}}".getBytes(StandardCharsets.UTF_8))
                .toEvent(bus, ACME);
        assertThat(small.payload()).isEqualTo(Payload.NULL);
        assertThat(small.tenant()).isEqualTo(ACME);
        assertThat(small.id().value()).isNotBlank();
    }

    @Test
    void P4_anEventIsItsCallers() {
        PublishInput input = PublishInput.parse(PUBLISH.getBytes(StandardCharsets.UTF_8));
        for (TenantContext other : List.of(TenantContext.of("prod", "globex"), TenantContext.of("dev", "acme"))) {
            assertThatThrownBy(() -> input.toEvent(bus, other))
                    .isInstanceOfSatisfying(
                            EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.TENANT_MISMATCH));
        }
    }

    @Test
    void P14_everyProblemIsToldAtOnce() {
        String wrong =
                "{\"topic\":\"orders.*\",\"more\":1,\"event\":{\"topic\":\"x\",\"id\":\"a b\",\"ts\":\"2025-01-01T00:00:00Z\",\"time\":\"2025-01-01T00:00:01Z\","
                        + "\"meta\":{\"tenant\":\"globex\",\"tags\":[\"\"]},\"metadata\":{\"idempotency_key\":\"a\",\"n\":1},"
                        + "\"tenant\":{\"env\":\"prod\",\"tenant\":\"acme\",\"tenant_id\":\"acme\",\"attempt\":0}},"
                        + "\"options\":{\"dedup_key\":\"b\",\"dedupe_key\":\"b\",\"ttl_seconds\":-1,\"priority\":\"urgent\"}}";
        assertThatThrownBy(() -> PublishInput.parse(wrong.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(EventsException.class)
                .hasMessageContainingAll(
                        "- more is not known",
                        "- topic is 'orders.*'",
                        "- event.payload is missing",
                        "- event.topic is 'x'",
                        "- event.id is 'a b'",
                        "- event.time is another instant than ts",
                        "- event.meta.tenant is 'globex'",
                        "- event.meta.tags[0] is blank",
                        "- event.metadata.n must be a text",
                        "- options.dedup_key is not known; did you mean dedupe_key?",
                        "- options.dedupe_key is another key",
                        "- options.ttl_seconds must be an integer of at least 0",
                        "- options.priority must be one of low, normal, high");
        PublishInput same = PublishInput.parse(
                "{\"topic\":\"a\",\"event\":{\"payload\":1,\"ts\":\"2025-01-01T00:00:00Z\",\"time\":\"2025-01-01T01:00:00+01:00\"}}"
                        .getBytes(StandardCharsets.UTF_8));
        assertThat(same.toEvent(bus, ACME).time()).isEqualTo(Instant.parse("2025-01-01T00:00:00Z"));
    }

    @Test
    void subscribeAndAckAreRead() {
        var subscribe = Operations.SubscribeInput.parse(SUBSCRIBE.getBytes(StandardCharsets.UTF_8));
        assertThat(subscribe.topics().value()).isEqualTo("orders.*");
        assertThat(subscribe.group()).contains("g");
        assertThat(subscribe.start()).isEqualTo(StartAt.at(Instant.parse("2025-03-04T05:06:07Z")));
        assertThat(subscribe.maxInFlight()).isEqualTo(5);
        var ack = Operations.AckInput.parse(ACK.getBytes(StandardCharsets.UTF_8));
        assertThat(ack.ack()).isFalse();
        assertThat(ack.delay()).isEqualTo(Duration.ofSeconds(3));
        assertThat(List.of(subscribe, ack).stream().map(Object::toString).collect(Collectors.joining()))
                .contains("orders.*");
    }
}
