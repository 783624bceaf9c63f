package ai.greentic.events.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.EventsException;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.Delivery;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.PullSubscription;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.ProviderFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What {@link Capability#DURABLE_POWER_LOSS} promises, on a real file system from which the kernel takes at once whatever was not synced,
 * while events are published: an ext4 file system in a file. Tagged {@code power-loss}, since it needs Linux, the rights to mount (root),
 * and {@code mkfs.ext4}, {@code mount} and {@code perl}. What a disk loses from its own cache is not shown.
 *
 * <p>{@link Target#powerLossTest} names {@link #P1_lossOfPowerKeepsEveryReceipt} by the subclass.
 */
@Tag("power-loss")
@Timeout(300)
public abstract class PowerLossConformance {
    private static final TenantContext ACME = TenantContext.of("test", "acme");
    private static final int PUBLISHERS = 4;
    private static final int EACH_TIME = 120;
    private static final int TIMES = 2;
    private static final int DISK_MEBIBYTES = 512;

    @TempDir
    Path directory;

    /** For subclasses. */
    protected PowerLossConformance() {}

    /** What keeps events on the disk: a server, or a library alone. */
    public interface Keeper {
        /** The factory under test. */
        ProviderFactory factory();

        /** Settings that lead there; texts, numbers or booleans by key. */
        Map<String, ?> settings();

        /** The power is back: starts on what the disk holds. Not called before the first loss. */
        void start() throws Exception;

        /** The machine is off: ends, and lets the disk go; every bus is closed. */
        void kill() throws Exception;
    }

    /** Something that runs, and keeps its events below an empty directory, surviving loss of power. */
    protected abstract Keeper begin(Path disk) throws Exception;

    /** No receipt is worth less after the power has gone. */
    @Test
    public void P1_lossOfPowerKeepsEveryReceipt() throws Exception {
        assertThat(lost(this::begin, true, TIMES)).isEmpty();
    }

    /** How a keeper begins. */
    @FunctionalInterface
    protected interface Beginning {
        /** On a disk's empty directory. */
        Keeper on(Path disk) throws Exception;
    }

    /**
     * Publishes, cuts the power meanwhile, and reads what is left.
     *
     * @param synced whether the provider is to declare that it survives this
     * @param times how often
     * @return what had a receipt and is no longer there
     */
    protected final Set<String> lost(Beginning beginning, boolean synced, int times) throws Exception {
        Set<String> receipts = ConcurrentHashMap.newKeySet();
        Set<String> lost = new HashSet<>();
        try (PowerLossDisk disk = new PowerLossDisk(directory, DISK_MEBIBYTES)) {
            Keeper keeper = beginning.on(disk.path());
            try {
                disk.sync();
                for (int i = 0; i < times; i++) {
                    publishUntilPowerIsCut(keeper, disk, synced, receipts);
                    keeper.kill();
                    disk.restore();
                    keeper.start();
                    lost.addAll(receipts);
                    lost.removeAll(kept(keeper, receipts));
                }
            } finally {
                keeper.kill();
            }
        }
        assertThat(receipts).hasSizeGreaterThanOrEqualTo(times * EACH_TIME);
        System.out.println("power cut, times: " + times + ", receipts: " + receipts.size() + ", lost: " + lost.size());
        return lost;
    }

    private static EventBus bus(Keeper keeper) {
        return EventBus.builder()
                .providerFactory(keeper.factory())
                .provider("p", keeper.factory().transport(), "*")
                .providerSettings(null, "p", keeper.settings())
                .build();
    }

    private static void publishUntilPowerIsCut(Keeper keeper, PowerLossDisk disk, boolean synced, Set<String> receipts)
            throws Exception {
        Set<String> given;
        CountDownLatch enough = new CountDownLatch(EACH_TIME);
        List<Thread> publishers = new ArrayList<>();
        try (EventBus bus = bus(keeper)) {
            assertThat(bus.providers().get(0).capabilities().contains(Capability.DURABLE_POWER_LOSS))
                    .isEqualTo(synced);
            for (int i = 0; i < PUBLISHERS; i++) {
                publishers.add(new Thread(() -> {
                    try {
                        while (true) {
                            receipts.add(bus.publish(ACME, "orders.created", "{}")
                                    .eventId()
                                    .value());
                            enough.countDown();
                        }
                    } catch (EventsException e) {
                        // The power has gone, or the bus is closed.
                    }
                }));
            }
            publishers.forEach(Thread::start);
            assertThat(enough.await(60, TimeUnit.SECONDS)).isTrue();
            given = Set.copyOf(receipts);
            disk.cut();
            boolean unused = bus.drain(Duration.ofMillis(100));
        }
        for (Thread publisher : publishers) {
            publisher.join();
        }
        // Without power nobody would have heard of the others; the kernel may answer a sync that its shutdown meets
        // half
        // way, and drop its transaction.
        receipts.retainAll(given);
    }

    /** What can be read of these; what does not come for a while is not there. */
    private static Set<String> kept(Keeper keeper, Set<String> receipts) throws InterruptedException {
        Set<String> missing = new HashSet<>(receipts);
        Set<String> kept = new HashSet<>();
        try (EventBus bus = bus(keeper);
                PullSubscription all =
                        bus.pull(ACME, "orders.*", SubscribeOptions.ephemeral().startAt(StartAt.EARLIEST))) {
            long quietSince = System.nanoTime();
            while (!missing.isEmpty() && System.nanoTime() - quietSince < TimeUnit.SECONDS.toNanos(5)) {
                for (Delivery delivery : all.next(100, Duration.ofMillis(500))) {
                    String id = delivery.event().id().value();
                    kept.add(id);
                    missing.remove(id);
                    delivery.ack();
                    quietSince = System.nanoTime();
                }
            }
        }
        return kept;
    }
}
