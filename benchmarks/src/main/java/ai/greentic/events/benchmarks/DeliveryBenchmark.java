package ai.greentic.events.benchmarks;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.SubscribeOptions;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Publish 1,000 events and wait until every subscriber has handled all of them, in memory. The score is the time for one event with all
 * its deliveries.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class DeliveryBenchmark {
    private static final int EVENTS = 1_000;

    @Param({"1", "100"})
    public int subscribers;

    private final LongAdder handled = new LongAdder();
    private EventBus bus;
    private EventEnvelope event;

    @Setup
    public void open() {
        TenantContext acme = TenantContext.of("prod", "acme");
        bus = EventBus.builder().provider("memory", "memory", "*").build();
        for (int i = 0; i < subscribers; i++) {
            bus.subscribe(
                    acme,
                    "orders.*",
                    SubscribeOptions.ephemeral().maxInFlight(1024).concurrency(1),
                    delivery -> handled.increment());
        }
        event = EventEnvelope.builder(acme, "orders.created")
                .id("evt-1")
                .time(Instant.EPOCH)
                .payload(Payload.json("{\"order\":\"42\"}"))
                .build();
    }

    @Benchmark
    @OperationsPerInvocation(EVENTS)
    public long publishAndDeliver() {
        long target = handled.sum() + (long) EVENTS * subscribers;
        for (int i = 0; i < EVENTS; i++) {
            bus.publish(event);
        }
        while (handled.sum() < target) {
            // Spinning would take one of the two cores away from the handlers.
            LockSupport.parkNanos(20_000);
        }
        return target;
    }

    @TearDown
    public void close() {
        bus.close();
    }
}
