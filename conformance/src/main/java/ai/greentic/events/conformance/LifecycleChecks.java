package ai.greentic.events.conformance;

import static ai.greentic.events.conformance.Fabric.ACME;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.StartAt;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.spi.Tasks;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Beginning and end: nothing hangs, nothing is left, nothing is lost. */
abstract class LifecycleChecks extends Checks {
    LifecycleChecks(ProviderConformance kit) {
        super(kit);
    }

    @Test
    void P12_aProviderClosesTwiceAndSoonAlsoWhileSomebodyPolls() throws Exception {
        Fabric fabric = fabric();
        Tasks tasks = Tasks.threads("kit-signals");
        try {
            for (int round = 0; round < Size.of(50, 5); round++) {
                EventProvider provider = fabric.provider();
                ProviderSubscription subscription = provider.subscribe(new SubscribeRequest(
                        List.of(new SubscribeRequest.Filter(ACME, TopicPattern.of("life.x"))),
                        null,
                        StartAt.NEW,
                        tasks.signal()));
                CountDownLatch polling = new CountDownLatch(1);
                CompletableFuture<Void> poll = CompletableFuture.runAsync(
                        () -> {
                            polling.countDown();
                            try {
                                var unused = subscription.poll(10, Duration.ofSeconds(60));
                            } catch (EventsException e) {
                                assertThat(e.code()).isEqualTo(ErrorCode.CLOSED);
                            } catch (InterruptedException e) {
                                throw new AssertionError(e);
                            }
                        },
                        body -> new Thread(body, "kit-poller").start());
                polling.await();
                within("close", provider::close);
                within("close again", provider::close);
                within("the subscription's close after that", subscription::close);
                poll.get(20, TimeUnit.SECONDS);
                assertRefusesWhenClosed(provider);
            }
        } finally {
            tasks.close();
        }
    }

    private void assertRefusesWhenClosed(EventProvider provider) throws Exception {
        try {
            var stages = provider.publish(List.of(new Raw.Event(fabric().event("life.x", null, 1))));
            EventsException failure = stages.get(0)
                    .toCompletableFuture()
                    .get(20, TimeUnit.SECONDS)
                    .failure();
            assertThat(failure)
                    .as("what a publish to a closed provider fails with")
                    .isNotNull();
        } catch (EventsException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.CLOSED);
        }
    }

    private static void within(String what, Runnable action) throws Exception {
        CompletableFuture.runAsync(action, body -> new Thread(body, "kit-closer").start())
                .orTimeout(Fabric.patience().toMillis(), TimeUnit.MILLISECONDS)
                .exceptionally(failure -> {
                    throw new AssertionError("P12: " + what + " did not come back, or failed", failure);
                })
                .get();
    }

    /** Handlers of all durations are at work when the bus drains: nobody's event is lost, condemned or handled twice. */
    @Test
    void P12_drainingFinishesWhatIsInHandAndLosesNothing() throws Exception {
        Fabric fabric = fabric();
        int longest = Size.of(8_000, 300);
        Audience reader = fabric.can(Capability.GROUP)
                ? fabric.group("drained", ACME, "life.drain")
                : fabric.ephemeral("drained", ACME, "life.drain");
        AtomicInteger begun = new AtomicInteger();
        EventBus bus = fabric.bus();
        Subscription member = reader.with(options -> options.concurrency(20).maxInFlight(1_000))
                .join(bus, delivery -> {
                    begun.incrementAndGet();
                    Fabric.pause(Duration.ofMillis(fabric.random.nextInt(longest)));
                    reader.reader.handled(delivery);
                });
        int count = Size.of(1_000, 60);
        fabric.publishAll(ACME, "life.drain", 0, count);
        fabric.await("handlers at work", () -> begun.get() >= 20);
        assertThat(member.drain(Duration.ofMillis(3L * longest))).isTrue();
        int atTheEnd = begun.get();
        member.terminated().get(30, TimeUnit.SECONDS);
        assertThat(bus.deadLetters(ACME).list(DeadLetterFilter.ALL, 1)).isEmpty();
        Fabric.pause(Duration.ofMillis(100));
        assertThat(begun.get()).as("handlers begun after the drain").isEqualTo(atTheEnd);
        if (fabric.can(Capability.GROUP)) {
            fabric.reopen();
            reader.join();
        } else {
            reader.reader.leave();
        }
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }

    @Test
    void P12_aBusOpensAndClosesAgainAndAgain() {
        Fabric fabric = fabric();
        boolean groups = fabric.can(Capability.GROUP) && fabric.target.shared();
        for (int round = 0; round < Size.of(50, 8); round++) {
            Audience reader = groups
                    ? fabric.group("round-" + round, ACME, "life.again")
                    : fabric.ephemeral("round-" + round, ACME, "life.again");
            reader.join();
            fabric.publishAll(ACME, "life.again", 3, 20);
            fabric.awaitAll();
            reader.reader.leave();
            fabric.closeAll();
            assertThatThrownBy(() -> closedBus().publish(ACME, "life.again", 1))
                    .isInstanceOfSatisfying(
                            EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CLOSED));
        }
    }

    private EventBus closedBus() {
        EventBus bus = fabric().fresh();
        bus.close();
        return bus;
    }

    /** Subscriptions come and go while events flow: who stays notices nothing, and nobody misses anything. */
    @Test
    void P9_subscriptionsThatComeAndGoUnderLoadDisturbNobody() throws Exception {
        Fabric fabric = fabric();
        EventBus bus = fabric.bus();
        Audience staying = fabric.can(Capability.GROUP)
                ? fabric.group("staying", ACME, "life.flow")
                : fabric.ephemeral("staying", ACME, "life.flow");
        Subscription stays = staying.join(bus);
        AtomicBoolean over = new AtomicBoolean();
        Thread load = new Thread(
                () -> {
                    while (!over.get()) {
                        fabric.publishAll(ACME, "life.flow", 10, 50);
                        Fabric.pause(Duration.ofMillis(5));
                    }
                },
                "kit-load");
        load.start();
        try {
            for (int round = 0; round < Size.of(50, 12); round++) {
                AtomicInteger got = new AtomicInteger();
                Subscription guest = bus.subscribe(ACME, "life.flow", delivery -> got.incrementAndGet());
                fabric.await("the guest's first event", () -> got.get() > 0);
                guest.close();
            }
        } finally {
            over.set(true);
            load.join();
        }
        assertThat(stays.state()).isEqualTo(Subscription.State.ACTIVE);
        fabric.awaitAll();
        assertThat(staying.reader.duplicated()).isZero();
        if (fabric.can(Capability.KEY_ORDER)) {
            fabric.assertOrdered();
        }
    }

    /** Health says what is so: up while it works, and down when it is closed. */
    @Test
    void P9_healthIsTruthful() {
        Fabric fabric = fabric();
        EventBus bus = fabric.fresh();
        fabric.ephemeral("well", ACME, "life.health").join(bus);
        assertThat(bus.health().live()).isTrue();
        assertThat(bus.health().ready()).isTrue();
        assertThat(bus.providers()).singleElement().satisfies(status -> {
            assertThat(status.started()).isTrue();
            assertThat(status.capabilities()).isEqualTo(fabric.capabilities);
        });
        bus.close();
        assertThat(bus.health().live()).isFalse();
    }
}
