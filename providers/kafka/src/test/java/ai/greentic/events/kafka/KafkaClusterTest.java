package ai.greentic.events.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.delivery.ProviderOverrides;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Three brokers, of which one after the other is killed while events flow: leaders change, and so does the group's coordinator. */
@Timeout(240)
class KafkaClusterTest {
    private static final TenantContext ACME = TenantContext.of("test", "acme");
    private static final int KEYS = 16;

    @TempDir
    Path directory;

    @Test
    void P1_P6_P9_whoeverLeadsDiesAndNothingIsLostOrOutOfOrder() throws Exception {
        List<KafkaServer> brokers = KafkaServer.cluster(directory, 3);
        String servers = brokers.stream().map(KafkaServer::address).collect(Collectors.joining(","));
        try (EventBus bus = EventBus.builder()
                .providerFactory(new KafkaProviderFactory())
                .provider("kafka", "kafka", "*")
                .providerSettings(
                        null,
                        "kafka",
                        Map.of("servers", servers, "partitions", 6, "replicas", 3, "member_timeout", "3s"))
                .override(
                        "kafka",
                        ProviderOverrides.NONE
                                .maxRetries(50)
                                .baseDelay(Duration.ofMillis(50))
                                .maxDelay(Duration.ofSeconds(1)))
                .build()) {
            Map<String, List<Integer>> got = new ConcurrentHashMap<>();
            for (int member = 0; member < 2; member++) {
                bus.subscribe(
                                ACME,
                                "a.*",
                                SubscribeOptions.group("g"),
                                delivery -> got.computeIfAbsent(
                                                delivery.event().orderingKey().orElseThrow(),
                                                key -> new CopyOnWriteArrayList<>())
                                        .add(delivery.payload(Integer.class)))
                        .ready()
                        .get(60, TimeUnit.SECONDS);
            }
            AtomicBoolean over = new AtomicBoolean();
            AtomicInteger published = new AtomicInteger();
            List<Throwable> refused = new CopyOnWriteArrayList<>();
            Thread publisher = new Thread(() -> {
                for (int i = 0; !over.get() && i < 100_000; i++) {
                    try {
                        var unused = bus.publish(bus.newEvent(ACME, "a.b")
                                .orderingKey("k" + i % KEYS)
                                .payload(Payload.of(i))
                                .build());
                        published.set(i + 1);
                        Thread.sleep(2);
                    } catch (Exception e) {
                        refused.add(e);
                        return;
                    }
                }
            });
            publisher.start();
            for (KafkaServer broker : brokers) {
                int before = published.get();
                until("events flow", () -> published.get() > before + 50 || !refused.isEmpty());
                broker.kill();
                int without = published.get();
                until("they go on without it", () -> published.get() > without + 50 || !refused.isEmpty());
                broker.start();
            }
            over.set(true);
            publisher.join();
            assertThat(refused).isEmpty();
            until(
                    "everything has come",
                    () -> got.values().stream()
                                    .mapToLong(
                                            values -> values.stream().distinct().count())
                                    .sum()
                            == published.get());
            got.forEach((key, values) -> assertThat(firsts(values)).as(key).isSorted());
        } finally {
            for (KafkaServer broker : brokers) {
                broker.kill();
            }
        }
    }

    /** Without repetitions: what was in hand when a coordinator died may come twice. */
    private static List<Integer> firsts(List<Integer> values) {
        return new ArrayList<>(new java.util.LinkedHashSet<>(values));
    }

    private static void until(String what, java.util.function.BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("not within 60 s: " + what).isLessThan(end);
            Thread.sleep(20);
        }
    }
}
