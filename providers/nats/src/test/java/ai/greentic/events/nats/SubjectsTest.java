package ai.greentic.events.nats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.spi.SubscribeRequest.Filter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SubjectsTest {
    private final Subjects subjects = new Subjects("greentic.v1");

    private static TenantTopic address(String env, String tenant, String topic) {
        return new TenantTopic(TenantContext.of(env, tenant).tenant(), new Topic(topic));
    }

    @Test
    void aSubjectIsReadable() {
        assertThat(subjects.of(address("prod", "acme", "orders.created"), 10))
                .isEqualTo("greentic.v1.prod.acme.0a.orders.created");
        assertThat(subjects.of(address("prod", "a.b", "größe/x.y"), 0))
                .isEqualTo("greentic.v1.prod.a=2Eb.00.gr=C3=B6=C3=9Fe=2Fx.y");
        assertThat(subjects.stream("prod")).isEqualTo("greentic_v1-prod");
    }

    /** Two addresses never share a subject, and each leads back to its own. */
    @Test
    void P4_subjectsAndAddressesAreOneToOne() {
        long seed = Long.getLong("subjects.seed", System.nanoTime());
        Random random = new Random(seed);
        String letters = "ab.=-_AZ09/é😀#$%";
        Map<String, TenantTopic> seen = new HashMap<>();
        for (int i = 0; i < 20_000; i++) {
            TenantTopic address;
            try {
                address = address(word(random, letters), word(random, letters), word(random, letters));
            } catch (EventsException e) {
                continue;
            }
            String subject = subjects.of(address, 7);
            assertThat(subjects.address("any", subject))
                    .as("subjects.seed=%d", seed)
                    .isEqualTo(address);
            assertThat(subjects.shard(subject)).isEqualTo(7);
            TenantTopic other = seen.putIfAbsent(subject, address);
            assertThat(other == null || other.equals(address)).as(subject).isTrue();
            assertThat(subject.split("\\.", -1)).as(subject).doesNotContain("");
        }
        assertThat(seen).hasSizeGreaterThan(1_000);
    }

    private static String word(Random random, String letters) {
        int[] codes = letters.codePoints().toArray();
        StringBuilder word = new StringBuilder();
        for (int i = 1 + random.nextInt(4); i > 0; i--) {
            word.appendCodePoint(codes[random.nextInt(codes.length)]);
        }
        return word.toString();
    }

    @ParameterizedTest
    @CsvSource({
        "other.v1.prod.acme.00.a",
        "greentic.v1.prod.acme.00",
        "greentic.v1.prod.acme.00.=G1",
        "greentic.v1.prod.acme.00.=4"
    })
    void P4_aForeignSubjectIsNobodys(String subject) {
        assertThatThrownBy(() -> subjects.address("any", subject))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CORRUPT_EVENT));
    }

    private static Filter filter(TenantScope scope, String pattern) {
        return new Filter(scope, TopicPattern.of(pattern));
    }

    @ParameterizedTest
    @CsvSource({
        "orders.created, greentic.v1.prod.acme.*.orders.created",
        "orders.*, greentic.v1.prod.acme.*.orders.>",
        "orders.cre*, greentic.v1.prod.acme.*.orders.>",
        "ord*, greentic.v1.prod.acme.*.>",
        "*, greentic.v1.prod.acme.*.>"
    })
    void filtersAreAsNarrowAsTheServerCan(String pattern, String expected) {
        assertThat(subjects.filters(List.of(filter(TenantContext.of("prod", "acme"), pattern)), Set.of()))
                .containsExactly(expected);
    }

    /** The server refuses filters that overlap. */
    @Test
    void filtersDoNotOverlap() {
        TenantContext acme = TenantContext.of("prod", "acme");
        assertThat(subjects.filters(List.of(filter(acme, "a.*"), filter(acme, "a.b")), Set.of()))
                .containsExactly("greentic.v1.prod.acme.*.>");
        assertThat(subjects.filters(List.of(filter(TenantScope.all("prod"), "a.*")), new TreeSet<>(Set.of(1, 63))))
                .containsExactly("greentic.v1.prod.*.01.a.>", "greentic.v1.prod.*.3f.a.>");
    }

    /** A key of one group never begins with that of another and a dot: their members' keys would mix. */
    @Test
    void keysOfGroupsAreTheirOwn() {
        assertThat(Subjects.group(TenantContext.of("prod", "acme"), "a.b")).isEqualTo("prod.acme.a=2Eb");
        assertThat(Subjects.group(TenantScope.all("prod"), "=")).isEqualTo("prod.=2A.=3D");
    }
}
