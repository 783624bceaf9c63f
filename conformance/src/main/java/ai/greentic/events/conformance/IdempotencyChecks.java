package ai.greentic.events.conformance;

import static ai.greentic.events.conformance.Fabric.ACME;
import static ai.greentic.events.conformance.Fabric.GLOBEX;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventId;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.PublishOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;

/** One idempotency key, one event. */
abstract class IdempotencyChecks extends Checks {
    private static final PublishOptions KEYED = PublishOptions.NONE.idempotencyKey("order-42");

    IdempotencyChecks(ProviderConformance kit) {
        super(kit);
    }

    /** Publishes without the ledger's help, since most of these must not arrive. */
    private PublishReceipt publish(EventBus bus, EventEnvelope event, PublishOptions options) {
        return bus.publish(event, options);
    }

    @Test
    void P3_aThousandRepetitionsAreOneEventWithOneReceipt() throws Exception {
        Fabric fabric = fabric();
        Queue<EventId> came = new ConcurrentLinkedQueue<>();
        fabric.bus()
                .subscribe(ACME, "once.x", delivery -> came.add(delivery.event().id()))
                .ready()
                .join();
        Set<EventId> receipts = ConcurrentHashMap.newKeySet();
        Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        List<Thread> publishers = new ArrayList<>();
        List<EventBus> buses = List.of(fabric.bus(), fabric.another());
        int each = Size.of(100, 20);
        for (int i = 0; i < 10; i++) {
            EventBus bus = buses.get(i % 2);
            Thread thread = new Thread(() -> {
                try {
                    for (int n = 0; n < each; n++) {
                        receipts.add(publish(bus, fabric.event(ACME, "once.x", null, Payload.of(42)), KEYED)
                                .eventId());
                    }
                } catch (RuntimeException e) {
                    failures.add(e);
                }
            });
            publishers.add(thread);
            thread.start();
        }
        for (Thread publisher : publishers) {
            publisher.join();
        }
        assertThat(failures).isEmpty();
        assertThat(receipts).hasSize(1);
        fabric.await("the event", () -> !came.isEmpty());
        Fabric.pause(java.time.Duration.ofMillis(100));
        assertThat(came).containsExactlyElementsOf(receipts);
    }

    @Test
    void P3_aRepetitionAfterARestartGetsTheFirstReceipt() {
        Fabric fabric = fabric();
        PublishReceipt first = publish(fabric.bus(), fabric.event(ACME, "once.x", null, Payload.of(1)), KEYED);
        assertThat(first.status()).isEqualTo(PublishReceipt.Status.PUBLISHED);
        fabric.reopen();
        PublishReceipt again = publish(fabric.bus(), fabric.event(ACME, "once.x", null, Payload.of(1)), KEYED);
        assertThat(again.status()).isEqualTo(PublishReceipt.Status.DUPLICATE);
        assertThat(again.eventId()).isEqualTo(first.eventId());
        assertThat(again.position()).isEqualTo(first.position());
    }

    @Test
    void P3_anotherPayloadUnderTheKeyIsRefusedAndOtherAddressesAreFree() {
        Fabric fabric = fabric();
        publish(fabric.bus(), fabric.event(ACME, "once.x", null, Payload.of(1)), KEYED);
        assertThatThrownBy(() -> publish(fabric.bus(), fabric.event(ACME, "once.x", null, Payload.of(2)), KEYED))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.IDEMPOTENCY_KEY_REUSED));
        for (EventEnvelope event : List.of(
                fabric.event(ACME, "once.y", null, Payload.of(1)),
                fabric.event(GLOBEX, "once.x", null, Payload.of(1)),
                fabric.event(TenantContext.of("prod", "acme"), "once.x", null, Payload.of(1)))) {
            assertThat(publish(fabric.bus(), event, KEYED).status()).isEqualTo(PublishReceipt.Status.PUBLISHED);
        }
    }

    /** A publish that failed for certain frees its key. */
    @Test
    void P3_aFailedPublishFreesItsKey() {
        Fabric fabric = fabric().faulty()
                .with(builder ->
                        builder.override("kit", ai.greentic.events.delivery.ProviderOverrides.NONE.maxRetries(0)));
        fabric.log.expect("PROVIDER_FULL");
        Audience reader = fabric.ephemeral("once", ACME, "once.x");
        reader.join();
        fabric.faults.failPublish(1, new EventsException(ErrorCode.PROVIDER_FULL, "the kit's provider is full"));
        assertThatThrownBy(() -> fabric.publish(fabric.event(ACME, "once.x", null, Payload.of(1)), KEYED))
                .isInstanceOf(EventsException.class);
        assertThat(fabric.publish(fabric.event(ACME, "once.x", null, Payload.of(1)), KEYED)
                        .status())
                .isEqualTo(PublishReceipt.Status.PUBLISHED);
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }
}
