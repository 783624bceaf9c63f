package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.TenantLimits;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.testing.TestFabric;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

/** Tenants that share a provider: turns, room and limits. */
@SuppressWarnings("FutureReturnValueIgnored") // what is looked at is what arrives
class FairnessTest {
    private static final TenantContext ACME = TenantContext.of("prod", "acme");

    /** Takes one call at a time, and for each event in it a millisecond of virtual time. */
    private static final class Slow extends StubProvider {
        final List<String> order = new ArrayList<>();
        TestFabric fabric;

        @Override
        public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) throws InterruptedException {
            fabric.time().signal().await(Duration.ofMillis(batch.size()));
            return batch.stream()
                    .<CompletionStage<PublishOutcome>>map(event -> {
                        order.add(event.address().tenant().name());
                        return CompletableFuture.completedFuture(PublishOutcome.accepted());
                    })
                    .toList();
        }
    }

    private static EventEnvelope event(TestFabric fabric, TenantContext tenant, int size) {
        return fabric.bus()
                .newEvent(tenant, "slow.x")
                .payload(Payload.of("x".repeat(size)))
                .build();
    }

    @Test
    void P7_aFloodingTenantLeavesTheOthersTheirLatency() {
        double calm = worst(0);
        double flooded = worst(4000);
        assertThat(flooded / calm)
                .as("p99 of 19 tenants, %s ms with a flood, %s ms beside an ordinary twentieth", flooded, calm)
                .isLessThanOrEqualTo(1.1);
    }

    /** The 99th percentile of the publish latency, in virtual milliseconds, of 19 tenants beside a twentieth. */
    private static double worst(int flood) {
        Slow provider = new Slow();
        List<Double> latencies = new ArrayList<>();
        try (TestFabric fabric = TestFabric.create(
                3, b -> b.provider("slow", provider, "slow.*").publishTimeout(Duration.ofMinutes(10)))) {
            provider.fabric = fabric;
            TenantContext flooder = TenantContext.of("prod", "t0");
            for (int round = 0; round < 20; round++) {
                for (int i = 0; i < (flood == 0 ? 10 : flood); i++) {
                    fabric.bus().publishAsync(event(fabric, flooder, 16));
                }
                for (int tenant = 1; tenant < 20; tenant++) {
                    TenantContext context = TenantContext.of("prod", "t" + tenant);
                    for (int i = 0; i < 10; i++) {
                        long begun = fabric.time().nanos();
                        fabric.bus().publishAsync(event(fabric, context, 16)).thenAccept(receipt -> {
                            latencies.add((fabric.time().nanos() - begun) / 1e6);
                        });
                    }
                }
                fabric.advance(Duration.ofSeconds(2));
            }
            fabric.advance(Duration.ofMinutes(5));
        }
        assertThat(latencies).hasSize(20 * 19 * 10);
        latencies.sort(null);
        return latencies.get((int) (latencies.size() * 0.99));
    }

    @Test
    void aNewcomerFindsRoomInAFullQueueAndTheFlooderIsRefused() {
        Slow provider = new Slow();
        try (TestFabric fabric =
                TestFabric.create(0, b -> b.provider("slow", provider, "slow.*").publishQueue(100))) {
            provider.fabric = fabric;
            List<CompletableFuture<PublishReceipt>> flood = new ArrayList<>();
            for (int i = 0; i < 2000; i++) {
                flood.add(fabric.bus().publishAsync(event(fabric, ACME, 16)));
            }
            List<ErrorCode> refusals = new ArrayList<>();
            flood.forEach(future -> future.whenComplete((receipt, failure) -> {
                if (failure != null) {
                    refusals.add(((EventsException) failure).code());
                }
            }));
            assertThat(refusals).hasSizeGreaterThan(1500).containsOnly(ErrorCode.PUBLISH_QUEUE_FULL);
            CompletableFuture<PublishReceipt> newcomer =
                    fabric.bus().publishAsync(event(fabric, TenantContext.of("prod", "globex"), 16));
            fabric.advance(Duration.ofMinutes(1));
            assertThat(newcomer.join().status()).isEqualTo(PublishReceipt.Status.PUBLISHED);
        }
    }

    @Test
    void largeEventsCostMoreAndWeightsCount() {
        Slow provider = new Slow();
        TenantContext heavy = TenantContext.of("prod", "heavy");
        TenantContext favoured = TenantContext.of("prod", "favoured");
        TestFabric fabric = TestFabric.create(
                0,
                b -> b.provider("slow", provider, "slow.*")
                        .publishTimeout(Duration.ofMinutes(10))
                        .tenantLimits(favoured.tenant(), TenantLimits.NONE.weight(3)));
        provider.fabric = fabric;
        try (fabric) {
            for (int i = 0; i < 800; i++) {
                fabric.bus().publishAsync(event(fabric, ACME, 3500));
                fabric.bus().publishAsync(event(fabric, heavy, 35_000));
                fabric.bus().publishAsync(event(fabric, favoured, 3500));
            }
            fabric.advance(Duration.ofMinutes(10));
            Map<String, Integer> early = new HashMap<>();
            provider.order.subList(0, 900).forEach(tenant -> early.merge(tenant, 1, Integer::sum));
            assertThat(early.get("favoured") / (double) early.get("acme")).isBetween(2.4, 3.6);
            assertThat(early.get("acme") / (double) early.get("heavy")).isBetween(6.0, 12.0);
            assertThat(provider.order).as("everybody is served in the end").hasSize(2400);
        }
    }

    @Test
    void P10_aTenantIsHeldToItsRateItsFlightAndItsBytes() {
        Tenant acme = ACME.tenant();
        try (TestFabric fabric = TestFabric.create(0, b -> b.tenantLimits(acme, TenantLimits.NONE.rate(10, 5)))) {
            int accepted = 0;
            for (int second = 0; second < 10; second++) {
                for (int i = 0; i < 30; i++) {
                    accepted += refusal(fabric, ACME, 1) == null ? 1 : 0;
                }
                fabric.advance(Duration.ofSeconds(1));
            }
            assertThat(accepted)
                    .as("5 at once, then 10 a second, 5 of which may wait")
                    .isBetween(45, 55);
            assertThat(refusal(fabric, TenantContext.of("prod", "globex"), 1)).isNull();
        }
        Slow provider = new Slow();
        try (TestFabric fabric = TestFabric.create(
                0,
                b -> b.provider("slow", provider, "slow.*")
                        .tenantLimits(TenantLimits.NONE.inFlight(3).bytesInFlight(10_000)))) {
            provider.fabric = fabric;
            List<CompletableFuture<PublishReceipt>> all = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                all.add(fabric.bus().publishAsync(event(fabric, ACME, 10)));
            }
            assertThat(all.stream().filter(CompletableFuture::isCompletedExceptionally))
                    .hasSize(2);
            fabric.advance(Duration.ofSeconds(1));
            assertThat(fabric.bus().publishAsync(event(fabric, ACME, 9000))).isNotCompletedExceptionally();
            CompletableFuture<PublishReceipt> tooMuch = fabric.bus().publishAsync(event(fabric, ACME, 9000));
            assertThat(tooMuch.handle((r, e) -> ((EventsException) e).code()))
                    .isCompletedWithValue(ErrorCode.TENANT_LIMIT);
            fabric.advance(Duration.ofSeconds(1));
            assertThat(fabric.bus().publishAsync(event(fabric, ACME, 9000))).isNotCompletedExceptionally();
            fabric.settle();
        }
    }

    private static EventsException refusal(TestFabric fabric, TenantContext tenant, int size) {
        return catchThrowableOfType(EventsException.class, () -> fabric.bus().publish(tenant, "a", "x".repeat(size)));
    }
}
