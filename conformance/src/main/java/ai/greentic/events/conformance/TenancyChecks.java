package ai.greentic.events.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.Payload;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.bus.RedriveOptions;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Nothing crosses tenants or environments, on any path. The ledger counts every delivery outside a reader's scope. */
abstract class TenancyChecks extends Checks {
    TenancyChecks(ProviderConformance kit) {
        super(kit);
    }

    /** Names that a careless separator would mix up. */
    private static List<TenantContext> tenants() {
        List<TenantContext> tenants = new ArrayList<>(List.of(
                TenantContext.of("test", "a"),
                TenantContext.of("test", "a-b"),
                TenantContext.of("test", "a_b"),
                TenantContext.of("test-a", "b"),
                TenantContext.of("test-a", "a"),
                TenantContext.of("prod", "a")));
        for (int i = 0; tenants.size() < Size.of(20, 8); i++) {
            tenants.add(TenantContext.of("test", "tenant-" + i));
        }
        return tenants;
    }

    @Test
    void P4_everyVerbStaysWithItsTenant() throws Exception {
        Fabric fabric = fabric();
        List<TenantContext> tenants = tenants();
        String pattern = fabric.can(Capability.WILDCARD) ? "*" : "tenancy.x";
        for (TenantContext tenant : tenants) {
            fabric.ephemeral("literal of " + tenant, tenant, "tenancy.x").join();
            fabric.ephemeral("pattern of " + tenant, tenant, pattern).join();
            if (fabric.can(Capability.GROUP)) {
                fabric.group("same-name", tenant, pattern).join();
            }
        }
        for (int round = 0; round < Size.of(100, 10); round++) {
            for (TenantContext tenant : tenants) {
                fabric.publish(fabric.event(tenant, "tenancy.x", "same-key", Payload.of(round)));
            }
        }
        fabric.awaitAll();
        if (fabric.can(Capability.REPLAY_EARLIEST)) {
            for (TenantContext tenant : tenants) {
                Audience replay = new Audience(
                        fabric,
                        fabric.ledger.readerFromTheStart("replay of " + tenant, tenant, TopicPattern.of(pattern)),
                        tenant,
                        pattern,
                        ai.greentic.events.bus.SubscribeOptions.ephemeral().startAt(StartAt.EARLIEST));
                replay.join();
            }
            fabric.awaitAll();
        }
        fabric.assertNoDuplicates();
    }

    @Test
    void P4_deadLettersAndTheirRedriveStayWithTheirTenant() throws Exception {
        Fabric fabric = fabric();
        fabric.log.expect("is a dead letter");
        List<TenantContext> tenants = tenants().subList(0, 4);
        for (TenantContext tenant : tenants) {
            Audience audience = fabric.ephemeral("rejects " + tenant, tenant, "tenancy.dlq");
            audience.join(fabric.bus(), delivery -> {
                audience.reader.delivered(delivery.event());
                if (delivery.event().marks().redrive().isEmpty()) {
                    audience.reader.expectAgain(delivery.event().id());
                    delivery.reject("not now");
                } else {
                    audience.reader.ended(delivery.event().id());
                }
            });
            for (int i = 0; i < 5; i++) {
                fabric.publish(fabric.event(tenant, "tenancy.dlq", null, Payload.of(i)));
            }
        }
        for (TenantContext tenant : tenants) {
            fabric.await(
                    "letters of " + tenant,
                    () -> fabric.bus()
                                    .deadLetters(tenant)
                                    .list(DeadLetterFilter.ALL, 100)
                                    .size()
                            == 5);
            assertThat(fabric.bus().deadLetters(tenant).list(DeadLetterFilter.ALL, 100))
                    .extracting(DeadLetter::address)
                    .allMatch(address -> address.tenant().equals(tenant.tenant()));
            assertThat(fabric.bus()
                            .deadLetters(tenant)
                            .redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD)
                            .redriven())
                    .isEqualTo(5);
        }
        fabric.awaitAll();
    }

    @Test
    void P4_aSubscriptionToAllTenantsSeesItsEnvironmentAndEachEventsTenant() {
        Fabric fabric = fabric();
        fabric.ephemeral("everybody of test", TenantScope.all("test"), "tenancy.x")
                .join();
        fabric.ephemeral("everybody of prod", TenantScope.all("prod"), "tenancy.x")
                .join();
        if (fabric.can(Capability.GROUP)) {
            fabric.group("all", TenantScope.all("test"), "tenancy.x").join();
        }
        for (int round = 0; round < Size.of(100, 10); round++) {
            for (TenantContext tenant : tenants()) {
                fabric.publish(fabric.event(tenant, "tenancy.x", "k", Payload.of(round)));
            }
        }
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }
}
