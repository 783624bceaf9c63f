package ai.greentic.events.access;

import static ai.greentic.events.access.AccessAction.PUBLISH;
import static ai.greentic.events.access.AccessAction.SUBSCRIBE;
import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.Caller;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TopicPattern;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AccessPolicyTest {
    private static final TenantContext ACME = TenantContext.of("prod", "acme");
    private static final Caller APP = Caller.of("app");

    private static boolean may(AccessPolicy policy, AccessAction action, String topic) {
        return policy.decide(APP, ACME.tenant(), action, topic).allowed();
    }

    private static boolean maySubscribe(AccessPolicy policy, TenantScope scope, String pattern) {
        return policy.decide(APP, scope, SUBSCRIBE, TopicPattern.of(pattern)).allowed();
    }

    private static AccessPolicy secretsDenied() {
        return AccessPolicy.of(List.of(
                AccessRule.deny(PUBLISH, SUBSCRIBE).topics("secret.*").build(),
                AccessRule.allow(PUBLISH, SUBSCRIBE).build()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"*", "secret*", "s*", "secret.*.x", "?ecret.a", "secret.a", "*.a", "s?cret.?"})
    void P5_noPatternIsWideEnoughToHideADeniedTopic(String pattern) {
        assertThat(maySubscribe(secretsDenied(), ACME, pattern)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"orders.*", "secret", "secretary.*", "?ecre.a"})
    void patternsThatTouchNothingDeniedAreAllowed(String pattern) {
        assertThat(maySubscribe(secretsDenied(), ACME, pattern)).isTrue();
    }

    @Test
    void P5_wildcardsInATopicEscapeNoRule() {
        assertThat(may(secretsDenied(), PUBLISH, "secret.*.x")).isFalse();
        assertThat(may(secretsDenied(), PUBLISH, "secret.a")).isFalse();
        assertThat(may(secretsDenied(), PUBLISH, "orders.a")).isTrue();
    }

    @Test
    void firstMatchDecidesAndSaysWhy() {
        AccessPolicy policy = AccessPolicy.of(List.of(
                AccessRule.allow(PUBLISH).topics("orders.created").build(),
                AccessRule.deny(PUBLISH).topics("orders.*").build(),
                AccessRule.allow(PUBLISH).build()));
        assertThat(may(policy, PUBLISH, "orders.created")).isTrue();
        assertThat(policy.decide(APP, ACME.tenant(), PUBLISH, "orders.deleted"))
                .isEqualTo(new AccessDecision(false, "rule 2: deny publish on orders.*"));
        assertThat(may(policy, PUBLISH, "billing.x")).isTrue();
        assertThat(policy.decide(APP, ACME.tenant(), SUBSCRIBE, "billing.x").reason())
                .contains("default is deny");
    }

    @Test
    void defaultIsDenyAsSoonAsThereAreRulesUnlessSaidOtherwise() {
        List<AccessRule> rules = List.of(AccessRule.deny(PUBLISH).topics("a").build());
        assertThat(may(AccessPolicy.open(), PUBLISH, "b")).isTrue();
        assertThat(may(AccessPolicy.of(rules), PUBLISH, "b")).isFalse();
        assertThat(may(AccessPolicy.allowingByDefault(rules), PUBLISH, "b")).isTrue();
        assertThat(may(AccessPolicy.of(List.of()), PUBLISH, "b")).isFalse();
    }

    @Test
    void teamAndUserAreTheCallers() {
        AccessPolicy policy = AccessPolicy.of(List.of(AccessRule.allow(PUBLISH)
                .team("ops")
                .user("u-*")
                .env("prod")
                .tenant("ac*")
                .caller("app")
                .build()));
        Tenant acme = ACME.tenant();
        assertThat(policy.decide(new Caller("app", "ops", "u-1"), acme, PUBLISH, "a")
                        .allowed())
                .isTrue();
        assertThat(policy.decide(APP, acme, PUBLISH, "a").allowed()).isFalse();
        assertThat(policy.decide(new Caller("other", "ops", "u-1"), acme, PUBLISH, "a")
                        .allowed())
                .isFalse();
        assertThat(policy.decide(new Caller("app", "dev", "u-1"), acme, PUBLISH, "a")
                        .allowed())
                .isFalse();
        assertThat(policy.decide(new Caller("app", "ops", "u-1"), new Tenant("dev", "acme"), PUBLISH, "a")
                        .allowed())
                .isFalse();
        assertThat(policy.decide(new Caller("app", "ops", "u-1"), new Tenant("prod", "globex"), PUBLISH, "a")
                        .allowed())
                .isFalse();
    }

    @Test
    void P4_allTenantsNeedARuleForEveryTenant() {
        TenantScope all = TenantScope.all("prod");
        assertThat(maySubscribe(AccessPolicy.open(), all, "orders.*")).isFalse();
        assertThat(maySubscribe(AccessPolicy.allowingByDefault(List.of()), all, "orders.*"))
                .isFalse();
        assertThat(maySubscribe(
                        AccessPolicy.of(List.of(
                                AccessRule.allow(SUBSCRIBE).tenant("acme").build())),
                        all,
                        "orders.*"))
                .isFalse();
        AccessRule everyone = AccessRule.allow(SUBSCRIBE).topics("orders.*").build();
        assertThat(maySubscribe(AccessPolicy.of(List.of(everyone)), all, "orders.*"))
                .isTrue();
        assertThat(maySubscribe(AccessPolicy.of(List.of(everyone)), all, "*")).isFalse();
        AccessRule oneDenied = AccessRule.deny(SUBSCRIBE)
                .tenant("acme")
                .topics("orders.secret")
                .build();
        assertThat(maySubscribe(AccessPolicy.of(List.of(oneDenied, everyone)), all, "orders.*"))
                .isFalse();
        assertThat(maySubscribe(AccessPolicy.of(List.of(oneDenied, everyone)), all, "orders.open"))
                .isTrue();
    }

    @Test
    void P5_anAllowedPatternMatchesNoDeniedTopic() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 500; round++) {
            List<AccessRule> rules = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                AccessRule.Builder rule =
                        random.nextBoolean() ? AccessRule.allow(SUBSCRIBE) : AccessRule.deny(SUBSCRIBE);
                rules.add(rule.topics(word(random, "ab.*?"))
                        .tenant(random.nextInt(3) == 0 ? "acme" : "*")
                        .build());
            }
            AccessPolicy policy = AccessPolicy.of(rules);
            TopicPattern pattern = TopicPattern.of(word(random, "ab.*?"));
            if (!policy.decide(APP, ACME, SUBSCRIBE, pattern).allowed()) {
                continue;
            }
            for (int i = 0; i < 200; i++) {
                String topic = word(random, "ab.");
                if (pattern.matches(topic)) {
                    assertThat(may(policy, SUBSCRIBE, topic))
                            .as("seed %d, rules %s, %s, %s", seed, rules, pattern, topic)
                            .isTrue();
                }
            }
        }
    }

    @Test
    void remembersDecisionsWithoutMixingThem() {
        AccessPolicy policy = AccessPolicy.of(List.of(AccessRule.allow(PUBLISH)
                .tenant("acme")
                .caller("app")
                .topics("a")
                .build()));
        for (int i = 0; i < 3; i++) {
            assertThat(may(policy, PUBLISH, "a")).isTrue();
            assertThat(may(policy, SUBSCRIBE, "a")).isFalse();
            assertThat(policy.decide(APP, new Tenant("prod", "globex"), PUBLISH, "a")
                            .allowed())
                    .isFalse();
            assertThat(policy.decide(Caller.of("b"), ACME.tenant(), PUBLISH, "a")
                            .allowed())
                    .isFalse();
        }
    }

    private static String word(Random random, String alphabet) {
        StringBuilder text = new StringBuilder();
        int length = 1 + random.nextInt(4);
        for (int i = 0; i < length; i++) {
            text.append(alphabet.charAt(random.nextInt(alphabet.length())));
        }
        return text.toString();
    }
}
