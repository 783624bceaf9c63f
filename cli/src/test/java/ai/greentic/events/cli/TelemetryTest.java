package ai.greentic.events.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceResponse;
import io.opentelemetry.proto.collector.metrics.v1.MetricsServiceGrpc;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse;
import io.opentelemetry.proto.collector.trace.v1.TraceServiceGrpc;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.metrics.v1.Metric;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A collector in this process: what a command sends it, and what it never does. */
@Timeout(60)
class TelemetryTest {
    @TempDir
    Path directory;

    /** A request of a collector's client. */
    private static final class Request {
        final String path;
        final byte[] body;

        Request(String path, byte[] body) {
            this.path = path;
            this.body = body;
        }
    }

    private static final class Collector implements AutoCloseable {
        final ServerSocket socket = new ServerSocket(0, 8, InetAddress.getLoopbackAddress());
        final List<Request> requests = new CopyOnWriteArrayList<>();

        Collector() throws IOException {
            Thread thread = new Thread(this::serve, "collector");
            thread.setDaemon(true);
            thread.start();
        }

        private void serve() {
            while (!socket.isClosed()) {
                try (Socket client = socket.accept()) {
                    while (answer(client)) {}
                } catch (IOException broken) {
                    // A client that has gone; the closed socket ends the loop.
                }
            }
        }

        private boolean answer(Socket client) throws IOException {
            InputStream in = client.getInputStream();
            String first = line(in);
            if (first.isEmpty()) {
                return false;
            }
            int length = 0;
            for (String header = line(in); !header.isEmpty(); header = line(in)) {
                if (header.toLowerCase(java.util.Locale.ROOT).startsWith("content-length:")) {
                    length = Integer.parseInt(header.substring(15).strip());
                }
            }
            requests.add(new Request(first.split(" ", -1)[1], in.readNBytes(length)));
            client.getOutputStream()
                    .write("HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
                            .getBytes(StandardCharsets.US_ASCII));
            return true;
        }

        private static String line(InputStream in) throws IOException {
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
                if (c != '\r') {
                    line.write(c);
                }
            }
            return line.toString(StandardCharsets.US_ASCII);
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    /** A collector as most of them are: OTLP over gRPC. */
    private static final class GrpcCollector implements AutoCloseable {
        final List<Span> spans = new CopyOnWriteArrayList<>();
        final List<Metric> metrics = new CopyOnWriteArrayList<>();
        final List<String> raw = new CopyOnWriteArrayList<>();
        final Server server;

        GrpcCollector() throws IOException {
            server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                    .addService(new TraceServiceGrpc.TraceServiceImplBase() {
                        @Override
                        public void export(
                                ExportTraceServiceRequest request, StreamObserver<ExportTraceServiceResponse> answer) {
                            raw.add(request.toString());
                            request.getResourceSpansList()
                                    .forEach(resource -> resource.getScopeSpansList()
                                            .forEach(scope -> spans.addAll(scope.getSpansList())));
                            answer.onNext(ExportTraceServiceResponse.getDefaultInstance());
                            answer.onCompleted();
                        }
                    })
                    .addService(new MetricsServiceGrpc.MetricsServiceImplBase() {
                        @Override
                        public void export(
                                ExportMetricsServiceRequest request,
                                StreamObserver<ExportMetricsServiceResponse> answer) {
                            raw.add(request.toString());
                            request.getResourceMetricsList()
                                    .forEach(resource -> resource.getScopeMetricsList()
                                            .forEach(scope -> metrics.addAll(scope.getMetricsList())));
                            answer.onNext(ExportMetricsServiceResponse.getDefaultInstance());
                            answer.onCompleted();
                        }
                    })
                    .build()
                    .start();
        }

        Span span(String name) {
            return spans.stream()
                    .filter(span -> span.getName().equals(name))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no span " + name + " amongst "
                            + spans.stream().map(Span::getName).toList()));
        }

