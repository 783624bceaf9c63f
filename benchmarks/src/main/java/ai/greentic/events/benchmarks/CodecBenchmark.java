package ai.greentic.events.benchmarks;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.codec.EnvelopeCodec;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** An envelope of 844 bytes to bytes and back; beside it Jackson's tree of the same text. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class CodecBenchmark {
    private static final int SIZE = 844;

    private final JsonMapper jackson = JsonMapper.builder().build();
    private EventEnvelope event;
    private byte[] encoded;
    private JsonNode tree;

    @Setup
    public void make() {
        TenantContext tenant = TenantContext.builder("prod", "acme")
                .team("ops")
                .user("u-17")
                .sessionId("sess-9")
                .flowId("checkout")
                .correlationId("corr-1")
                .build();
        EventEnvelope.Builder builder = EventEnvelope.builder(tenant, "orders.created")
                .id("evt-7f3a91c0")
                .type("com.example.orders.created.v1")
                .source("checkout-service")
                .subject("order:42")
                .time(Instant.parse("2025-12-31T23:59:59.123Z"))
                .metadata(Map.of("idempotency_key", "order-42", "ordering_key", "order-42"));
        int rest = SIZE - EnvelopeCodec.STANDARD.encode(builder.build()).length + 4;
        String items = "{\"order_id\":\"42\",\"amount\":12.50,\"items\":[\"a\",\"b\"],\"note\":\"\"}";
        String payload = items.replace("\"\"}", "\"" + "n".repeat(rest - items.length()) + "\"}");
        event = builder.payload(Payload.json(payload)).build();
        encoded = EnvelopeCodec.STANDARD.encode(event);
        if (encoded.length != SIZE) {
            throw new IllegalStateException("the envelope has " + encoded.length + " bytes");
        }
        tree = jackson.readTree(encoded);
    }

    @Benchmark
    public byte[] encode() {
        return EnvelopeCodec.STANDARD.encode(event);
    }

    @Benchmark
    public EventEnvelope decode() {
        return EnvelopeCodec.STANDARD.decode(encoded);
    }

    @Benchmark
    public byte[] jacksonTreeEncode() {
        return jackson.writeValueAsBytes(tree);
    }

    @Benchmark
    public JsonNode jacksonTreeDecode() {
        return jackson.readTree(encoded);
    }
}
