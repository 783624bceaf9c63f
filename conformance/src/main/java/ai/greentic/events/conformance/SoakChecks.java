package ai.greentic.events.conformance;

import static ai.greentic.events.conformance.Fabric.ACME;
import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.spi.Capability;
import java.io.File;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

/**
 * Load for a long time with a fault in every thirtieth of it. {@code -Dconformance.soak=PT30M} for half an hour,
 * {@code -Dconformance.soak.rate} events a second. The ledger keeps every event, so a long one wants memory.
 */
abstract class SoakChecks extends Checks {
    private static final Duration LENGTH =
            Duration.parse(System.getProperty("conformance.soak", Size.CHOSEN == Size.FULL ? "PT30S" : "PT3S"));
    private static final int RATE = Integer.getInteger("conformance.soak.rate", 500);
    private static final Duration TICK = Duration.ofMillis(20);
    private static final int FAULTS = 30;

    /** What the ledger may keep of an event, and the slack of a heap that is measured once. */
    private static final long HEAP_OF_EVENT = 4096;

    /** Connections to a broker that clients make when they first need them, each with a thread, and the proxy's with two more files. */
    private static final int CONNECTIONS = 8;

    private static final long HEAP_SLACK = 32L << 20;

    SoakChecks(ProviderConformance kit) {
        super(kit);
    }

    private int happened;

    /** What a process holds. */
    private record Holding(int threads, int files, long heap, long events) {}

    private Holding holding() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        String[] files = new File("/proc/self/fd").list();
        return new Holding(
                (int) Thread.getAllStackTraces().keySet().stream()
                        .filter(thread -> !thread.getName().startsWith("kit-"))
                        .count(),
                files == null ? 0 : files.length,
                runtime.totalMemory() - runtime.freeMemory(),
                fabric().ledger.account().attempted());
    }

    @Test
    void P1_P9_P12_aLongTimeUnderLoadLosesNothingAndLeavesNothingBehind() throws Exception {
        Fabric fabric = fabric().faulty();
        fabric.log.expect("the kit took the provider away");
        List<Disturbance> disturbances = fabric.target.disturbances();
        if (!disturbances.isEmpty()) {
            fabric.log.expect("");
        }
        Audience reader = fabric.can(Capability.GROUP)
                ? fabric.group("enduring", ACME, "soak.load")
                : fabric.ephemeral("enduring", ACME, "soak.load");
        Subscription member = reader.join(fabric.bus(), delivery -> {
            reader.reader.delivered(delivery.event());
            // Whether it comes again when its settlement fails is open.
            reader.reader.ended(delivery.event().id());
        });
        List<Disturbance> faults = new ArrayList<>(disturbances);
        EventsException away = new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "the kit took the provider away");
        faults.add(Disturbance.when("polls fail", () -> fabric.faults.failPoll(3, away)));
        faults.add(Disturbance.when("publishes fail", () -> fabric.faults.failPublish(3, away)));
        faults.add(Disturbance.when("settlements fail", () -> fabric.faults.failSettle(3, away)));
        load(LENGTH.dividedBy(4), reader, faults);
        fabric.awaitAll();
        Holding early = holding();
        load(LENGTH.multipliedBy(3).dividedBy(4), reader, faults);
        fabric.awaitAll();
        Holding late = holding();
        System.out.println("soak of " + LENGTH + ": " + happened + " faults, " + early + " and then " + late + "; "
                + fabric.ledger.account());
        assertThat(member.state()).isIn(Subscription.State.ACTIVE, Subscription.State.RECONNECTING);
        assertThat(late.threads).as("threads").isLessThanOrEqualTo(early.threads + CONNECTIONS + early.threads / 20);
        assertThat(late.files).as("open files").isLessThanOrEqualTo(early.files + 2 * CONNECTIONS + early.files / 20);
        assertThat(late.heap)
                .as("heap")
                .isLessThanOrEqualTo(early.heap + HEAP_SLACK + HEAP_OF_EVENT * (late.events - early.events));
    }

    private void load(Duration length, Audience reader, List<Disturbance> faults) throws Exception {
        Fabric fabric = fabric();
        long begin = System.nanoTime();
        long end = begin + length.toNanos();
        long between = LENGTH.toNanos() / FAULTS;
        long next = begin + between;
        long before = -1;
        CompletableFuture<Void> happening = CompletableFuture.completedFuture(null);
        List<CompletableFuture<PublishReceipt>> waiting = new ArrayList<>();
        for (long tick = begin; tick < end; tick += TICK.toNanos()) {
            // Not before the last one is over: waits get longer with every failure in a row.
            if (tick > next && happening.isDone() && reader.reader.deliveries() > before) {
                happening.join();
                before = reader.reader.deliveries() + RATE / 10;
                next = tick + between;
                Disturbance fault = faults.get(happened++ % faults.size());
                happening =
                        CompletableFuture.runAsync(() -> happen(fault), body -> new Thread(body, "kit-fault").start());
            }
            for (int i = 0; i < RATE * TICK.toMillis() / 1000; i++) {
                waiting.add(fabric.publishAsync(fabric.event(ACME, "soak.load", "k" + i % 10, Payload.of(tick))));
            }
            if (waiting.size() >= 256) {
                waiting.forEach(SoakChecks::outcome);
                waiting.clear();
            }
            Fabric.pause(Duration.ofNanos(Math.max(0, tick + TICK.toNanos() - System.nanoTime())));
        }
        waiting.forEach(SoakChecks::outcome);
        happening.join();
    }

    /** It is accepted, or says why not: faults may outlast the retries. */
    private static void outcome(CompletableFuture<PublishReceipt> publish) {
        try {
            publish.join();
        } catch (CompletionException e) {
            assertThat(e.getCause())
                    .isInstanceOfSatisfying(
                            EventsException.class,
                            failure -> assertThat(failure.kind().retryable()).isTrue());
        }
    }

    private static void happen(Disturbance fault) {
        try {
            fault.happen();
        } catch (Exception e) {
            throw new CompletionException(e);
        }
    }
}
