package ai.greentic.events.benchmarks;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.access.AccessRule;
import ai.greentic.events.bus.EventBus;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Publishing to a provider that does nothing: what the fabric itself costs. The last pattern and the last rule match. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class PublishBenchmark {
    @Param({"1", "10000"})
    public int patterns;

    @Param({"1", "1000"})
    public int rules;

    private EventBus bus;
    private EventEnvelope known;
    private EventEnvelope[] fresh;
    private int next;

    @Setup
    public void open() {
        String[] topics = new String[patterns];
        for (int i = 0; i < patterns; i++) {
            topics[i] = "service-" + i + ".*";
        }
        List<AccessRule> policy = new ArrayList<>();
        for (int i = 0; i < rules; i++) {
            boolean last = i == rules - 1;
            policy.add(AccessRule.allow(AccessAction.PUBLISH)
                    .tenant(last ? "acme" : "tenant-" + i)
                    .topics(last ? "*" : "service-" + i + ".*")
                    .build());
        }
        bus = EventBus.builder()
                .access(AccessPolicy.of(policy))
                .provider("noop", new NoOpProvider(), topics)
                .build();
        String prefix = "service-" + (patterns - 1) + ".";
        known = event(prefix + "created");
        fresh = new EventEnvelope[1 << 17];
        for (int i = 0; i < fresh.length; i++) {
            fresh[i] = event(prefix + "t" + i);
        }
    }

    private static EventEnvelope event(String topic) {
        return EventEnvelope.builder(TenantContext.of("prod", "acme"), topic)
                .id("evt-1")
                .time(Instant.EPOCH)
                .payload(Payload.json("{\"order\":\"42\",\"cents\":1250}"))
                .build();
    }

    @Benchmark
    public PublishReceipt knownTopic() {
        return bus.publish(known);
    }

    /** More topics in turn than any memo holds. */
    @Benchmark
    public PublishReceipt newTopic() {
        next = next + 1 & fresh.length - 1;
        return bus.publish(fresh[next]);
    }

    @TearDown
    public void close() {
        bus.close();
    }
}
