package ai.greentic.events.benchmarks;

import ai.greentic.events.PatternIndex;
import ai.greentic.events.Topic;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.routing.RouteTable;
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
import org.openjdk.jmh.annotations.Warmup;

/** From topic to route, with one pattern or many; the last one matches. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class RoutingBenchmark {
    @Param({"1", "100", "10000"})
    public int patterns;

    private RouteTable<Integer> table;
    private Topic known;
    private Topic[] fresh;
    private int next;

    @Setup
    public void fill() {
        List<PatternIndex.Entry<Integer>> entries = new ArrayList<>();
        for (int i = 0; i < patterns; i++) {
            entries.add(new PatternIndex.Entry<>(TopicPattern.of("service-" + i + ".*"), i));
        }
        table = new RouteTable<>(List.of(), entries);
        known = new Topic("service-" + (patterns - 1) + ".created");
        fresh = new Topic[1 << 17];
        for (int i = 0; i < fresh.length; i++) {
            fresh[i] = new Topic("service-" + (patterns - 1) + ".t" + i);
        }
    }

    @Benchmark
    public Integer knownTopic() {
        return table.routeFor(known);
    }

    @Benchmark
    public Integer newTopic() {
        next = next + 1 & fresh.length - 1;
        return table.routeFor(fresh[next]);
    }
}
