package ai.greentic.events.conformance;

import static ai.greentic.events.conformance.Fabric.ACME;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.ErrorKind;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.spi.Capability;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Everything has a bound, and says so when it is reached. */
abstract class LimitChecks extends Checks {
    LimitChecks(ProviderConformance kit) {
        super(kit);
    }

    @Test
    void P10_theLargestEventPassesAndOneByteMoreIsRefused() {
        Fabric fabric = fabric();
        fabric.ephemeral("large", ACME, "limits.size").join();
        int most = EnvelopeCodec.DEFAULT_MAX_BYTES;
        int around = EnvelopeCodec.STANDARD.encode(fabric.event(ACME, "limits.size", null, Payload.of(""))).length;
        // Ids may be some digits longer than this one's.
        fabric.publish(fabric.event(ACME, "limits.size", null, Payload.of("x".repeat(most - around - 16))));
        assertThatThrownBy(() -> fabric.publish(fabric.event(ACME, "limits.size", null, Payload.of("x".repeat(most)))))
                .isInstanceOfSatisfying(EventsException.class, e -> {
                    assertThat(e.code()).isEqualTo(ErrorCode.EVENT_TOO_LARGE);
                    assertThat(e).hasMessageContaining(Integer.toString(most));
                });
        fabric.awaitAll();
    }

    /** While nobody handles, events wait in bounds: they are kept, or the publisher is told. None that was accepted is lost. */
    @Test
    void P10_aBacklogIsKeptOrRefusedAndNothingAcceptedIsLost() {
        Fabric fabric = fabric();
        fabric.with(
                builder -> builder.override("kit", ai.greentic.events.delivery.ProviderOverrides.NONE.maxRetries(0)));
        CountDownLatch free = new CountDownLatch(1);
        Audience slow = fabric.ephemeral("slow", ACME, "limits.backlog").with(options -> options.maxInFlight(16));
        slow.join(fabric.bus(), delivery -> {
            free.await();
            slow.reader.handled(delivery);
        });
        Payload large = Payload.of("x".repeat(100_000));
        int refused = 0;
        int count = Size.of(2_000, 300);
        for (int i = 0; i < count; i++) {
            try {
                fabric.publish(fabric.event(ACME, "limits.backlog", null, large));
            } catch (EventsException e) {
                assertThat(e.kind()).as("why a publish was refused: %s", e).isEqualTo(ErrorKind.OVERLOADED);
                refused++;
            }
        }
        assertThat(fabric.ledger.account().acknowledged()).isEqualTo(count - refused);
        assertThat(slow.reader.deliveries()).isZero();
        free.countDown();
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }

    /** No more than so many deliveries are with a handler's side at once. */
    @Test
    void P10_noMoreIsInFlightThanWasAskedFor() throws Exception {
        Fabric fabric = fabric();
        AtomicInteger inHand = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Audience reader = fabric.ephemeral("narrow", ACME, "limits.flight")
                .with(options -> options.maxInFlight(5).concurrency(50));
        reader.join(fabric.bus(), delivery -> {
            most.accumulateAndGet(inHand.incrementAndGet(), Math::max);
            Fabric.pause(Duration.ofMillis(2));
            inHand.decrementAndGet();
            reader.reader.handled(delivery);
        });
        fabric.publishAll(ACME, "limits.flight", 0, Size.of(1_000, 100));
        fabric.awaitAll();
        assertThat(most.get()).isBetween(1, 5);
        fabric.assertNoDuplicates();
    }

    @Test
    void P4_P10_manyTopicsAndLongNamesStayApart() {
        Fabric fabric = fabric();
        boolean patterns = fabric.can(Capability.WILDCARD);
        int count = Size.of(1_000, 60);
        String longest = "long." + "x".repeat(251);
        TenantContext tenant = TenantContext.of("test", "t".repeat(64));
        if (patterns) {
            fabric.ephemeral("every topic", tenant, "many.*").join();
        }
        fabric.ephemeral("one topic", tenant, "many.topic7").join();
        fabric.ephemeral("the longest", tenant, longest).join();
        for (int i = 0; i < count; i++) {
            fabric.publish(fabric.event(tenant, "many.topic" + i, null, Payload.of(i)));
        }
        fabric.publish(fabric.event(tenant, longest, "k".repeat(256), Payload.of(1)));
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }
}
