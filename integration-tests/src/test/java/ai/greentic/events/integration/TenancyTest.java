package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.Caller;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.Position;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.access.AccessRule;
import ai.greentic.events.bus.PullSubscription;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.testing.TestFabric;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TenancyTest {
    private static final TenantContext ACME = TenantContext.of("prod", "acme");
    private static final TenantContext GLOBEX = TenantContext.of("prod", "globex");
    private static final TenantContext ACME_DEV = TenantContext.of("dev", "acme");

    @Test
    void P4_aTenantNeverSeesAnotherOneOnAnyVerb() throws Exception {
        try (TestFabric fabric = TestFabric.create()) {
            for (TenantContext tenant : List.of(ACME, GLOBEX, ACME_DEV)) {
                fabric.bus().publish(tenant, "orders.old", tenant.tenant().toString());
            }
            List<String> handled = new ArrayList<>();
            fabric.bus().subscribe(ACME, "*", delivery -> {
                handled.add("ephemeral " + delivery.payload(String.class));
                throw new IllegalStateException("never handled");
            });
            fabric.bus()
                    .subscribe(
                            ACME,
                            "*",
                            SubscribeOptions.group("g").startAt(StartAt.EARLIEST),
                            delivery -> handled.add("group " + delivery.payload(String.class)));
            fabric.bus()
                    .subscribe(
                            ACME,
                            "orders.*",
                            SubscribeOptions.ephemeral()
                                    .startAt(StartAt.at(fabric.time().now().minusSeconds(60))),
                            delivery -> handled.add("replay " + delivery.payload(String.class)));
            PullSubscription pull = fabric.bus()
                    .pull(
                            ACME,
                            "*",
                            SubscribeOptions.ephemeral()
                                    .startAt(StartAt.after(java.util.Map.of("memory", new Position("memory", "0")))));
            for (TenantContext tenant : List.of(ACME, GLOBEX, ACME_DEV)) {
                fabric.bus().publish(tenant, "orders.new", tenant.tenant().toString());
            }
            fabric.advance(Duration.ofMinutes(5));
            assertThat(handled).isNotEmpty().allMatch(line -> line.endsWith("prod/acme"));
            assertThat(new TreeSet<>(handled))
                    .containsExactly("ephemeral prod/acme", "group prod/acme", "replay prod/acme");
            assertThat(pull.next(10, Duration.ZERO))
                    .hasSize(2)
                    .allMatch(delivery -> delivery.event().address().tenant().equals(ACME.tenant()));
            assertThat(fabric.bus().deadLetters(ACME).list(DeadLetterFilter.ALL, 10))
                    .hasSize(1);
            assertThat(fabric.bus().deadLetters(GLOBEX).list(DeadLetterFilter.ALL, 10))
                    .isEmpty();
            assertThat(fabric.bus().deadLetters(ACME_DEV).list(DeadLetterFilter.ALL, 10))
                    .isEmpty();
        }
    }

    @Test
    void P4_groupsOfTwoTenantsWithOneNameAreTwoGroups() {
        try (TestFabric fabric = TestFabric.create()) {
            List<String> seen = new ArrayList<>();
            for (TenantContext tenant : List.of(ACME, GLOBEX)) {
                fabric.bus()
                        .subscribe(
                                tenant,
                                "a",
                                SubscribeOptions.group("billing"),
                                d -> seen.add(tenant.tenant() + "<-"
                                        + d.event().address().tenant()));
                fabric.bus().publish(tenant, "a", 1);
            }
            fabric.settle();
            assertThat(seen).containsExactlyInAnyOrder("prod/acme<-prod/acme", "prod/globex<-prod/globex");
        }
    }

    @Test
    void allTenantsOfAnEnvironmentAreThatEnvironments() {
        try (TestFabric fabric = TestFabric.create()) {
            List<String> seen = new ArrayList<>();
            fabric.bus()
                    .subscribe(
                            TenantScope.all("prod"),
                            "*",
                            d -> seen.add(d.event().address().toString()));
            for (TenantContext tenant : List.of(ACME, GLOBEX, ACME_DEV)) {
                fabric.bus().publish(tenant, "a", 1);
            }
            fabric.settle();
            assertThat(seen).containsExactlyInAnyOrder("prod/acme:a", "prod/globex:a");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"*", "secret*", "s*", "secret.*.x", "?ecret.a"})
    void P5_aDeniedTopicHidesBehindNoPattern(String pattern) {
        AccessPolicy policy = AccessPolicy.of(List.of(
                AccessRule.deny(AccessAction.PUBLISH, AccessAction.SUBSCRIBE)
                        .caller("guest")
                        .topics("secret.*")
                        .build(),
                AccessRule.of(AccessRule.Effect.ALLOW, Set.of(AccessAction.values()))
                        .build()));
        try (TestFabric fabric = TestFabric.create(1, builder -> builder.access(policy))) {
            var guest = fabric.bus().as(Caller.of("guest"));
            assertDenied(() -> guest.subscribe(ACME, pattern, delivery -> {}));
            assertDenied(() -> guest.pull(ACME, pattern, SubscribeOptions.ephemeral()));
            assertDenied(() -> guest.publish(ACME, "secret.a", 1));
            assertThatThrownBy(() -> guest.publish(ACME, "secret.*.x", 1))
                    .isInstanceOfSatisfying(
                            EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_TOPIC));
            fabric.bus().subscribe(ACME, pattern, delivery -> {}).close();
        }
    }

    @Test
    void P5_whatAnEnvelopeClaimsAboutItsSenderCountsForNothing() {
        AccessPolicy policy = AccessPolicy.of(
                List.of(AccessRule.allow(AccessAction.PUBLISH).team("ops").build()));
        try (TestFabric fabric = TestFabric.create(1, builder -> builder.access(policy))) {
            TenantContext claimed = TenantContext.builder("prod", "acme")
                    .team("ops")
                    .user("root")
                    .build();
            assertDenied(() -> fabric.bus().publish(claimed, "a", 1));
            assertThat(fabric.bus()
                            .as(new Caller("app", "ops", null))
                            .publish(ACME, "a", 1)
                            .provider())
                    .isEqualTo("memory");
        }
    }

    @Test
    void P5_replayNeedsARightOfItsOwn() {
        AccessPolicy policy =
                AccessPolicy.of(List.of(AccessRule.allow(AccessAction.SUBSCRIBE).build()));
        try (TestFabric fabric = TestFabric.create(1, builder -> builder.access(policy))) {
            fabric.bus().subscribe(ACME, "a", delivery -> {}).close();
            assertDenied(() -> fabric.bus()
                    .subscribe(ACME, "a", SubscribeOptions.ephemeral().startAt(StartAt.EARLIEST), delivery -> {}));
            assertDenied(() -> fabric.bus()
                    .subscribe(
                            TenantScope.all("dev"),
                            "a",
                            SubscribeOptions.group("g").startAt(StartAt.EARLIEST),
                            delivery -> {}));
        }
    }

    /** What a broker might deliver by mistake or by malice: another tenant, another environment, a forged envelope, rubbish. */
    @Test
    void P4_aDeliveryIsCheckedAgainWhateverTheProviderSays() {
        ScriptedProvider provider = new ScriptedProvider();
        try (TestFabric fabric = TestFabric.create(
                1,
                builder -> builder.provider(
                        "scripted", provider, EnumSet.of(Capability.SUBSCRIBE, Capability.WILDCARD), "wire.*"))) {
            List<String> seen = new ArrayList<>();
            fabric.bus()
                    .subscribe(
                            ACME,
                            "wire.*",
                            delivery -> seen.add(delivery.event().id().value()));
            provider.deliver(GLOBEX, "wire.a", event(GLOBEX, "wire.a", "alone"));
            fabric.advance(Duration.ofSeconds(1));
            provider.deliver(ACME, "wire.a", event(ACME, "wire.a", "good"));
            provider.deliver(GLOBEX, "wire.a", event(GLOBEX, "wire.a", "other-tenant"));
            provider.deliver(ACME, "other", event(ACME, "other", "other-topic"));
            provider.deliver(ACME, "wire.a", event(GLOBEX, "wire.a", "forged-tenant"));
            provider.deliver(ACME, "wire.a", event(ACME_DEV, "wire.a", "other-environment"));
            provider.deliver(ACME, "wire.b", event(ACME, "wire.c", "forged-topic"));
            provider.deliverBytes(ACME, "wire.a", "{\"id\":".getBytes(java.nio.charset.StandardCharsets.UTF_8));
            provider.deliver(ACME, "wire.z", event(ACME, "wire.z", "good-again"));
            fabric.advance(Duration.ofSeconds(10));
            assertThat(seen).containsExactlyInAnyOrder("good", "good-again");
            assertThat(provider.acked).as("nothing is left hanging").isEqualTo(9);
            assertThat(fabric.deadLetters(ACME))
                    .as("forged and broken ones are quarantined under the wire's tenant")
                    .extracting(letter -> letter.code())
                    .containsExactlyInAnyOrder(
                            ErrorCode.TENANT_MISMATCH, ErrorCode.TENANT_MISMATCH, ErrorCode.CORRUPT_EVENT);
            assertThat(fabric.deadLetters(GLOBEX)).isEmpty();
        }
    }

    private static EventEnvelope event(TenantContext tenant, String topic, String id) {
        return EventEnvelope.builder(tenant, topic)
                .id(id)
                .time(java.time.Instant.EPOCH)
                .payload(Payload.of(1))
                .build();
    }

    private static void assertDenied(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.ACCESS_DENIED));
    }

    /** Delivers what it is told to. */
    private static final class ScriptedProvider extends StubProvider {
        private final List<InboundDelivery> script = new ArrayList<>();
        private int number;
        int acked;

        void deliver(TenantContext tenant, String topic, EventEnvelope event) {
            deliverBytes(tenant, topic, EnvelopeCodec.STANDARD.encode(event));
        }

        void deliverBytes(TenantContext tenant, String topic, byte[] bytes) {
            script.add(new InboundDelivery(
                    new TenantTopic(tenant.tenant(), new Topic(topic)),
                    bytes,
                    new Position("scripted", "" + number++),
                    Shard.NONE,
                    0));
        }

        @Override
        List<InboundDelivery> next() {
            List<InboundDelivery> all = List.copyOf(script);
            script.clear();
            return all;
        }

        @Override
        SettleOutcome settled(Settled settled) {
            acked += settled.settlement() == Settled.Settlement.ACK ? 1 : 0;
            return SettleOutcome.SETTLED;
        }
    }
}
