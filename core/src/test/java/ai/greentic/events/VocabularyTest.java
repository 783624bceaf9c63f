package ai.greentic.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VocabularyTest {
    @ParameterizedTest
    @ValueSource(strings = {"a", ".", "..", "A-1_b.c", "evt-7f3a91c0"})
    void acceptsIdentifiers(String id) {
        assertThat(new EventId(id).value()).isEqualTo(id);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "a/b", "ä", "a\n", "a*"})
    void refusesOtherIdentifiersWithValueAndRule(String id) {
        assertThatThrownBy(() -> new EventId(id)).isInstanceOfSatisfying(EventsException.class, e -> {
            assertThat(e.code()).isEqualTo(ErrorCode.INVALID_ID);
            assertThat(e.getMessage()).contains("event id").contains("letters").doesNotContain("\n");
        });
    }

    @Test
    void saysThatAnIdentifierIsTooLong() {
        assertThatThrownBy(() -> new Tenant("dev", "x".repeat(257)))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.ID_TOO_LONG));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a*", "secret.*.x", "a?", "a>", "a b", "a\u0007", "\ud800x", "a\u2003b"})
    void P5_refusesTopicsThatAreNoAddress(String topic) {
        assertThatThrownBy(() -> new Topic(topic))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_TOPIC));
    }

    @ParameterizedTest
    @CsvSource({
        "orders.created, true",
        "a, true",
        "A_b-1.c, true",
        ".a, false",
        "a., false",
        "a..b, false",
        "a/b, false",
        "é, false"
    })
    void knowsConventionalTopics(String topic, boolean conventional) {
        assertThat(new Topic(topic).conventional()).isEqualTo(conventional);
    }

    /** The expression of the validators is the reference. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "orders.created",
                "a.b_c-d.9",
                "9.x",
                "orders",
                "Orders.created",
                "orders.Created",
                "o-r.x",
                "o_r.x",
                "a..b",
                ".a",
                "a.",
                "a.b.",
                "a+b.c",
                "a.-",
                "a.é"
            })
    void knowsIdiomaticTopics(String topic) {
        assertThat(new Topic(topic).idiomatic()).isEqualTo(topic.matches("[a-z0-9]+(\\.[a-z0-9_-]+)+"));
    }

    @Test
    void P13_envelopesShowNeitherPayloadNorMetadata() {
        EventEnvelope event = EventEnvelope.builder(TenantContext.of("dev", "acme"), "a")
                .id("evt-1")
                .time(Instant.EPOCH)
                .payload(Payload.of("hunter2"))
                .metadata(Map.of("token", "hunter3"))
                .build();
        assertThat(event.toString()).doesNotContain("hunter").contains("evt-1").contains("acme");
    }

    @Test
    void envelopesAreEqualByContent() {
        EventEnvelope event = EventEnvelope.builder(TenantContext.of("dev", "acme"), "a")
                .id("evt-1")
                .time(Instant.EPOCH)
                .orderingKey("k")
                .build();
        assertThat(event.toBuilder().build()).isEqualTo(event).hasSameHashCodeAs(event);
        assertThat(event.toBuilder().subject("s").build()).isNotEqualTo(event);
        assertThat(event.orderingKey()).contains("k");
        assertThatThrownBy(() -> EventEnvelope.builder(TenantContext.of("dev", "acme"), "a")
                        .build())
                .isInstanceOf(NullPointerException.class)
                .hasMessageContaining("id");
    }

    @Test
    void exceptionsReportEveryProblem() {
        EventsException e = EventsException.several(ErrorCode.INVALID_PACK, "bad", java.util.List.of("one", "two"));
        assertThat(e.problems()).containsExactly("one", "two");
        assertThat(e).hasMessage("bad\n- one\n- two");
        assertThat(e.kind()).isEqualTo(ErrorKind.MISCONFIGURED);
    }
}
