package ai.greentic.events.nats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.EventBusBuilder;
import ai.greentic.events.conformance.SharedDeadLettersConformance;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import io.nats.client.Connection;
import io.nats.client.Nats;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Dead letters on the server, where every host sees them. */
@Timeout(120)
class NatsDeadLettersTest {
    private static final Tenant ACME = new Tenant("test", "acme");

    @TempDir
    Path directory;

    private NatsServer server;
    private final Tasks tasks = Tasks.threads("events");
    private final List<EventProvider> opened = new ArrayList<>();

    @BeforeEach
    void start() throws Exception {
        server = new NatsServer(directory);
    }

    @AfterEach
    void stop() throws Exception {
        opened.forEach(EventProvider::close);
        tasks.close(Duration.ofSeconds(5));
        server.kill();
    }

    private static EventProvider connect(NatsServer server, Tasks tasks, Map<String, Object> more) {
        Map<String, Object> raw = new HashMap<>(more);
        raw.put("url", server.url());
        NatsProviderFactory factory = new NatsProviderFactory();
        List<String> problems = new ArrayList<>();
        var settings = factory.settings().parse(raw, "p", problems);
        assertThat(problems).isEmpty();
        return factory.create(settings, new ProviderContext("p", Time.system(), tasks));
    }

    private DeadLetterStore letters(Map<String, Object> more) {
        EventProvider provider = connect(server, tasks, more);
        opened.add(provider);
        return provider.deadLetters().orElseThrow();
    }

    private static DeadLetter letter(Tenant tenant, int number) {
        return DeadLetter.builder(
                        new DeadLetterId("dl-" + number),
                        new TenantTopic(tenant, new Topic("orders.created")),
                        "{}".getBytes(StandardCharsets.UTF_8),
                        "p",
                        Instant.EPOCH)
                .cause(ErrorCode.HANDLER_FAILED, "why")
                .build();
    }

    /** What the kit demands of every store that hosts share; each life is a connection of its own. */
    @Nested
    class Conformance extends SharedDeadLettersConformance {
        private final List<EventProvider> connected = new ArrayList<>();
        private Tasks threads = tasks;

        @Override
        protected DeadLetterStore open(Time time) {
            threads = Tasks.threads("kit");
            return another(100_000);
        }

        @Override
        protected DeadLetterStore another(int maxLetters) {
            EventProvider provider = connect(server, threads, Map.of("max_dead_letters", maxLetters));
            connected.add(provider);
            return provider.deadLetters().orElseThrow();
        }

        @Override
        protected EventBus bus() {
            return builder(Map.of("url", server.url())).deadLettersOn("broker").build();
        }

        @Override
        protected void close() {
            connected.forEach(EventProvider::close);
            connected.clear();
            threads.close(Duration.ofSeconds(5));
        }
    }

    private EventBusBuilder builder(Map<String, Object> settings) {
        return EventBus.builder()
                .providerFactory(new NatsProviderFactory())
                .provider("broker", "nats", "*")
                .providerSettings(null, "broker", settings);
    }

    @Test
    void whatCannotKeepThemIsRefusedAtTheStart() {
        assertThatThrownBy(() -> builder(Map.of("url", server.url(), "mode", "core"))
                        .deadLettersOn("broker")
                        .build())
                .hasMessageContaining("events.dead_letters.provider")
                .hasMessageContaining("keeps none");
        assertThatThrownBy(() -> builder(Map.of("url", server.url()))
                        .deadLettersOn("brokr")
                        .build())
                .hasMessageContaining("brokr")
                .hasMessageContaining("broker");
        assertThatThrownBy(() -> builder(Map.of("url", "nats://127.0.0.1:1"))
                        .deadLettersOn("broker")
                        .build())
                .hasMessageContaining("did not start");
        assertThatThrownBy(() -> builder(Map.of("url", server.url()))
                        .deadLettersOn("broker")
                        .deadLettersStayLocal()
                        .build())
                .hasMessageContaining("choose one");
    }

    @Test
    void P2_aFullStreamRefusesAndKeepsWhatItHas() {
        DeadLetterStore store = letters(Map.of("max_dead_letter_bytes", 1 << 20));
        byte[] large = new byte[100_000];
        int kept = 0;
        EventsException refused = null;
        while (refused == null && kept < 100) {
            try {
                store.put(DeadLetter.builder(
                                new DeadLetterId("dl-" + kept),
                                new TenantTopic(ACME, new Topic("orders.created")),
                                large,
                                "p",
                                Instant.EPOCH)
                        .cause(ErrorCode.HANDLER_FAILED, "why")
                        .build());
                kept++;
            } catch (EventsException e) {
                refused = e;
            }
        }
        assertThat(refused)
                .isNotNull()
                .hasMessageContaining("max_dead_letter_bytes")
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.DEAD_LETTERS_FULL));
        assertThat(store.list(ACME, DeadLetterFilter.ALL, null, 100)).hasSize(kept);
    }

    @Test
    void P2_aLetterThatCannotBeKeptIsNoLetterAndTheErrorSaysWhy() throws Exception {
        DeadLetterStore store = letters(Map.of());
        store.put(letter(ACME, 1));
        server.kill();
        assertThatThrownBy(() -> store.put(letter(ACME, 2)))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.PROVIDER_UNAVAILABLE));
        server.start();
        assertThat(found(store, 1)).isTrue();
        assertThat(found(store, 2)).isFalse();
    }

    /** Asks until the connection is there again. */
    private static boolean found(DeadLetterStore store, int number) throws InterruptedException {
        for (int tries = 0; ; tries++) {
            try {
                return store.find(ACME, new DeadLetterId("dl-" + number)).isPresent();
            } catch (EventsException e) {
                if (tries == 200) {
                    throw e;
                }
                Thread.sleep(50);
            }
        }
    }

    @Test
    void P4_whatSomebodyElseWroteIsNoLetterAndIsNamed() throws Exception {
        DeadLetterStore store = letters(Map.of());
        store.put(letter(ACME, 1));
        store.put(letter(new Tenant("test", "globex"), 2));
        Connection plain = Nats.connect(server.url());
        try {
            var stolen = plain.jetStreamManagement()
                    .getLastMessage("greentic_v1=letters-test", "greentic.v1=letters.test.globex.dl-2.*");
            plain.jetStream().publish("greentic.v1=letters.test.acme.dl-2.-", stolen.getHeaders(), stolen.getData());
            plain.jetStream().publish("greentic.v1=letters.test.acme.dl-3.-", new byte[3]);
        } finally {
            plain.close();
        }
        for (int number : new int[] {2, 3}) {
            assertThatThrownBy(() -> store.find(ACME, new DeadLetterId("dl-" + number)))
                    .isInstanceOfSatisfying(
                            EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_CORRUPT))
                    .hasMessageContaining("greentic_v1=letters-test");
        }
        assertThat(store.find(ACME, new DeadLetterId("dl-1"))).isPresent();
    }
}
