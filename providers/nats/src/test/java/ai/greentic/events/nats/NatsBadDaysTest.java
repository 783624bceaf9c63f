package ai.greentic.events.nats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.conformance.TestCertificate;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import io.nats.client.Connection;
import io.nats.client.JetStreamManagement;
import io.nats.client.NKey;
import io.nats.client.Nats;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Servers that are not there, refuse, or hold something else. */
@Timeout(60)
class NatsBadDaysTest {
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

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }

    private static void refusal(Map<String, ?> settings) throws Exception {
        try (Tasks tasks = Tasks.threads("test")) {
            NatsProviderFactory factory = new NatsProviderFactory();
            List<String> problems = new ArrayList<>();
            ProviderSettings parsed = factory.settings().parse(settings, "nats", problems);
            assertThat(problems).isEmpty();
            var provider = factory.create(parsed, new ProviderContext("nats", Time.system(), tasks));
            provider.close();
            throw new AssertionError("it was not refused");
        }
    }

    private static void refused(ErrorCode code, Map<String, ?> settings) {
        assertThatThrownBy(() -> refusal(settings))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(code));
    }

    private static EventBus bus(String url, Map<String, ?> more) {
        Map<String, Object> settings = new HashMap<>(more);
        settings.put("url", url);
        return EventBus.builder()
                .providerFactory(new NatsProviderFactory())
                .provider("nats", "nats", "*")
                .providerSettings(null, "nats", settings)
                .build();
    }

    private static void until(String what, BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("not within 30 s: " + what).isLessThan(end);
            Thread.sleep(10);
        }
    }

    @Test
    void P14_whereNobodyAnswersTheStartFails() throws Exception {
        refused(ErrorCode.PROVIDER_UNAVAILABLE, Map.of("url", "nats://127.0.0.1:" + freePort()));
    }

    @Test
    void P13_aPasswordInAnAddressIsNotSaid() throws Exception {
        int nobody = freePort();
        assertThatThrownBy(() -> refusal(Map.of(
                        "url",
                        "nats://greentic:topsecret@127.0.0.1:" + nobody + ",nats://a:topsecret@127.0.0.1:" + nobody)))
                .isInstanceOf(EventsException.class)
                .hasMessageContaining("nats://127.0.0.1:" + nobody)
                .hasMessageNotContaining("topsecret");
    }

    /** Before anything is connected to. */
    @Test
    void P14_aPrefixThatIsNoSubjectIsRefused() {
        for (String prefix : List.of("a b", "a.*", "a..b", ".a", "größe")) {
            assertThatThrownBy(() -> refusal(Map.of("url", "nats://127.0.0.1:1", "prefix", prefix)))
                    .isInstanceOf(EventsException.class)
                    .hasMessageContaining(prefix)
                    .hasMessageContaining("greentic.v1");
        }
    }

    @Test
    void P14_anNkeyIsAnsweredWithAndAWrongOneRefused() throws Exception {
        NKey right = NKey.createUser(null);
        String seed = new String(right.getSeed());
        NatsServer running = server("authorization { users: [ { nkey: " + new String(right.getPublicKey()) + " } ] }");
        try (EventBus bus = bus(running.url(), Map.of("nkey", seed))) {
            assertThat(bus.publish(ACME, "a.b", 1).durable()).isTrue();
        }
        String another = new String(NKey.createUser(null).getSeed());
        refused(ErrorCode.ACCESS_DENIED, Map.of("url", running.url(), "nkey", another));
        assertThatThrownBy(() -> refusal(Map.of("url", running.url(), "nkey", "topsecret")))
                .hasMessageContaining("nkey")
                .hasMessageNotContaining("topsecret")
                .hasNoCause();
    }

    private NatsServer encrypted(TestCertificate own, String more) throws Exception {
        Path certificate = Files.writeString(directory.resolve("own.pem"), own.certificate());
        Path key = Files.writeString(directory.resolve("own.key"), own.key());
        return server("tls { cert_file: '" + certificate + "', key_file: '" + key + "' " + more + " }");
    }

    @Test
    void anEncryptedServerIsBelievedByItsCertificateAlone() throws Exception {
        TestCertificate own = TestCertificate.of(directory, "ip:127.0.0.1,dns:localhost");
        NatsServer running = encrypted(own, "");
        String url = running.url().replace("nats://", "tls://");
        for (String name : List.of(url, url.replace("127.0.0.1", "localhost"))) {
            try (EventBus bus = bus(name, Map.of("trusted_certificates", own.certificate()))) {
                assertThat(bus.publish(ACME, "a.b", 1).durable()).isTrue();
            }
        }
        refused(ErrorCode.PROVIDER_UNAVAILABLE, Map.of("url", url));
        refused(ErrorCode.PROVIDER_UNAVAILABLE, Map.of("url", running.url()));
        refused(
                ErrorCode.PROVIDER_UNAVAILABLE,
                Map.of(
                        "url",
                        url,
                        "trusted_certificates",
                        TestCertificate.of(directory, "ip:127.0.0.1").certificate()));
    }

    @Test
    void aTrustedCertificateOfAnotherHostIsRefused() throws Exception {
        TestCertificate other = TestCertificate.of(directory, "dns:elsewhere.example");
        NatsServer running = encrypted(other, "");
        refused(
                ErrorCode.PROVIDER_UNAVAILABLE,
                Map.of("url", running.url().replace("nats://", "tls://"), "trusted_certificates", other.certificate()));
    }

    @Test
    void aServerThatAsksForACertificateGetsIt() throws Exception {
        TestCertificate own = TestCertificate.of(directory, "ip:127.0.0.1");
        TestCertificate client = TestCertificate.of(directory, "dns:client.example");
        Path known = Files.writeString(directory.resolve("known.pem"), client.certificate());
        NatsServer running = encrypted(own, ", ca_file: '" + known + "', verify: true");
        String url = running.url().replace("nats://", "tls://");
        try (EventBus bus = bus(
                url,
                Map.of(
                        "trusted_certificates",
                        own.certificate(),
                        "certificate",
                        client.certificate(),
                        "certificate_key",
                        client.key()))) {
            assertThat(bus.publish(ACME, "a.b", 1).durable()).isTrue();
        }
        refused(ErrorCode.PROVIDER_UNAVAILABLE, Map.of("url", url, "trusted_certificates", own.certificate()));
    }

    /** Before anything is connected to. */
    @Test
    void P14_certificatesThatCannotBeReadAreNamed() throws Exception {
        TestCertificate some = TestCertificate.of(directory, "dns:client.example");
        String url = "tls://127.0.0.1:1";
        assertThatThrownBy(() -> refusal(Map.of("url", url, "trusted_certificates", "rubbish")))
                .hasMessageContaining("trusted_certificates")
                .hasMessageContaining("PEM");
        assertThatThrownBy(() -> refusal(Map.of("url", url, "certificate", some.certificate())))
                .hasMessageContaining("certificate_key");
        for (String key : List.of("topsecret", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")) {
            assertThatThrownBy(() ->
                            refusal(Map.of("url", url, "certificate", some.certificate(), "certificate_key", key)))
                    .hasMessageContaining("certificate_key")
                    .hasMessageContaining("PKCS #8")
                    .hasMessageNotContaining("topsecret");
        }
    }

    @Test
    void P14_refusedCredentialsAreNamed() throws Exception {
        NatsServer running = server("authorization { user: greentic, password: right }");
        refused(ErrorCode.ACCESS_DENIED, Map.of("url", running.url(), "user", "greentic", "password", "wrong"));
        try (EventBus bus = bus(running.url(), Map.of("user", "greentic", "password", "right"))) {
            assertThat(bus.publish(ACME, "a.b", 1).durable()).isTrue();
        }
    }

    /** With {@code startup = wait}, the provider is there as soon as its server is. */
    @Test
    void P9_aServerThatComesLaterIsWaitedFor() throws Exception {
        NatsServer running = server();
        running.kill();
        try (EventBus bus = bus(running.url(), Map.of("startup", "wait"))) {
            var early = bus.publishAsync(bus.newEvent(ACME, "a.b")
                    .payload(ai.greentic.events.Payload.of(1))
                    .build());
            running.start();
            assertThat(early.get(30, TimeUnit.SECONDS).durable()).isTrue();
            List<Integer> got = new CopyOnWriteArrayList<>();
            bus.subscribe(ACME, "a.*", delivery -> got.add(delivery.payload(Integer.class)))
                    .ready()
                    .get(30, TimeUnit.SECONDS);
            var unused = bus.publish(ACME, "a.b", 2);
            until("the event", () -> got.contains(2));
        }
    }

    @Test
    void P14_aStreamOfAnotherShapeIsRefusedAndNamed() throws Exception {
        NatsServer running = server();
        Connection connection = Nats.connect(running.url());
        JetStreamManagement streams = connection.jetStreamManagement();
        var unused = streams.addStream(StreamConfiguration.builder()
                .name("greentic_v1-test")
                .subjects("greentic.v1.test.>")
                .storageType(StorageType.File)
                .discardPolicy(DiscardPolicy.Old)
                .build());
        connection.close();
        try (EventBus bus = bus(running.url(), Map.of())) {
            assertThatThrownBy(() -> bus.publish(ACME, "a.b", 1))
                    .isInstanceOf(EventsException.class)
                    .hasMessageContaining("greentic_v1-test")
                    .hasMessageContaining("discard");
        }
    }

    @Test
    void P14_aMissingStreamThatMayNotBeMadeIsNamed() throws Exception {
        NatsServer running = server();
        try (EventBus bus = bus(running.url(), Map.of("create_streams", false))) {
            assertThatThrownBy(() -> bus.publish(ACME, "a.b", 1))
                    .isInstanceOf(EventsException.class)
                    .hasMessageContaining("greentic_v1-test")
                    .hasMessageContaining("create_streams");
        }
    }

    @Test
    void P10_aFullStreamRefusesAndKeepsWhatItHas() throws Exception {
        NatsServer running = server();
        try (EventBus bus = bus(running.url(), Map.of("max_bytes", 1L << 20))) {
            String filling = "x".repeat(100_000);
            int[] accepted = {0};
            assertThatThrownBy(() -> {
                        for (; accepted[0] < 100; accepted[0]++) {
                            var unused = bus.publish(ACME, "a.b", filling);
                        }
                    })
                    .isInstanceOf(EventsException.class)
                    .hasMessageContaining("max_bytes");
            List<String> got = new CopyOnWriteArrayList<>();
            var unused = bus.subscribe(
                    ACME,
                    "a.*",
                    ai.greentic.events.bus.SubscribeOptions.ephemeral().startAt(ai.greentic.events.StartAt.EARLIEST),
                    delivery -> got.add(delivery.payload(String.class)));
            until("what was accepted", () -> got.size() == accepted[0]);
            assertThat(accepted[0]).isBetween(5, 10);
        }
    }

    @Test
    void P10_anEventOverTheServersLimitIsRefused() throws Exception {
        NatsServer running = server("max_payload: 4KB");
        try (EventBus bus = bus(running.url(), Map.of())) {
            assertThat(bus.publish(ACME, "a.b", "x".repeat(3_000)).durable()).isTrue();
            assertThatThrownBy(() -> bus.publish(ACME, "a.b", "x".repeat(5_000)))
                    .isInstanceOfSatisfying(
                            EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.EVENT_TOO_LARGE))
                    .hasMessageContaining("4096");
        }
    }
}
