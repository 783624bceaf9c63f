package ai.greentic.events.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.Position;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.Polled;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The provider's side of the contract, seen as the engine sees it. */
class MemoryProviderTest {
    private static final TenantContext ACME = TenantContext.of("prod", "acme");

    private final Tasks tasks = Tasks.threads("test");
    private final MemoryProvider provider = provider(Map.of("history_events", 5, "shards", 4));

    private MemoryProvider provider(Map<String, ?> settings) {
        MemoryProviderFactory factory = new MemoryProviderFactory();
        List<String> problems = new ArrayList<>();
        var parsed = factory.settings().parse(settings, "test", problems);
        assertThat(problems).isEmpty();
        return new MemoryProvider(parsed, new ProviderContext("memory", Time.system(), tasks));
    }

    @AfterEach
    void close() {
        provider.close();
        tasks.close();
    }

    private Position publish(String key, int number) {
        EventEnvelope event = EventEnvelope.builder(ACME, "a")
                .id("evt-" + number)
                .time(Instant.EPOCH)
                .orderingKey(key)
                .payload(Payload.of(number))
                .build();
        List<PublishOutcome> outcomes = new ArrayList<>();
        provider.publish(List.of(new OutboundEvent() {
                    @Override
                    public EventEnvelope event() {
                        return event;
                    }

                    @Override
                    public byte[] encoded() {
                        throw new AssertionError("memory keeps objects");
                    }

                    @Override
                    public String orderingKey() {
                        return key;
                    }
                }))
                .forEach(stage -> stage.whenComplete((outcome, defect) -> outcomes.add(outcome)));
        return Objects.requireNonNull(outcomes.get(0).position());
    }

    private ProviderSubscription subscribe(@Nullable String group, StartAt start) {
        return provider.subscribe(new SubscribeRequest(
                List.of(new SubscribeRequest.Filter(ACME, TopicPattern.of("*"))), group, start, tasks.signal()));
    }

    private static List<Integer> numbers(List<InboundDelivery> deliveries) {
        return deliveries.stream()
                .map(d -> Objects.requireNonNull(d.event()).payload().as(Integer.class))
                .toList();
    }

    @Test
    void aPositionThatIsNoLongerKeptIsRefusedNotSkipped() throws InterruptedException {
        Position first = publish("k", 1);
        for (int i = 2; i <= 6; i++) {
            publish("k", i);
        }
        assertThat(numbers(subscribe(null, StartAt.after(Map.of("memory", first)))
                        .poll(10, Duration.ZERO)
                        .deliveries()))
                .containsExactly(2, 3, 4, 5, 6);
        publish("k", 7);
        assertThatThrownBy(() -> subscribe(null, StartAt.after(Map.of("memory", first))))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_ARGUMENT))
                .hasMessageContaining("no longer keeps");
        assertThat(numbers(subscribe(null, StartAt.EARLIEST)
                        .poll(10, Duration.ZERO)
                        .deliveries()))
                .containsExactly(3, 4, 5, 6, 7);
    }

    @Test
    void P6_laterEventsOfADelayedKeyWaitBehindIt() throws InterruptedException {
        ProviderSubscription member = subscribe("g", StartAt.NEW);
        publish("slow", 1);
        InboundDelivery first = member.poll(1, Duration.ZERO).deliveries().get(0);
        assertThat(member.settle(List.of(Settled.redeliver(first, Duration.ofMillis(200)))))
                .containsExactly(SettleOutcome.SETTLED);
        publish("slow", 2);
        publish("fast", 3);
        assertThat(numbers(member.poll(10, Duration.ZERO).deliveries())).containsExactly(3);
        List<Integer> later = new ArrayList<>();
        while (later.size() < 2) {
            later.addAll(numbers(member.poll(10, Duration.ofSeconds(5)).deliveries()));
        }
        assertThat(later).containsExactly(1, 2);
    }

    @Test
    void P6_aShardMovesOnlyWhenItsOwnerHasDrainedIt() throws InterruptedException {
        ProviderSubscription one = subscribe("g", StartAt.NEW);
        for (int i = 0; i < 40; i++) {
            publish("k" + i, i);
        }
        List<InboundDelivery> inHand = one.poll(100, Duration.ZERO).deliveries();
        ProviderSubscription two = subscribe("g", StartAt.NEW);
        Polled revoked = one.poll(0, Duration.ZERO);
        assertThat(revoked.revoking()).hasSize(2);
        for (int i = 0; i < 40; i++) {
            publish("k" + i, 100 + i);
        }
        assertThat(two.poll(100, Duration.ZERO).deliveries())
                .as("nothing before the release")
                .isEmpty();
        for (Shard shard : revoked.revoking()) {
            one.settle(inHand.stream()
                    .filter(d -> d.shard().equals(shard))
                    .map(Settled::ack)
                    .toList());
            one.released(shard);
        }
        List<InboundDelivery> moved = two.poll(100, Duration.ZERO).deliveries();
        assertThat(moved).isNotEmpty().allMatch(d -> revoked.revoking().contains(d.shard()));
        InboundDelivery before = inHand.stream()
                .filter(d -> d.shard().equals(moved.get(0).shard()))
                .findFirst()
                .orElseThrow();
        assertThat(moved.get(0).fence()).as("a new epoch").isGreaterThan(before.fence());
        assertThat(one.settle(List.of(Settled.ack(before)))).containsExactly(SettleOutcome.LOST);
        assertThat(one.extend(List.of(before), Duration.ofSeconds(1))).containsExactly(SettleOutcome.LOST);
    }

    @Test
    void P9_whatAMemberHadInHandGoesToTheNextInOrder() throws InterruptedException {
        ProviderSubscription one = subscribe("g", StartAt.NEW);
        for (int i = 0; i < 5; i++) {
            publish("k", i);
        }
        InboundDelivery first = one.poll(3, Duration.ZERO).deliveries().get(0);
        one.settle(List.of(Settled.ack(first)));
        one.close();
        one.close();
        assertThat(numbers(
                        subscribe("g", StartAt.EARLIEST).poll(10, Duration.ZERO).deliveries()))
                .containsExactly(1, 2, 3, 4);
        assertThatThrownBy(() -> one.poll(1, Duration.ZERO))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CLOSED));
    }
}