        @Override
        public void close() {
            server.shutdownNow();
        }
    }

    /** By gRPC: a delivery's span is linked to the span of its publish, in whatever process that was. */
    @Test
    void P13_aDeliveryIsLinkedToItsPublish() throws Exception {
        try (GrpcCollector collector = new GrpcCollector()) {
            String telemetry = "exporter = \"otlp\"\nprotocol = \"grpc\"\nendpoint = \"http://127.0.0.1:"
                    + collector.server.getPort() + "\"\n";
            assertThat(publish(telemetry, "embedded")).as(err.toString()).isZero();
            assertThat(run(
                            telemetry,
                            "embedded",
                            "subscribe",
                            "orders.*",
                            "--from",
                            "earliest",
                            "--count",
                            "1",
                            "--timeout",
                            "20s"))
                    .as(err.toString())
                    .isZero();
            assertThat(out.toString()).contains("topsecret");
            Span publish = collector.span("event.publish");
            Span deliver = collector.spans.stream()
                    .filter(span -> span.getLinksCount() > 0)
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no link in " + collector.spans));
            assertThat(deliver.getLinks(0).getTraceId()).isEqualTo(publish.getTraceId());
            assertThat(deliver.getLinks(0).getSpanId()).isEqualTo(publish.getSpanId());
            assertThat(deliver.getTraceId()).isNotEqualTo(publish.getTraceId());
            assertThat(deliver.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_CONSUMER);
            assertThat(publish.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_PRODUCER);
            assertThat(collector.metrics).extracting(Metric::getName).contains("events_in_total");
            assertThat(collector.raw).allSatisfy(raw -> assertThat(raw).doesNotContain("topsecret", "metasecret"));
        }
    }

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String telemetry, String transport, String... command) throws IOException {
        Path pack = Files.createDirectories(directory.resolve("pack"));
        Files.writeString(
                pack.resolve("pack.yaml"),
                "id: p\nversion: 1\nevents:\n  providers:\n    - {name: o, kind: broker, component: c, capabilities: {transport: "
                        + transport + ", topics: [\"orders.*\"]}}\n");
        Path config = Files.writeString(directory.resolve("config.toml"), "[telemetry]\n" + telemetry);
        List<String> all = new ArrayList<>(List.of(
                "--config",
                config.toString(),
                "--state-dir",
                directory.resolve("state").toString()));
        all.addAll(List.of(command));
        all.addAll(List.of("--pack", pack.toString(), "--tenant", "acme"));
        return Main.run(new PrintWriter(out, true), new PrintWriter(err, true), all.toArray(String[]::new));
    }

    private int publish(String telemetry) throws IOException {
        return publish(telemetry, "memory");
    }

    private int publish(String telemetry, String transport) throws IOException {
        return run(
                telemetry,
                transport,
                "publish",
                "--metadata",
                "password=metasecret",
                "orders.created",
                "{\"card\":\"topsecret\"}");
    }

    @Test
    void P13_spansAndMetricsReachACollectorAndPayloadsDoNot() throws Exception {
        try (Collector collector = new Collector()) {
            assertThat(publish("exporter = \"otlp\"\nendpoint = \"http://127.0.0.1:" + collector.socket.getLocalPort()
                            + "\"\n"))
                    .as(err.toString())
                    .isZero();
            List<Span> spans = new ArrayList<>();
            List<Metric> metrics = new ArrayList<>();
            for (Request request : collector.requests) {
                assertThat(new String(request.body, StandardCharsets.ISO_8859_1))
                        .doesNotContain("topsecret")
                        .doesNotContain("metasecret");
                if (request.path.equals("/v1/traces")) {
                    ExportTraceServiceRequest.parseFrom(request.body)
                            .getResourceSpansList()
                            .forEach(resource ->
                                    resource.getScopeSpansList().forEach(scope -> spans.addAll(scope.getSpansList())));
                } else {
                    assertThat(request.path).isEqualTo("/v1/metrics");
                    ExportMetricsServiceRequest.parseFrom(request.body)
                            .getResourceMetricsList()
                            .forEach(resource -> resource.getScopeMetricsList()
                                    .forEach(scope -> metrics.addAll(scope.getMetricsList())));
                }
            }
            assertThat(spans).extracting(Span::getName).contains("event.publish");
            assertThat(spans.get(0).getAttributesList())
                    .extracting(KeyValue::getKey)
                    .anyMatch(key -> key.contains("tenant"))
                    .anyMatch(key -> key.contains("topic"));
            assertThat(metrics).extracting(Metric::getName).contains("events_in_total");
        }
    }

    /** A collector that is not there takes nothing from a command but a little time. */
    @Test
    void aMissingCollectorIsNoFailure() throws Exception {
        int nobody;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            nobody = free.getLocalPort();
        }
        for (String protocol : List.of("http", "grpc")) {
            assertThat(publish("exporter = \"otlp\"\nprotocol = \"" + protocol + "\"\nendpoint = \"http://127.0.0.1:"
                            + nobody + "\"\n"))
                    .as(err.toString())
                    .isZero();
        }
        assertThat(publish("exporter = \"stdout\"\n")).isZero();
        assertThat(out.toString()).doesNotContain("event.publish");
    }

    @Test
    void P14_anAddressThatIsNoneIsNamed() throws Exception {
        assertThat(publish("exporter = \"otlp\"\nendpoint = \"collector:4317\"\n"))
                .isEqualTo(4);
        assertThat(err.toString())
                .contains("telemetry.endpoint is 'collector:4317'")
                .contains("http://127.0.0.1:4318");
        assertThat(publish("exporter = \"otlp\"\nprotocol = \"udp\"\n")).isEqualTo(4);
        assertThat(err.toString()).contains("telemetry.protocol");
    }
}
