package ai.greentic.events.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ChannelMessage;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.SubscribeOptions;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Commands as brokers and bridges: the examples are shell scripts. */
@Timeout(60)
class ProcessTest {
    private static final TenantContext ACME = TenantContext.of("prod", "acme");
    private static final TenantContext GLOBEX = TenantContext.of("prod", "globex");
    private static final Path EXAMPLES = Path.of("../examples/process").toAbsolutePath();

    @TempDir
    Path directory;

    private static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("not within 30 s: " + what).isLessThan(end);
            Thread.onSpinWait();
        }
    }

    private EventBus bus() {
        return EventBus.builder()
                .provider("shell", "process", "*")
                .providerSettings(
                        null,
                        "shell",
                        Map.of(
                                "command",
                                List.of(EXAMPLES.resolve("broker.sh").toString(), directory.toString()),
                                "timeout",
                                "10s"))
                .build();
    }

    /** Numbers, unknown metadata and texts arrive as they were sent, at their tenant alone; a failure is tried again; what is handled is acknowledged. */
    @Test
    void P4_P9_P11_aBrokerIsAShellScript() throws Exception {
        List<EventEnvelope> got = new CopyOnWriteArrayList<>();
        List<EventEnvelope> others = new CopyOnWriteArrayList<>();
        List<Integer> attempts = new CopyOnWriteArrayList<>();
        EventEnvelope sent;
        try (EventBus bus = bus()) {
            bus.subscribe(ACME, "orders.*", delivery -> {
                        attempts.add(delivery.attempt());
                        if (delivery.attempt() == 1 && got.isEmpty()) {
                            throw new IllegalStateException("not yet");
                        }
                        got.add(delivery.event());
                    })
                    .ready()
                    .get(30, TimeUnit.SECONDS);
            bus.subscribe(GLOBEX, "orders.*", delivery -> others.add(delivery.event()))
                    .ready()
                    .get(30, TimeUnit.SECONDS);
            sent = bus.newEvent(ACME, "orders.created")
                    .payload(Payload.json(
                            "{\"n\": 1.50, \"big\":123456789012345678901234567890, \"t\":\"a }] \\u00e9\"}"))
                    .metadata("x", "y")
                    .build();
            assertThat(bus.publish(sent).status().name()).isEqualTo("PUBLISHED");
            await("the event", () -> !got.isEmpty());
            await("its acknowledgement", () -> Files.exists(directory.resolve("acknowledged")));
        }
        assertThat(got).hasSize(1);
        assertThat(got.get(0).payload()).isEqualTo(sent.payload());
        assertThat(got.get(0).withAttempt(sent.tenant().attempt())).isEqualTo(sent);
        assertThat(attempts).containsExactly(1, 2);
        assertThat(others).isEmpty();
        assertThat(Files.readAllLines(directory.resolve("acknowledged")))
                .isNotEmpty()
                .allMatch(line -> line.matches("sub-\\d+ 0"));
    }

    @Test
    void whatACommandCannotDoIsRefused() {
        try (EventBus bus = bus()) {
            assertThatThrownBy(() -> bus.subscribe(ACME, "a.*", SubscribeOptions.group("g"), delivery -> {})
                            .ready()
                            .join())
                    .hasMessageContaining("GROUP");
        }
    }

    @Test
    void aBridgeIsAShellScript() {
        RunnerBridgeClient bridge = new RunnerBridgeClient(
                ProcessHost.command(EXAMPLES.resolve("bridge.sh").toString()), "pack", "chat");
        try (EventBus bus = EventBus.builder()
                .provider("memory", "memory", "*")
                .messageToEvents("chat", bridge.messageToEvents())
                .eventToMessages("chat", bridge.eventToMessages())
                .build()) {
            List<EventEnvelope> got = new CopyOnWriteArrayList<>();
            bus.subscribe(ACME, "chat.*", delivery -> got.add(delivery.event()))
                    .ready()
                    .join();
            ChannelMessage message = ChannelMessage.builder("m1", ACME, "chat", "s1")
                    .text("hello")
                    .build();
            assertThat(bus.receive("chat", message)).hasSize(1).allSatisfy(result -> result.orElseThrow());
            assertThat(bus.render(
                            "chat",
                            bus.newEvent(ACME, "orders.created")
                                    .payload(Payload.of(1))
                                    .build()))
                    .singleElement()
                    .satisfies(rendered -> {
                        assertThat(rendered.text()).contains("orders.created");
                        assertThat(rendered.tenant().tenant()).isEqualTo(ACME.tenant());
                    });
            try {
                await("the event", () -> !got.isEmpty());
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            assertThat(got.get(0).payload().json()).isEqualTo("{\"text\":\"hello\"}");
        }
    }

    private ProcessHost shell(String script) {
        return ProcessHost.command("/bin/sh", "-c", script).timeout(Duration.ofSeconds(5));
    }

    private static String said(ProcessHost host, String request) throws InterruptedException {
        return new String(host.invoke("op", request.getBytes(StandardCharsets.UTF_8)), StandardCharsets.UTF_8);
    }

    private static void assertFails(ProcessHost host, String request, ErrorCode code, String why) {
        assertThatThrownBy(() -> said(host, request))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining(why);
    }

    /** More than any pipe holds, both ways at once: nobody waits for somebody who waits. */
    @Test
    void largeRequestsAndAnswersDoNotWaitForEachOther() throws Exception {
        String large = "x".repeat(2 << 20);
        assertThat(said(shell("echo noise >&2; cat"), large)).isEqualTo(large);
        assertThat(said(shell("exec 0<&-; echo '{}'"), large)).isEqualTo("{}\n");
    }

    @Test
    void P10_aRunawayIsEndedWithAllThatItStarted() throws Exception {
        Path pid = directory.resolve("pid");
        assertFails(
                ProcessHost.command("/bin/sh", "-c", "sleep 300 & echo $! > " + pid + "; wait")
                        .timeout(Duration.ofMillis(700)),
                "",
                ErrorCode.OUTCOME_UNKNOWN,
                "did not end");
        long child = Long.parseLong(Files.readString(pid).strip());
        await(
                "the end of its child",
                () -> ProcessHandle.of(child).map(one -> !one.isAlive()).orElse(true));
        assertFails(shell("cat /dev/zero").maxOutput(1000), "", ErrorCode.OUTCOME_UNKNOWN, "more than 1000 bytes");
        assertFails(
                shell("echo it is broken >&2; echo more >&2; exit 3"),
                "",
                ErrorCode.OUTCOME_UNKNOWN,
                "ended with 3 at op; it said: it is broken");
        assertFails(ProcessHost.command("/no/such/program"), "", ErrorCode.PROVIDER_UNAVAILABLE, "cannot be started");
    }

    /** Nothing of this process's environment is seen that was not allowed. */
    @Test
    void P13_theEnvironmentIsWhatIsAllowed() throws Exception {
        String all = said(shell("env"), "");
        assertThat(all.lines().map(line -> line.split("=", 2)[0]))
                .contains("PATH")
                .isSubsetOf("PATH", "LANG", "LC_ALL", "TZ", "PWD", "OLDPWD", "SHLVL", "_");
        assertThat(said(shell("echo $HOME").environment(Set.of("HOME")), "").strip())
                .isEqualTo(System.getenv("HOME"));
    }

    @Test
    void nonsenseIsNamed() {
        for (String nonsense :
                List.of("", "[]", "{\"subscription_id\": 7}", "{", "no json", "{\"subscription_id\":\"\"}")) {
            RunnerBrokerClient client =
                    new RunnerBrokerClient((op, request) -> nonsense.getBytes(StandardCharsets.UTF_8), "p", "x");
            assertThatThrownBy(
                            () -> client.subscribe(ACME, ai.greentic.events.TopicPattern.of("a"), false, false, true))
                    .as(nonsense)
                    .isInstanceOfSatisfying(
                            EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CORRUPT_EVENT))
                    .hasMessageContaining("provider x");
        }
    }
}
