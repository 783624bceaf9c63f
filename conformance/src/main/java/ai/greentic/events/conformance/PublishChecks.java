package ai.greentic.events.conformance;

import static ai.greentic.events.conformance.Fabric.ACME;
import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.PublishResult;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.spi.Capability;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What a receipt means, and what arrives. */
abstract class PublishChecks extends Checks {
    PublishChecks(ProviderConformance kit) {
        super(kit);
    }

    @Test
    void P11_everythingArrivesAsItWasSent() {
        Fabric fabric = fabric();
        fabric.ephemeral("all", ACME, "publish.matrix").join();
        List<String> payloads = new ArrayList<>(List.of(
                "null",
                "0",
                "\"\"",
                "{}",
                "1.10",
                "18446744073709551616",
                "-0.0",
                "1e400",
                "\"\\ud83d\\ude00 \\u0000 \\n\"",
                "\"grüße, 日本語, 😀\"",
                " { \"a\" : [ 1 , 2 ] } ",
                "{\"b\":1,\"a\":2,\"A\":3}"));
        for (int bytes : new int[] {1, 1 << 10, 64 << 10, 900 << 10}) {
            payloads.add("\"" + "x".repeat(bytes) + "\"");
        }
        for (int i = 0; i < Size.of(1000, 40); i++) {
            payloads.add("{\"n\":" + fabric.random.nextLong() + ",\"t\":\""
                    + Character.toString(0x20AC + fabric.random.nextInt(500)) + "\"}");
        }
        for (int i = 0; i < payloads.size(); i++) {
            EventEnvelope.Builder event = fabric
                    .event(
                            ACME,
                            "publish.matrix",
                            i % 3 == 0 ? null : "schlüssel/日本 " + i,
                            Payload.json(payloads.get(i)))
                    .toBuilder()
                    .subject("subject " + i)
                    .correlationId("correlation-" + i);
            for (int header = 0; header < i % 65; header++) {
                event.metadata("header-" + header, "wert ü " + header);
            }
            fabric.publish(event.build());
        }
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }

    @Test
    void P1_manyPublishersAndHandlersLoseNothing() throws Exception {
        Fabric fabric = fabric();
        boolean patterns = fabric.can(Capability.WILDCARD);
        fabric.ephemeral("all", ACME, patterns ? "*" : "publish.many.0")
                .with(options -> options.concurrency(50).maxInFlight(5_000))
                .join();
        int each = Size.of(1_000, 40);
        ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
        List<Thread> publishers = new ArrayList<>();
        EventBus bus = fabric.bus();
        assertThat(bus.health().live()).isTrue();
        for (int i = 0; i < 50; i++) {
            int publisher = i;
            Thread thread = new Thread(() -> {
                try {
                    for (int n = 0; n < each; n++) {
                        fabric.publish(
                                fabric.event("publish.many." + (patterns ? publisher % 7 : 0), "k" + publisher, n));
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
        fabric.awaitAll();
        fabric.assertNoDuplicates();
        assertThat(fabric.ledger.account().acknowledged()).isEqualTo(50L * each);
    }

    @Test
    void P1_receiptsOfABatchComeInItsOrderAndItsKeysKeepTheirs() {
        Fabric fabric = fabric();
        fabric.ephemeral("all", ACME, "publish.batch").join();
        for (int round = 0; round < Size.of(50, 5); round++) {
            List<EventEnvelope> batch = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                batch.add(fabric.event("publish.batch", "k" + i % 10, i));
            }
            batch.forEach(fabric.ledger::publishing);
            List<PublishResult> results = fabric.bus().publishAll(batch);
            for (int i = 0; i < batch.size(); i++) {
                PublishReceipt receipt = results.get(i).orElseThrow();
                assertThat(receipt.eventId()).isEqualTo(batch.get(i).id());
                fabric.ledger.acknowledged(receipt.eventId());
            }
        }
        fabric.awaitAll();
        fabric.assertNoDuplicates();
        if (fabric.can(Capability.KEY_ORDER)) {
            fabric.assertOrdered();
        }
    }

    /** What was accepted is there for whoever asks later, also when its publisher is gone. */
    @Test
    void P1_whatHasAReceiptIsThereForTheGroupThatComesBack() {
        Fabric fabric = fabric();
        Audience group = fabric.group("late", ACME, "publish.receipt");
        if (!fabric.can(Capability.GROUP)) {
            CapabilityChecks.assertUnsupported(group::join);
            group.reader.leave();
            fabric.ephemeral("present", ACME, "publish.receipt").join();
            fabric.publishAll(ACME, "publish.receipt", 5, 100);
            fabric.awaitAll();
            return;
        }
        group.join().close();
        fabric.publishAll(ACME, "publish.receipt", 5, Size.of(2_000, 200));
        fabric.reopen();
        group.join();
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }

    /** Each publish ends one way: with a receipt, and then the event comes, or with an error. */
    @Test
    void P1_P12_closingWhilePublishingLosesNoAcceptedEvent() throws Exception {
        Fabric fabric = fabric();
        boolean kept = fabric.can(Capability.GROUP) && fabric.target.shared();
        Audience group = kept ? fabric.group("reader", ACME, "close.x") : null;
        if (group != null) {
            group.join().close();
        }
        for (int round = 0; round < Size.of(200, 15); round++) {
            EventBus bus = fabric.fresh();
            Thread closer = new Thread(() -> {
                Fabric.pause(Duration.ofMillis(fabric.random.nextInt(20)));
                bus.close();
            });
            closer.start();
            List<EventEnvelope> events = new ArrayList<>();
            List<CompletableFuture<PublishReceipt>> futures = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                EventEnvelope event = fabric.event("close.x", "k" + i % 5, i);
                fabric.ledger.publishing(event);
                events.add(event);
                futures.add(bus.publishAsync(event));
            }
            closer.join();
            for (int i = 0; i < futures.size(); i++) {
                answered(events.get(i), futures.get(i));
            }
        }
        if (group != null) {
            group.join();
        }
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }

    private void answered(EventEnvelope event, CompletableFuture<PublishReceipt> future) throws Exception {
        try {
            fabric().ledger.acknowledged(future.get(30, TimeUnit.SECONDS).eventId());
        } catch (ExecutionException e) {
            assertThat(e.getCause()).isInstanceOf(EventsException.class);
            fabric().ledger.refused(event.id());
        }
    }
}
