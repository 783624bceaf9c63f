package ai.greentic.events.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.access.AccessRule;
import ai.greentic.events.bus.Delivery;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.PullSubscription;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.delivery.ProviderOverrides;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Brokers that are not there, refuse, or hold something else. */
@Timeout(90)
class KafkaBadDaysTest {
    @TempDir
    static @Nullable Path directory;

    private static @Nullable KafkaServer server;
    private static int guarded;

    @BeforeAll
    static void start() throws Exception {
        guarded = KafkaServer.freePort();
        server = KafkaServer.withPassword(java.util.Objects.requireNonNull(directory), guarded, "greentic", "right");
    }

    @AfterAll
    static void stop() throws InterruptedException {
        running().kill();
    }

    private static KafkaServer running() {
        return java.util.Objects.requireNonNull(server);
    }

    private static EventBus bus(Map<String, ?> more) {
        Map<String, Object> settings =
                new HashMap<>(Map.of("servers", running().address(), "partitions", 4, "member_timeout", "2s"));
        settings.putAll(more);
        return EventBus.builder()
                .providerFactory(new KafkaProviderFactory())
                .provider("kafka", "kafka", "*")
                .providerSettings(null, "kafka", settings)
                .build();
    }

    private static void until(String what, BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("not within 30 s: " + what).isLessThan(end);
            Thread.sleep(10);
        }
    }

    private static void refusal(Map<String, ?> settings) throws Exception {
        try (Tasks tasks = Tasks.threads("test")) {
            KafkaProviderFactory factory = new KafkaProviderFactory();
            List<String> problems = new ArrayList<>();
            ProviderSettings parsed = factory.settings().parse(settings, "kafka", problems);
            assertThat(problems).isEmpty();
            var provider = factory.create(parsed, new ProviderContext("kafka", Time.system(), tasks));
            provider.close();
            throw new AssertionError("it was not refused");
        }
    }

    @Test
    void P14_whereNobodyAnswersTheStartFails() throws Exception {
        int nobody = KafkaServer.freePort();
        assertThatThrownBy(() -> refusal(Map.of("servers", "127.0.0.1:" + nobody)))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.PROVIDER_UNAVAILABLE))
                .hasMessageContaining("127.0.0.1:" + nobody);
    }

    private static boolean accepts(EventBus bus, TenantContext tenant) {
        try {
            return bus.publish(tenant, "a.b", 1).durable();
        } catch (EventsException e) {
            assertThat(e.code()).isEqualTo(ErrorCode.PROVIDER_UNAVAILABLE);
            return false;
        }
    }

    /** With {@code startup = wait} and {@code forward}, what is published before the broker is there waits on disk, and goes out first. */
    @Test
    void P1_P6_whatIsPublishedBeforeTheBrokerIsThereIsQueued(@TempDir Path own, @TempDir Path state) throws Exception {
        KafkaServer late = new KafkaServer(own, KafkaServer.freePort(), 0);
        late.kill();
        TenantContext eager = TenantContext.of("test", "eager");
        try (EventBus bus = EventBus.builder()
                .providerFactory(new KafkaProviderFactory())
                .provider("kafka", "kafka", "*")
                .override("kafka", ProviderOverrides.NONE.forward(true).maxRetries(0))
                .stateDirectory(state)
                .providerSettings(null, "kafka", Map.of("servers", late.address(), "startup", "wait"))
                .build()) {
            for (int number = 0; number < 3; number++) {
                assertThat(bus.publish(bus.newEvent(eager, "a.b")
                                        .orderingKey("k")
                                        .payload(Payload.json(Integer.toString(number)))
                                        .build())
                                .status())
                        .isEqualTo(PublishReceipt.Status.QUEUED);
            }
            late.start();
            List<Integer> got = new CopyOnWriteArrayList<>();
            until("a subscription", () -> {
                try {
                    bus.subscribe(
                            eager,
                            "a.*",
                            SubscribeOptions.group("g").startAt(StartAt.EARLIEST),
                            delivery -> got.add(delivery.payload(Integer.class)));
                    return true;
                } catch (EventsException e) {
                    return false;
                }
            });
            until("the events", () -> got.size() == 3);
            assertThat(got).containsExactly(0, 1, 2);
        } finally {
            late.kill();
        }
    }

    /** With {@code startup = wait}, the provider is there as soon as its broker is. */
    @Test
    void P9_aBrokerThatComesLaterIsWaitedFor(@TempDir Path own) throws Exception {
        KafkaServer late = new KafkaServer(own, KafkaServer.freePort(), 0);
        late.kill();
        try (EventBus bus = bus(Map.of("servers", late.address(), "startup", "wait"))) {
            TenantContext patient = TenantContext.of("test", "patient");
            assertThatThrownBy(() -> bus.publish(patient, "a.b", 0))
                    .isInstanceOfSatisfying(
                            EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.PROVIDER_UNAVAILABLE))
                    .hasMessageContaining("has not reached " + late.address());
            late.start();
            until("a receipt", () -> accepts(bus, patient));
            List<Integer> got = new CopyOnWriteArrayList<>();
            bus.subscribe(
                            patient,
                            "a.*",
                            SubscribeOptions.group("g"),
                            delivery -> got.add(delivery.payload(Integer.class)))
                    .ready()
                    .get(30, TimeUnit.SECONDS);
            var unused = bus.publish(patient, "a.b", 2);
            until("the event", () -> got.equals(List.of(2)));
        } finally {
            late.kill();
        }
    }

    /** What a broker with a full disk took is there when it has room again; what it did not take, the publisher was told. */
    @Test
    void P1_P2_aFullDiskAtTheBrokerLosesNothingThatWasAccepted(@TempDir Path own) throws Exception {
        KafkaServer full = KafkaServer.withSmallDisk(own, 16 << 10);
        TenantContext tenant = TenantContext.of("test", "full");
        String large = "x".repeat(64 << 10);
        List<String> accepted = new ArrayList<>();
        List<ErrorCode> refusals = new ArrayList<>();
        try (EventBus bus = EventBus.builder()
                .providerFactory(new KafkaProviderFactory())
                .provider("kafka", "kafka", "*")
                .providerSettings(
                        null, "kafka", Map.of("servers", full.address(), "partitions", 1, "delivery_timeout", "3s"))
                .publishTimeout(Duration.ofSeconds(8))
                .build()) {
            for (int i = 0; i < 400 && refusals.isEmpty(); i++) {
                try {
                    accepted.add(bus.publish(tenant, "a.b", large).eventId().value());
                } catch (EventsException e) {
                    refusals.add(e.code());
                }
            }
            assertThat(refusals)
                    .isSubsetOf(ErrorCode.OUTCOME_UNKNOWN, ErrorCode.PROVIDER_UNAVAILABLE, ErrorCode.DEADLINE_EXCEEDED)
                    .isNotEmpty();
            assertThat(accepted).hasSizeGreaterThan(100);
            full.kill();
            full.enlargeDisk();
            full.start();
            until("a publish after the disk has room again", () -> {
                try {
                    accepted.add(bus.publish(tenant, "a.b", "last").eventId().value());
                    return true;
                } catch (EventsException e) {
                    return false;
                }
            });
            Set<String> got = ConcurrentHashMap.newKeySet();
            bus.subscribe(
                            tenant,
                            "a.*",
                            SubscribeOptions.group("g").startAt(StartAt.EARLIEST),
                            delivery -> got.add(delivery.event().id().value()))
                    .ready()
                    .get(30, TimeUnit.SECONDS);
            until("all that was accepted", () -> got.containsAll(accepted));
        } finally {
            full.kill();
        }
    }

    @Test
    void P13_P14_refusedCredentialsAreNamedAndPasswordsAreNot() {
        Map<String, Object> settings = new HashMap<>(
                Map.of("servers", "127.0.0.1:" + guarded, "user", "greentic", "mechanism", "PLAIN", "partitions", 2));
        settings.put("password", "topsecret");
        assertThatThrownBy(() -> refusal(settings))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.ACCESS_DENIED))
                .hasMessageContaining("password")
                .hasMessageNotContaining("topsecret");
        settings.put("password", "right");
        try (EventBus bus = bus(settings)) {
            assertThat(bus.publish(TenantContext.of("test", "guarded"), "a.b", 1)
                            .durable())
                    .isTrue();
        }
    }

    @Test
    void P14_aMissingTopicThatMayNotBeMadeIsNamed() {
        try (EventBus bus = bus(Map.of("create_topics", false))) {
            assertThatThrownBy(() -> bus.publish(TenantContext.of("test", "nobody"), "a.b", 1))
                    .isInstanceOf(EventsException.class)
                    .hasMessageContaining("greentic-v1-test-nobody")
                    .hasMessageContaining("create_topics");
        }
    }

    @Test
    void P14_aTopicThatForgetsWhatNobodyHasReadIsRefused() throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", running().address()))) {
            admin.createTopics(List.of(new NewTopic("greentic-v1-test-compact", Optional.of(1), Optional.empty())
                            .configs(Map.of("cleanup.policy", "compact"))))
                    .all()
                    .get(30, TimeUnit.SECONDS);
        }
        try (EventBus bus = bus(Map.of())) {
            assertThatThrownBy(() -> bus.publish(TenantContext.of("test", "compact"), "a.b", 1))
                    .isInstanceOf(EventsException.class)
                    .hasMessageContaining("greentic-v1-test-compact")
                    .hasMessageContaining("cleanup.policy");
        }
    }

    @Test
    void P1_aTopicThatIsNotSyncedDoesNotSurviveLossOfPower() throws Exception {
        TenantContext acme = TenantContext.of("test", "unsynced");
        try (EventBus bus = bus(Map.of())) {
            bus.publish(acme, "a.b", 1);
        }
        try (EventBus bus = bus(Map.of("durability", "power-loss"))) {
            assertThatThrownBy(() -> bus.publish(acme, "a.b", 2))
                    .isInstanceOf(EventsException.class)
                    .hasMessageContaining("greentic-v1-test-unsynced")
                    .hasMessageContaining("set flush.messages to 1");
            assertThat(bus.publish(TenantContext.of("test", "synced"), "a.b", 1).durable())
                    .isTrue();
        }
    }

    @Test
    void P10_anEventOverTheBrokersLimitIsRefused() {
        try (EventBus bus = bus(Map.of())) {
            TenantContext large = TenantContext.of("test", "large");
            assertThat(bus.publish(large, "a.b", "x".repeat(500_000)).durable()).isTrue();
            assertThatThrownBy(() -> bus.publish(large, "a.b", "x".repeat(1_100_000)))
                    .isInstanceOfSatisfying(
                            EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.EVENT_TOO_LARGE));
        }
    }

    /** Records that others put into a topic are passed over, and what follows them comes. */
    @Test
    void P9_foreignRecordsDoNotStopASubscription() throws Exception {
        TenantContext mixed = TenantContext.of("test", "mixed");
        try (EventBus bus = bus(Map.of())) {
            List<Integer> got = new CopyOnWriteArrayList<>();
            bus.subscribe(
                            mixed,
                            "a.*",
                            SubscribeOptions.group("g"),
                            delivery -> got.add(delivery.payload(Integer.class)))
                    .ready()
                    .get(30, TimeUnit.SECONDS);
            try (KafkaProducer<byte[], byte[]> others = new KafkaProducer<>(
                    Map.of("bootstrap.servers", running().address()),
                    new ByteArraySerializer(),
                    new ByteArraySerializer())) {
                for (int partition = 0; partition < 4; partition++) {
                    others.send(new ProducerRecord<>(
                                    "greentic-v1-test-mixed", partition, null, "{}".getBytes(StandardCharsets.UTF_8)))
                            .get(30, TimeUnit.SECONDS);
                }
            }
            for (int i = 0; i < 20; i++) {
                var unused = bus.publish(mixed, "a.b", i);
            }
            until("what is ours", () -> got.size() == 20);
        }
    }

    /** A tenant whose topic is made later is in a subscription to all tenants, from its first event on. */
    @Test
    void P9_aTenantThatComesLaterIsInASubscriptionToAll() throws Exception {
        try (EventBus bus = EventBus.builder()
                .providerFactory(new KafkaProviderFactory())
                .provider("kafka", "kafka", "*")
                .providerSettings(null, "kafka", Map.of("servers", running().address(), "partitions", 2))
                .access(AccessPolicy.of(List.of(AccessRule.of(AccessRule.Effect.ALLOW, Set.of(AccessAction.values()))
                        .build())))
                .build()) {
            List<String> grouped = new CopyOnWriteArrayList<>();
            List<String> ephemeral = new CopyOnWriteArrayList<>();
            bus.subscribe(
                            TenantScope.all("late"),
                            "a.*",
                            SubscribeOptions.group("g"),
                            delivery -> grouped.add(delivery.payload(String.class)))
                    .ready()
                    .get(30, TimeUnit.SECONDS);
            bus.subscribe(
                            TenantScope.all("late"),
                            "a.*",
                            SubscribeOptions.ephemeral(),
                            delivery -> ephemeral.add(delivery.payload(String.class)))
                    .ready()
                    .get(30, TimeUnit.SECONDS);
            for (String tenant : List.of("one", "two")) {
                for (int i = 0; i < 3; i++) {
                    var unused = bus.publish(bus.newEvent(TenantContext.of("late", tenant), "a.b")
                            .payload(Payload.of(tenant + i))
                            .build());
                }
            }
            until("both tenants", () -> grouped.size() == 6 && ephemeral.size() == 6);
            assertThat(grouped).doesNotHaveDuplicates().contains("one0", "two2");
        }
    }

    private static void next(PullSubscription events, int number, Duration patience) throws Exception {
        try (Delivery delivery = events.next(patience).orElseThrow()) {
            assertThat(delivery.payload(Integer.class)).isEqualTo(number);
            delivery.ack();
        }
    }

    /** A topic that was there before has its own number of partitions, which then holds. */
    @Test
    void P6_aTopicWithOtherPartitionsIsTakenAsItIs() throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", running().address()))) {
            admin.createTopics(List.of(new NewTopic("greentic-v1-test-narrow", 3, (short) 1)
                            .configs(Map.of("cleanup.policy", "delete"))))
                    .all()
                    .get();
        }
        TenantContext narrow = TenantContext.of("test", "narrow");
        try (EventBus bus = bus(Map.of("partitions", 16));
                PullSubscription events = bus.pull(narrow, "a.*", SubscribeOptions.group("narrow"))) {
            events.ready().get(30, TimeUnit.SECONDS);
            for (int number = 0; number < 30; number++) {
                bus.publish(bus.newEvent(narrow, "a.b")
                        .orderingKey("k")
                        .payload(Payload.json(Integer.toString(number)))
                        .build());
            }
            for (int number = 0; number < 30; number++) {
                next(events, number, Duration.ofSeconds(30));
            }
        }
    }
}
