package ai.greentic.events.nats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.conformance.NetworkProxy;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import io.nats.client.Connection;
import io.nats.client.Nats;
import io.nats.client.api.PublishAck;
import io.nats.client.api.StreamInfo;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Members of groups that lose touch, and groups whose keys are not as they left them. */
@Timeout(60)
class NatsGroupsTest {
    private static final TenantContext ACME = TenantContext.of("test", "acme");

    @TempDir
    Path directory;

    private NatsServer server;

    @BeforeEach
    void start() throws Exception {
        server = new NatsServer(directory);
    }

    @AfterEach
    void stop() throws InterruptedException {
        server.kill();
    }

    private static EventBus bus(String url) {
        return EventBus.builder()
                .providerFactory(new NatsProviderFactory())
                .provider("nats", "nats", "*")
                .providerSettings(null, "nats", Map.of("url", url, "member_timeout", "1s"))
                .build();
    }

    private static void until(String what, BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("not within 30 s: " + what).isLessThan(end);
            Thread.sleep(10);
        }
    }

    private static void publish(EventBus bus, int number) {
        var unused = bus.publish(bus.newEvent(ACME, "a.b")
                .orderingKey("k")
                .payload(Payload.of(number))
                .build());
    }

    /**
     * A member is cut off with an event in hand; the other one takes over. When the first comes back, it cannot settle what it had, and what it
     * did meanwhile does not move the group's position.
     */
    @Test
    void P6_P9_whatADeposedMemberSettlesDoesNotCount() throws Exception {
        NetworkProxy proxy = new NetworkProxy(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port));
        try (EventBus stalled = bus("nats://127.0.0.1:" + proxy.address().getPort());
                EventBus healthy = bus(server.url())) {
            CountDownLatch reached = new CountDownLatch(1);
            CountDownLatch free = new CountDownLatch(1);
            List<Integer> first = new CopyOnWriteArrayList<>();
            List<Long> fences = new CopyOnWriteArrayList<>();
            CompletableFuture<CompletionStage<Void>> settlement = new CompletableFuture<>();
            stalled.subscribe(ACME, "a.*", SubscribeOptions.group("g"), delivery -> {
                        first.add(delivery.payload(Integer.class));
                        fences.add(delivery.fence());
                        settlement.complete(delivery.settled());
                        reached.countDown();
                        free.await();
                    })
                    .ready()
                    .get(30, TimeUnit.SECONDS);
            publish(healthy, 1);
            assertThat(reached.await(30, TimeUnit.SECONDS)).isTrue();
            proxy.stall();
            List<Integer> second = new CopyOnWriteArrayList<>();
            healthy.subscribe(ACME, "a.*", SubscribeOptions.group("g"), delivery -> {
                        second.add(delivery.payload(Integer.class));
                        fences.add(delivery.fence());
                    })
                    .ready()
                    .get(30, TimeUnit.SECONDS);
            publish(healthy, 2);
            until("the takeover", () -> second.equals(List.of(1, 2)));
            free.countDown();
            proxy.heal();
            assertThatThrownBy(() -> settlement.get().toCompletableFuture().get(30, TimeUnit.SECONDS))
                    .hasRootCauseInstanceOf(EventsException.class)
                    .rootCause()
                    .satisfies(refused ->
                            assertThat(((EventsException) refused).code()).isEqualTo(ErrorCode.OUTCOME_UNKNOWN));
            for (int i = 3; i < 50; i++) {
                publish(healthy, i);
            }
            until("the rest", () -> first.size() + second.size() >= 50);
            assertThat(fences.get(1)).isGreaterThan(fences.get(0));
            // One duplicate: what was in hand.
            assertThat(first.get(0)).isEqualTo(1);
            assertThat(first.subList(1, first.size())).isSorted();
            assertThat(second).isSorted().doesNotHaveDuplicates();
            assertThat(IntStream.range(2, 50)).allMatch(i -> first.contains(i) ^ second.contains(i));
        } finally {
            proxy.close();
        }
    }

    /** News of the members are looked at while no settlement is out; a member that always has some must come to such a time. */
    @Test
    void P9_settlementsWaitWhereThereIsNewsOfTheMembers() throws Exception {
        try (EventBus publisher = bus(server.url());
                Tasks tasks = Tasks.threads("test")) {
            ProviderSettings settings = new NatsProviderFactory()
                    .settings()
                    .parse(Map.of("url", server.url()), "nats", new ArrayList<String>());
            NatsProvider provider = NatsProvider.connect(settings, new ProviderContext("nats", Time.system(), tasks));
            try (NatsSubscription member = (NatsSubscription) provider.subscribe(new SubscribeRequest(
                    List.of(new SubscribeRequest.Filter(ACME, TopicPattern.of("a.*"))),
                    "g",
                    StartAt.EARLIEST,
                    tasks.signal()))) {
                for (int i = 0; i < 20; i++) {
                    publish(publisher, i);
                }
                List<Settled> toSettle = new ArrayList<>();
                until("its events", () -> {
                    try {
                        member.poll(64, Duration.ZERO).deliveries().forEach(one -> toSettle.add(Settled.ack(one)));
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                    return toSettle.size() == 20;
                });
                for (Settled one : toSettle) {
                    member.reconnected();
                    assertThat(member.settleLater(List.of(one)).toCompletableFuture())
                            .isCompletedWithValue(List.of(SettleOutcome.SETTLED));
                }
            } finally {
                provider.close();
            }
        }
    }

    /** The fence itself: from the moment a member is deposed, its key is not its own any more, whatever it still believes. */
    @Test
    void P6_P9_aDeposedMemberCanWriteNothingDown() throws Exception {
        try (Tasks tasks = Tasks.threads("test")) {
            NatsProviderFactory factory = new NatsProviderFactory();
            ProviderSettings settings =
                    factory.settings().parse(Map.of("url", server.url()), "nats", new ArrayList<String>());
            NatsProvider provider = NatsProvider.connect(settings, new ProviderContext("nats", Time.system(), tasks));
            try {
                Membership silent = join(provider);
                Membership watching = join(provider);
                assertThat(silent.save(Map.of())).isTrue();
                until("the silent one is deposed", () -> watching.deposeDead(watching.shared()));
                assertThat(watching.shared().members).containsExactly(watching.id());
                assertThat(silent.save(Map.of(0, new GroupRecord.Progress(1, 4_711, new byte[0]))))
                        .isFalse();
                assertThat(watching.save(Map.of())).isTrue();
            } finally {
                provider.close();
            }
        }
    }

    private static Membership join(NatsProvider provider) {
        StreamInfo stream = provider.streams().info("test");
        return Membership.join(
                provider,
                provider.groups().bucket(),
                "test.acme.fenced",
                List.of("a.*"),
                4,
                stream,
                any -> 1,
                Duration.ofSeconds(1),
                () -> {});
    }

    /** Where a stream was deleted and made again, its numbers begin anew, and a group that waited for larger ones would be deaf. */
    @Test
    void P9_aGroupAheadOfItsStreamIsRefused() throws Exception {
        try (EventBus bus = bus(server.url())) {
            for (int i = 0; i < 5; i++) {
                publish(bus, i);
            }
            bus.subscribe(ACME, "a.*", SubscribeOptions.group("g"), delivery -> {})
                    .ready()
                    .get(30, TimeUnit.SECONDS);
        }
        Connection connection = Nats.connect(server.url());
        connection.jetStreamManagement().deleteStream("greentic_v1-test");
        connection.close();
        try (EventBus bus = bus(server.url())) {
            assertThatThrownBy(() -> bus.subscribe(ACME, "a.*", SubscribeOptions.group("g"), delivery -> {})
                            .ready()
                            .get(30, TimeUnit.SECONDS))
                    .satisfies(error -> assertThat(error instanceof EventsException ? error : error.getCause())
                            .isInstanceOfSatisfying(
                                    EventsException.class,
                                    e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_CORRUPT))
                            .hasMessageContaining("test.acme.g"));
        }
    }

    @Test
    void P9_aDamagedKeyOfAGroupIsNamed() throws Exception {
        Connection connection = Nats.connect(server.url());
        try (EventBus bus = bus(server.url())) {
            Subscription member = bus.subscribe(ACME, "a.*", SubscribeOptions.group("g"), delivery -> {});
            member.ready().get(30, TimeUnit.SECONDS);
            member.close();
            PublishAck unused = connection
                    .jetStream()
                    .publish(
                            "$KV.greentic_v1-groups.test.acme.g", "{\"shards\":[{}]}".getBytes(StandardCharsets.UTF_8));
            assertThatThrownBy(() -> bus.subscribe(ACME, "a.*", SubscribeOptions.group("g"), delivery -> {})
                            .ready()
                            .get(30, TimeUnit.SECONDS))
                    .hasStackTraceContaining("test.acme.g")
                    .hasStackTraceContaining("delete the key");
        } finally {
            connection.close();
        }
    }

    /** Members that leave, leave nothing behind. */
    @Test
    void P10_aGroupsMembersLeaveNoTrace() throws Exception {
        Connection connection = Nats.connect(server.url());
        try {
            for (int i = 0; i < 10; i++) {
                try (EventBus bus = bus(server.url())) {
                    bus.subscribe(ACME, "a.*", SubscribeOptions.group("g").startAt(StartAt.EARLIEST), delivery -> {})
                            .ready()
                            .get(30, TimeUnit.SECONDS);
                }
            }
            assertThat(connection
                            .jetStreamManagement()
                            .getStreamInfo("KV_greentic_v1-groups")
                            .getStreamState()
                            .getMsgCount())
                    .isEqualTo(1);
        } finally {
            connection.close();
        }
    }
}
