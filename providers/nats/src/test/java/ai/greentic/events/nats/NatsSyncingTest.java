package ai.greentic.events.nats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import io.nats.client.Connection;
import io.nats.client.Nats;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.PersistMode;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@code durability = "power-loss"} asks of the servers; {@link NatsPowerLossTest} shows what it is worth. */
@Timeout(120)
class NatsSyncingTest {
    private static final TenantContext ACME = TenantContext.of("test", "acme");

    @TempDir
    Path directory;

    private @Nullable NatsServer server;

    @AfterEach
    void stop() throws InterruptedException {
        if (server != null) {
            server.kill();
        }
    }

    private NatsServer server(String... configuration) throws Exception {
        NatsServer started = new NatsServer(directory, configuration);
        server = started;
        return started;
    }

    private static Map<String, Object> settings(String url, String monitoring) {
        return Map.of("url", url, "durability", "power-loss", "monitoring", monitoring);
    }

    private static EventBus bus(Map<String, ?> settings) {
        return EventBus.builder()
                .providerFactory(new NatsProviderFactory())
                .provider("nats", "nats", "*")
                .providerSettings(null, "nats", settings)
                .build();
    }

    private static ProviderSettings parsed(Map<String, ?> settings) {
        List<String> problems = new ArrayList<>();
        ProviderSettings parsed = new NatsProviderFactory().settings().parse(settings, "nats", problems);
        assertThat(problems).isEmpty();
        return parsed;
    }

    private static void connect(Map<String, ?> settings) throws Exception {
        try (Tasks tasks = Tasks.threads("test")) {
            new NatsProviderFactory()
                    .create(parsed(settings), new ProviderContext("nats", Time.system(), tasks))
                    .close();
        }
    }

    private static void refused(ErrorCode code, String text, Map<String, ?> settings) {
        assertThatThrownBy(() -> connect(settings))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining(text);
    }

    private static void publishRefused(EventBus bus, ErrorCode code, String text) {
        assertThatThrownBy(() -> bus.publish(ACME, "orders.created", "{}"))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining(text);
    }

    /** What comes of a publish once the connection is there again; null for a receipt. */
    private static @Nullable EventsException afterReconnection(EventBus bus) throws InterruptedException {
        for (int i = 0; i < 100; i++) {
            try {
                bus.publish(ACME, "orders.created", "{}");
                return null;
            } catch (EventsException e) {
                if (e.code() != ErrorCode.PROVIDER_UNAVAILABLE) {
                    return e;
                }
                Thread.sleep(50);
            }
        }
        throw new AssertionError("there is no connection");
    }

    @Test
    void P14_settingsThatDoNotFitAreRefused() {
        String url = "nats://127.0.0.1:1";
        refused(
                ErrorCode.INVALID_CONFIGURATION,
                "which needs monitoring",
                Map.of("url", url, "durability", "power-loss"));
        Map<String, Object> core = new HashMap<>(settings(url, "http://127.0.0.1:8222"));
        core.put("mode", "core");
        refused(ErrorCode.INVALID_CONFIGURATION, "mode is 'core', which keeps nothing", core);
        for (String wrong : List.of("127.0.0.1:8222", "ftp://a", "http://", "http://a?b", "http://a,", "http://a b")) {
            refused(ErrorCode.INVALID_CONFIGURATION, "it must be addresses separated by commas", settings(url, wrong));
        }
        assertThatThrownBy(() -> connect(settings(url, "http://greentic:topsecret@127.0.0.1:8222")))
                .hasMessageContaining("it must be addresses")
                .hasMessageNotContaining("topsecret");
    }

    @Test
    void P1_aServerThatDoesNotSyncAlwaysIsRefused() throws Exception {
        NatsServer running = server();
        refused(
                ErrorCode.INVALID_CONFIGURATION,
                "server test does not sync each write",
                settings(running.url(), running.monitoringUrl()));
        assertThat(new NatsProviderFactory().capabilities(parsed(Map.of("url", running.url()))))
                .contains(Capability.DURABLE_PROCESS_CRASH)
                .doesNotContain(Capability.DURABLE_POWER_LOSS);
    }

    @Test
    void P1_whereNoMonitoringAnswersNothingIsPromised() throws Exception {
        NatsServer running = server(NatsServer.SYNC_ALWAYS);
        refused(
                ErrorCode.PROVIDER_UNAVAILABLE,
                "none of its servers tells whether it syncs",
                settings(running.url(), "http://127.0.0.1:1"));
        refused(
                ErrorCode.PROVIDER_UNAVAILABLE,
                "none of its servers tells whether it syncs",
                settings(running.url(), "http://127.0.0.1:" + running.port));
    }

    @Test
    void P1_theServerThatKeepsAStreamMustBeMonitored() throws Exception {
        NatsServer running = server();
        Path elsewhere = Files.createDirectory(directory.resolve("other"));
        NatsServer other =
                new NatsServer(elsewhere, elsewhere.resolve("store"), "server_name: other", NatsServer.SYNC_ALWAYS);
        try (EventBus bus = bus(settings(running.url(), other.monitoringUrl()))) {
            publishRefused(bus, ErrorCode.INVALID_CONFIGURATION, "is kept by test, and monitoring has no answer of");
        } finally {
            other.kill();
        }
    }

    @Test
    void P1_aServerThatComesBackWithoutSyncingIsNoticed() throws Exception {
        NatsServer running = server(NatsServer.SYNC_ALWAYS);
        assertThat(new NatsProviderFactory().capabilities(parsed(settings(running.url(), running.monitoringUrl()))))
                .contains(Capability.DURABLE_POWER_LOSS);
        try (EventBus bus = bus(settings(running.url(), running.monitoringUrl()))) {
            assertThat(bus.publish(ACME, "orders.created", "{}").durable()).isTrue();
            running.kill();
            running.configure();
            running.start();
            assertThat(afterReconnection(bus))
                    .isInstanceOfSatisfying(
                            EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_CONFIGURATION))
                    .hasMessageContaining("server test, which keeps stream greentic_v1-test");
            running.kill();
            running.configure(NatsServer.SYNC_ALWAYS);
            running.start();
            assertThat(afterReconnection(bus)).isNull();
        }
    }

    @Test
    void P1_aStreamThatAnswersBeforeItWritesIsRefused() throws Exception {
        NatsServer running = server();
        Connection plain = Nats.connect(running.url());
        try (EventBus bus = bus(Map.of("url", running.url()))) {
            var unused = plain.jetStreamManagement()
                    .addStream(StreamConfiguration.builder()
                            .name("greentic_v1-test")
                            .subjects("greentic.v1.test.>")
                            .storageType(StorageType.File)
                            .discardPolicy(DiscardPolicy.New)
                            .persistMode(PersistMode.Async)
                            .build());
            publishRefused(bus, ErrorCode.INVALID_CONFIGURATION, "set its persist_mode to default");
        } finally {
            plain.close();
        }
    }
}
