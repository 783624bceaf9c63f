package ai.greentic.events.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NamesTest {
    private final Names names = new Names("greentic-v1-{env}-{tenant}");

    @Test
    void aTopicIsReadable() {
        assertThat(names.topic(new Tenant("prod", "acme"))).isEqualTo("greentic-v1-prod-acme");
        assertThat(names.topic(new Tenant("prod", "a.b-c_d"))).isEqualTo("greentic-v1-prod-a_2Eb_2Dc_5Fd");
        assertThat(Names.group(TenantContext.of("prod", "acme"), "bill.ing"))
                .isEqualTo("greentic.prod.acme.bill_2Eing");
        assertThat(Names.group(TenantScope.all("prod"), "g")).isEqualTo("greentic.prod.*.g");
    }

    /** Two tenants never share a topic, and each topic leads back to its tenant, and to none of another environment. */
    @Test
    void P4_topicsAndTenantsAreOneToOne() {
        long seed = Long.getLong("names.seed", System.nanoTime());
        Random random = new Random(seed);
        Map<String, Tenant> seen = new HashMap<>();
        for (int i = 0; i < 20_000; i++) {
            Tenant tenant;
            try {
                tenant = new Tenant(word(random), word(random));
            } catch (EventsException e) {
                continue;
            }
            String topic = names.topic(tenant);
            assertThat(topic).as("names.seed=%d", seed).matches("[A-Za-z0-9._-]+");
            assertThat(names.tenant(tenant.env(), topic)).isEqualTo(tenant);
            assertThat(names.tenant(tenant.env() + "x", topic)).isNull();
            Tenant other = seen.putIfAbsent(topic, tenant);
            assertThat(other == null || other.equals(tenant)).as(topic).isTrue();
        }
        assertThat(seen).hasSizeGreaterThan(500);
    }

    private static String word(Random random) {
        String letters = "ab._-AZ09";
        StringBuilder word = new StringBuilder();
        for (int i = 1 + random.nextInt(4); i > 0; i--) {
            word.append(letters.charAt(random.nextInt(letters.length())));
        }
        return word.toString();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "greentic",
                "{tenant}-{env}",
                "{env}{tenant}",
                "a_{env}-{tenant}",
                "{env}-{tenant}-{tenant}",
                "a b{env}-{tenant}"
            })
    void P14_aTemplateThatCouldMixTenantsIsRefused(String template) {
        assertThatThrownBy(() -> new Names(template))
                .isInstanceOf(EventsException.class)
                .hasMessageContaining(template)
                .hasMessageContaining("{tenant}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "greentic-v1-prod-",
                "greentic-v1-prod-a-b",
                "greentic-v1-prod-a_2",
                "greentic-v1-prod-_ZZ",
                "other-prod-acme"
            })
    void P4_aForeignTopicIsNobodys(String topic) {
        assertThat(names.tenant("prod", topic)).isNull();
    }
}
