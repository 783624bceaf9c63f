package ai.greentic.events.conformance;

import static ai.greentic.events.conformance.Fabric.ACME;
import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventId;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.spi.Capability;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Bad days. After each of them the account is drawn: lost, unexpected and cross-tenant are 0. */
abstract class FaultChecks extends Checks {
    private final EventsException away =
            new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "the kit took the provider away");

    /** No more can have been unsettled when a member was killed. */
    private static final int UNSETTLED = 256;

    FaultChecks(ProviderConformance kit) {
        super(kit);
    }

    private Audience reader(String name, String topic) {
        Fabric fabric = fabric();
        return fabric.can(Capability.GROUP) ? fabric.group(name, ACME, topic) : fabric.ephemeral(name, ACME, topic);
    }

    @Test
    void P9_pollsThatFailEndNoSubscription() {
        Fabric fabric = fabric().faulty();
        fabric.log.expect("the kit took the provider away");
        Audience reader = reader("steady", "faults.poll");
        Subscription member = reader.join();
        for (int round = 0; round < Size.of(20, 4); round++) {
            fabric.faults.failPoll(3, away);
            fabric.publishAll(ACME, "faults.poll", 5, 50);
            fabric.awaitAll();
        }
        assertThat(member.state()).isIn(Subscription.State.ACTIVE, Subscription.State.RECONNECTING);
        fabric.assertNoDuplicates();
    }

    @Test
    void P1_publishesThatFailAreTriedAgainAndComeOnce() {
        Fabric fabric = fabric().faulty();
        fabric.log.expect("the kit took the provider away");
        Audience reader = reader("patient", "faults.publish");
        reader.join();
        for (int round = 0; round < Size.of(20, 4); round++) {
            fabric.faults.failPublish(3, away);
            fabric.publishAll(ACME, "faults.publish", 5, 50);
        }
        fabric.awaitAll();
        if (fabric.can(Capability.KEY_ORDER)) {
            fabric.assertOrdered();
        }
        fabric.assertNoDuplicates();
    }

    /** A settlement that fails is tried again: its event neither comes again nor stays unsettled for ever. */
    @Test
    void P9_settlementsThatFailAreTriedAgain() {
        Fabric fabric = fabric().faulty();
        fabric.log.expect("the kit took the provider away");
        Audience reader = reader("settling", "faults.settle");
        Subscription member = reader.join(fabric.bus(), delivery -> {
            reader.reader.delivered(delivery.event());
            reader.reader.ended(delivery.event().id());
        });
        fabric.faults.failSettle(2, away);
        fabric.publishAll(ACME, "faults.settle", 5, 200);
        fabric.awaitAll();
        member.close();
        if (fabric.can(Capability.GROUP)) {
            reader.join();
        }
        fabric.publishAll(ACME, "faults.settle", 5, fabric.can(Capability.GROUP) ? 5 : 0);
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }

    /** What the author can do to the transport, and what the kit can do to everybody, while events flow. */
    @Test
    void P1_P9_nothingIsLostWhateverHappensToTheTransport() throws Exception {
        Fabric fabric = fabric();
        fabric.log.expect("");
        Audience reader = reader("survivor", "faults.transport");
        List<Disturbance> disturbances = new ArrayList<>(fabric.target.disturbances());
        boolean alone = disturbances.isEmpty();
        disturbances.add(Disturbance.when("a member comes", () -> {}).until("it leaves", () -> {}));
        reader.join(fabric.bus(), reader.reader::handledUnderFaults);
        for (Disturbance disturbance : disturbances) {
            long duplicates = fabric.ledger.account().duplicated();
            AtomicBoolean over = new AtomicBoolean();
            Thread publisher = new Thread(() -> {
                for (int i = 0; !over.get() && i < 1_000_000; i++) {
                    // Pressed gently, so that a long outage does not fill anything.
                    publishOrNote(i);
                    Fabric.pause(Duration.ofMillis(1));
                }
            });
            publisher.start();
            Subscription guest = fabric.can(Capability.GROUP)
                    ? reader.join(fabric.another(), reader.reader::handledUnderFaults)
                    : null;
            Fabric.pause(Duration.ofMillis(Size.of(500, 50)));
            disturbance.happen();
            long healed = reader.reader.deliveries();
            fabric.await(
                    "progress within 10 s after: " + disturbance,
                    Duration.ofSeconds(alone ? 60 : 10),
                    () -> reader.reader.deliveries() > healed);
            if (guest != null) {
                guest.close();
            }
            over.set(true);
            publisher.join();
            fabric.awaitAll();
            fabric.assertSound();
            if (fabric.canAll(Capability.KEY_ORDER, Capability.KEY_AFFINITY)) {
                fabric.assertOrdered();
            }
            assertThat(fabric.ledger.account().duplicated() - duplicates)
                    .as("duplicates when %s", disturbance)
                    .isLessThanOrEqualTo(2L * UNSETTLED);
        }
    }

    private void publishOrNote(int number) {
        try {
            fabric().publish(fabric().event(ACME, "faults.transport", "k" + number % 16, Payload.of(number)));
        } catch (EventsException e) {
            assertThat(e.kind().retryable()).as("why a publish failed: %s", e).isTrue();
        }
    }

    @Test
    void P1_aKilledPublishersReceiptsHold() throws Exception {
        Fabric fabric = fabric();
        Audience reader = reader("witness", "faults.kill");
        if (assertedNotDurable()) {
            return;
        }
        reader.join();
        for (int kill = 0; kill < Size.of(20, 3); kill++) {
            try (Participant.Child child = Participant.start(fabric.target, "publish", "faults.kill")) {
                child.onLine(line -> {
                    switch (line.word()) {
                        case "try" -> fabric.ledger.publishing(line.event());
                        case "accepted" -> fabric.ledger.acknowledged(line.id());
                        default -> throw new AssertionError("the child said " + line);
                    }
                });
                long before = fabric.ledger.account().acknowledged();
                fabric.await("receipts", () -> fabric.ledger.account().acknowledged() > before);
                Fabric.pause(Duration.ofMillis(fabric.random.nextInt(200)));
                child.kill();
            }
        }
        fabric.awaitAll();
        fabric.assertNoDuplicates();
        if (fabric.canAll(Capability.KEY_ORDER, Capability.KEY_AFFINITY)) {
            fabric.assertOrdered();
        }
    }

    @Test
    void P9_aKilledMembersEventsGoToTheOthers() throws Exception {
        Fabric fabric = fabric();
        Audience group = fabric.group("killed", ACME, "faults.members");
        if (assertedNotDurable()) {
            return;
        }
        if (!fabric.can(Capability.GROUP)) {
            CapabilityChecks.assertUnsupported(group::join);
            return;
        }
        group.join().close();
        Set<EventId> atTheKilled = ConcurrentHashMap.newKeySet();
        int kills = Size.of(20, 3);
        for (int kill = 0; kill < kills; kill++) {
            try (Participant.Child child = Participant.start(fabric.target, "consume killed", "faults.members")) {
                child.onLine(line -> {
                    switch (line.word()) {
                        case "got" -> {
                            atTheKilled.add(line.event().id());
                            group.reader.delivered(line.event());
                        }
                        case "finished" -> group.reader.finished(line.id());
                        case "settled" -> group.reader.ended(line.id());
                        default -> throw new AssertionError("the child said " + line);
                    }
                });
                long before = group.reader.deliveries();
                fabric.publishAll(ACME, "faults.members", 16, Size.of(1_000, 300));
                fabric.await("deliveries", () -> group.reader.deliveries() > before);
                Fabric.pause(Duration.ofMillis(fabric.random.nextInt(20)));
                child.kill();
            }
        }
        group.join();
        // What comes after everything else in each key, so that nothing older is still on its way.
        fabric.publishAll(ACME, "faults.members", 16, 16);
        fabric.await("what no killed member had", () -> atTheKilled.containsAll(group.reader.owed()));
        Fabric.pause(Duration.ofMillis(Size.of(3_000, 500)));
        // A member may have settled without having lived to say so.
        atTheKilled.forEach(group.reader::ended);
        fabric.awaitAll();
        if (fabric.canAll(Capability.KEY_ORDER, Capability.KEY_AFFINITY)) {
            fabric.assertOrdered();
        }
        assertThat(fabric.ledger.account().duplicated())
                .as("duplicates, at most what was unsettled at each kill")
                .isLessThanOrEqualTo((long) kills * UNSETTLED);
    }

    /** Whether events need not survive a process; proves then that no receipt says so. */
    private boolean assertedNotDurable() {
        Fabric fabric = fabric();
        if (fabric.can(Capability.DURABLE_PROCESS_CRASH)) {
            return false;
        }
        EventBus bus = fabric.bus();
        PublishReceipt receipt = bus.publish(fabric.event("faults.receipt", null, 1));
        assertThat(receipt.durable()).isFalse();
        return true;
    }
}
