package ai.greentic.events.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Marks;
import ai.greentic.events.Payload;
import ai.greentic.events.Priority;
import ai.greentic.events.TenantContext;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EnvelopeCodecTest {
    private static final EnvelopeCodec CODEC = EnvelopeCodec.STANDARD;
    private static final String GOLDEN =
            "{\"id\":\"evt-1\",\"topic\":\"orders.created\",\"type\":\"t\",\"source\":\"s\","
                    + "\"tenant\":{\"env\":\"dev\",\"tenant\":\"acme\",\"tenant_id\":\"acme\",\"attempt\":0},"
                    + "\"time\":\"2025-01-01T00:00:00Z\",\"payload\":{\"a\":1,\"b\":[null,true,1.5]},\"metadata\":{}}";

    private static final String FULL = "{\"id\":\"evt-1\",\"topic\":\"orders.created\",\"type\":\"t\",\"source\":\"s\","
            + "\"tenant\":{\"env\":\"prod\",\"tenant\":\"acme\",\"tenant_id\":\"acme\",\"team\":\"ops\",\"team_id\":\"ops\","
            + "\"user\":\"u-17\",\"user_id\":\"u-17\",\"session_id\":\"sess-9\",\"flow_id\":\"checkout\",\"node_id\":\"emit\","
            + "\"provider_id\":\"events.webhook\",\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"i18n_id\":\"de\","
            + "\"correlation_id\":\"corr-1\",\"attributes\":{\"region\":\"eu-west-1\"},"
            + "\"deadline\":{\"unix_millis\":1767225600000},\"attempt\":3,\"idempotency_key\":\"order-42\","
            + "\"impersonation\":{\"actor_id\":\"support-3\",\"reason\":\"ticket 881\"},\"later\":[1.10]},"
            + "\"subject\":\"order:42\",\"time\":\"2025-12-31T23:59:59.123Z\",\"correlation_id\":\"corr-1\","
            + "\"payload\":{\"n\":1.10,\"big\":18446744073709551616},"
            + "\"metadata\":{\"B\":\"4\",\"a\":\"2\",\"aa\":\"3\",\"b\":\"1\"},\"future\":{\"x\":1.0}}";

    private static String text(byte[] json) {
        return new String(json, StandardCharsets.UTF_8);
    }

    private static EventEnvelope decode(String json) {
        return CODEC.decode(json.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void writesTheGoldenBytes() {
        EventEnvelope event = EventEnvelope.builder(TenantContext.of("dev", "acme"), "orders.created")
                .id("evt-1")
                .type("t")
                .source("s")
                .time(Instant.parse("2025-01-01T00:00:00Z"))
                .payload(Payload.json("{ \"b\" : [null, true, 1.5], \"a\": 1 }"))
                .build();
        assertThat(text(CODEC.encodeCanonical(event))).isEqualTo(GOLDEN);
        assertThat(decode(GOLDEN))
                .isEqualTo(
                        event.toBuilder().payload(event.payload().canonical()).build());
    }

    /** Names are matched by their bytes, and one may be written with escapes, be long, or be of another script. */
    @Test
    void P11_aFieldIsKnownHoweverItsNameIsWritten() {
        String escaped = GOLDEN.replace("\"id\"", "\"\\u0069d\"")
                .replace("\"tenant_id\"", "\"tenant\\u005fid\"")
                .replace("\"payload\"", "\"pay\\u006Coad\"");
        assertThat(decode(escaped)).isEqualTo(decode(GOLDEN));
        for (String name : new String[] {
            "i",
            "idd",
            "iD",
            "",
            "payloae",
            "metadat",
            "metadata2",
            "größe",
            "名前",
            "😀",
            "x".repeat(300),
            "correlation_id_"
        }) {
            String more = GOLDEN.replace(",\"metadata\"", ",\"" + name + "\":[1],\"metadata\"");
            assertThat(decode(more).unknownFields()).as(name).containsOnlyKeys(name);
            assertThat(text(CODEC.encode(decode(more)))).as(name).contains("\"" + name + "\":[1]");
        }
        assertThatThrownBy(() -> decode(GOLDEN.replace("\"metadata\"", "\"\\u0069d\":\"evt-2\",\"metadata\"")))
                .isInstanceOf(EventsException.class)
                .hasMessageContaining("id: stands twice");
    }

    @Test
    void P11_everyFieldUnknownOnesAndExactNumbersSurvive() {
        assertThat(text(CODEC.encode(decode(FULL)))).isEqualTo(FULL);
        EventEnvelope event = decode(FULL);
        assertThat(event.unknownFields()).containsOnlyKeys("future");
        assertThat(event.tenant().unknownFields()).containsOnlyKeys("later");
        assertThat(event.tenant().deadline()).contains(Instant.ofEpochMilli(1767225600000L));
        assertThat(event.tenant().attempt()).isEqualTo(3);
    }

    @Test
    void sortsMapKeysByCodePoint() {
        EventEnvelope event = decode(GOLDEN).toBuilder()
                .metadata(Map.of("😀", "1", "\uffee", "2", "b", "3", "B", "4"))
                .build();
        assertThat(text(CODEC.encode(event)))
                .endsWith("\"metadata\":{\"B\":\"4\",\"b\":\"3\",\"\uffee\":\"2\",\"😀\":\"1\"}}");
    }

    @Test
    void escapesAsUpstreamDoes() {
        EventEnvelope event = decode(GOLDEN).toBuilder()
                .subject("\"\\/\b\f\n\r\t\u0001\u001f\u007f\u2028é😀")
                .build();
        assertThat(text(CODEC.encode(event)))
                .contains("\"subject\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\u007f\u2028é😀\"");
        assertThat(CODEC.decode(CODEC.encode(event))).isEqualTo(event);
        assertThatThrownBy(
                        () -> CODEC.encode(event.toBuilder().subject("\ud83d").build()))
                .hasMessageContaining("surrogate");
    }

    @Test
    void readsLeniently() {
        EventEnvelope event = decode(GOLDEN.replace("\"metadata\":{}", "\"metadata\":{\"k\":\"1\",\"k\":\"2\"}")
                .replace(
                        "\"time\":\"2025-01-01T00:00:00Z\"",
                        "\"time\":\"2025-01-01 01:00:00+01:00\",\"subject\":null"));
        assertThat(event.time()).isEqualTo(Instant.parse("2025-01-01T00:00:00Z"));
        assertThat(event.subject()).isEmpty();
        assertThat(event.metadata()).containsExactly(Map.entry("k", "2"));
        assertThat(decode(GOLDEN.replace(",\"metadata\":{}", "")).metadata()).isEmpty();
        assertThat(decode(" \n" + GOLDEN + "\n ").id().value()).isEqualTo("evt-1");
        assertThat(decode(GOLDEN.replace("\"payload\":{\"a\":1,\"b\":[null,true,1.5]}", "\"payload\" : \"a\\nb\"  "))
                        .payload()
                        .json())
                .isEqualTo("\"a\\nb\"");
        assertThat(decode(GOLDEN.replace("\"payload\":{\"a\":1,\"b\":[null,true,1.5]}", "\"payload\":-12.50e3"))
                        .payload()
                        .json())
                .isEqualTo("-12.50e3");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"id\":\"evt-1\",|| lacks id",
                "\"payload\":{\"a\":1,\"b\":[null,true,1.5]},|| lacks payload",
                "\"attempt\":0|\"attempt\":0.0| tenant.attempt: must be an integer",
                "\"attempt\":0|\"attempt\":-1| attempt is -1",
                "\"attempt\":0|\"attempt\":4294967296| attempt is 4294967296",
                ",\"attempt\":0|| lacks tenant.attempt",
                "\"metadata\":{}|\"metadata\":null| metadata: must be an object",
                "\"metadata\":{}|\"metadata\":{\"a\":1}| metadata.a: must be a string",
                "\"metadata\":{}|\"metadata\":{},\"id\":\"evt-2\"| id: stands twice",
                "\"tenant_id\":\"acme\"|\"tenant_id\":\"globex\"| differ",
                "\"id\":\"evt-1\"|\"id\":\"evt 1\"| event id",
                "\"topic\":\"orders.created\"|\"topic\":\"orders.*\"| topic",
                "2025-01-01T00:00:00Z|2025-01-01T00:00:00| is not a timestamp",
                "\"attempt\":0|\"attempt\":0,\"deadline\":{\"unix_millis\":99999999999999999999}| beyond 64 bits",
                "\"metadata\":{}|\"metadata\":{}} {| text after",
                "{\"id\"|[{\"id\"| JSON object",
            })
    void refusesWithFieldAndRule(String part, String replacement, String message) {
        assertThatThrownBy(() -> decode(GOLDEN.replace(part, replacement == null ? "" : replacement)))
                .isInstanceOfSatisfying(EventsException.class, e -> {
                    assertThat(e.kind()).isEqualTo(ai.greentic.events.ErrorKind.INVALID);
                    assertThat(e.getMessage()).contains(message.strip());
                });
    }

    @Test
    void P10_limitsSizeAndNesting() {
        EnvelopeCodec small = new EnvelopeCodec(2048, 4, false);
        EventEnvelope large =
                decode(GOLDEN).toBuilder().payload(Payload.of("x".repeat(3000))).build();
        assertThatThrownBy(() -> small.checkSize(large)).hasMessageContaining("2048");
        assertThatThrownBy(() -> small.decode(CODEC.encode(large)))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.EVENT_TOO_LARGE));
        String deep = GOLDEN.replace("{\"a\":1,\"b\":[null,true,1.5]}", "[[[[[]]]]]");
        assertThatThrownBy(() -> small.decode(deep.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NESTED_TOO_DEEP));
        String deepest = GOLDEN.replace("{\"a\":1,\"b\":[null,true,1.5]}", "[".repeat(126) + "]".repeat(126));
        assertThat(decode(deepest).payload().size()).isEqualTo(252);
        assertThatThrownBy(() ->
                        decode(GOLDEN.replace("{\"a\":1,\"b\":[null,true,1.5]}", "[".repeat(127) + "]".repeat(127))))
                .hasMessageContaining("126");
    }

    @Test
    void lenientPairsFollowUpstreamsReaders() {
        String differing =
                GOLDEN.replace("\"tenant_id\":\"acme\"", "\"tenant_id\":\"globex\",\"team\":\"a\",\"team_id\":\"b\"");
        EventEnvelope event = new EnvelopeCodec(1 << 20, 126, true).decode(differing.getBytes(StandardCharsets.UTF_8));
        assertThat(event.tenant().tenant().name()).isEqualTo("acme");
        assertThat(event.tenant().team()).contains("b");
    }

    @ParameterizedTest
    @CsvSource({
        "2025-01-01T00:00:00Z, 2025-01-01T00:00:00Z",
        "2025-01-01t00:00:00z, 2025-01-01T00:00:00Z",
        "2025-01-01 00:00:00 UTC, 2025-01-01T00:00:00Z",
        "2025-01-01T02:00:00+0200, 2025-01-01T00:00:00Z",
        "2025-01-01T02:00:00+02 00, 2025-01-01T00:00:00Z",
        "2025-01-01T00:00:00+00:00, 2025-01-01T00:00:00Z",
        "2025-01-01T00:00:00.1Z, 2025-01-01T00:00:00.100Z",
        "2025-01-01T00:00:00.000001Z, 2025-01-01T00:00:00.000001Z",
        "2025-01-01T00:00:00.1234567891234Z, 2025-01-01T00:00:00.123456789Z",
        "2016-12-31T23:59:60Z, 2017-01-01T00:00:00Z",
        "-0001-12-31T23:59:59Z, -0001-12-31T23:59:59Z",
        "+10000-01-01T00:00:00Z, +10000-01-01T00:00:00Z",
    })
    void readsAndWritesTimestamps(String given, String written) {
        assertThat(Timestamps.format(Timestamps.parse(given))).isEqualTo(written);
        EventEnvelope event =
                decode(GOLDEN).toBuilder().time(Timestamps.parse(given)).build();
        assertThat(text(CODEC.encode(event))).contains("\"time\":\"" + written + "\"");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "2025-01-01T00:00:00",
                "2025-01-01T00:00:00+02",
                "2025-01-01T00:00Z",
                "2025-01-01T00:00:00,5Z",
                "2025-01-01T24:00:00Z",
                "2025-02-30T00:00:00Z",
                "yesterday",
                "2025-01-01",
                "''",
                "20250-01-01T00:00:00Z",
            })
    void refusesOtherTimestamps(String given) {
        assertThatThrownBy(() -> Timestamps.parse(given))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_TIME));
    }

    @Test
    void cloudEventsLoseNothing() {
        CloudEvents cloud = new CloudEvents(CODEC);
        for (EventEnvelope event : new EventEnvelope[] {
            decode(GOLDEN),
            decode(FULL),
            decode(FULL).toBuilder()
                    .orderingKey("k1")
                    .metadata("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
                    .metadata("ce_custom", "x")
                    .metadata("ce_id", "not the id")
                    .marks(Marks.NONE
                            .priority(Priority.HIGH)
                            .expiresAt(java.time.Instant.parse("2025-01-01T00:00:00.5Z"))
                            .deliverAt(java.time.Instant.parse("2024-12-31T00:00:00Z"))
                            .deadLetter(true)
                            .hops(3)
                            .redrive(new Marks.Redrive("dl-1", "billing", 2)))
                    .build()
        }) {
            assertThat(cloud.decode(cloud.encode(event))).isEqualTo(event);
            assertThat(cloud.decode(cloud.attributes(event), event.payload().toBytes()))
                    .isEqualTo(event);
        }
        assertThat(cloud.attributes(decode(GOLDEN).toBuilder().orderingKey("k1").build()))
                .containsEntry("partitionkey", "k1")
                .containsEntry("specversion", "1.0");
    }

    @Test
    void cloudEventsOfOthersBecomeEvents() {
        CloudEvents cloud = new CloudEvents(CODEC);
        byte[] foreign = ("{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/shop\",\"type\":\"com.example.sold\","
                        + "\"time\":\"2025-01-01T00:00:00Z\",\"comexampleextension\":7,\"data\":{\"n\":1.10}}")
                .getBytes(StandardCharsets.UTF_8);
        TenantContext acme = TenantContext.of("dev", "acme");
        ai.greentic.events.Topic sold = new ai.greentic.events.Topic("shop.sold");
        EventEnvelope event = cloud.decode(foreign, acme, sold);
        assertThat(event.payload().json()).isEqualTo("{\"n\":1.10}");
        assertThat(event.metadata()).containsExactly(Map.entry("ce_comexampleextension", "7"));
        assertThat(text(cloud.encode(event))).contains("\"comexampleextension\":\"7\"");
        assertThatThrownBy(() -> cloud.decode(foreign)).hasMessageContaining("tenant");
        assertThatThrownBy(() -> cloud.decode(cloud.encode(event), TenantContext.of("dev", "globex"), sold))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.TENANT_MISMATCH));
    }
}
