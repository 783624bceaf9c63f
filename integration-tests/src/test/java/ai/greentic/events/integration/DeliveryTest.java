package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.Position;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.bus.Delivery;
import ai.greentic.events.bus.PullSubscription;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.delivery.Backoff;
import ai.greentic.events.delivery.RedeliveryPolicy;
import ai.greentic.events.memory.MemoryDeadLetterStore;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.Signal;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.testing.Ledger;
import ai.greentic.events.testing.TestFabric;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Delivery in virtual time: what handlers see, in what order, how often, and when. */
class DeliveryTest {
    private static final TenantContext ACME = TenantContext.of("prod", "acme");
    private static final RedeliveryPolicy SLOW =
            new RedeliveryPolicy(3, Duration.ofSeconds(10), Duration.ofMinutes(1), Backoff.FIXED);

    private static EventEnvelope event(String topic, String key, Object payload) {
        EventEnvelope.Builder event = EventEnvelope.builder(ACME, topic)
                .id("evt-" + topic + "-" + key + "-" + payload)
                .time(java.time.Instant.EPOCH)
                .payload(Payload.of(payload));
        return key == null ? event.build() : event.orderingKey(key).build();
    }

    @Test
    void P11_numbersArriveAsTheyWereSent() throws Exception {
        String json = "{\"n\":1.10,\"big\":18446744073709551616}";
        try (TestFabric fabric = TestFabric.create()) {
            List<String> seen = new ArrayList<>();
            fabric.bus().subscribe(ACME, "a", d -> seen.add(d.event().payload().json()));
            fabric.bus().publish(ACME, "a", Payload.json(json));
            fabric.settle();
            assertThat(seen).containsExactly(json);
        }
    }

    @Test
    void P8_attemptsCountFromOneAndARedeliveryIsNeverEarly() {
        try (TestFabric fabric = TestFabric.create()) {
            List<Integer> attempts = new ArrayList<>();
            List<Long> times = new ArrayList<>();
            fabric.bus().subscribe(ACME, "a", SubscribeOptions.ephemeral().redelivery(SLOW), d -> {
                attempts.add(d.attempt());
                times.add(fabric.time().nanos());
                throw new IllegalStateException("boom");
            });
            fabric.bus().publish(ACME, "a", 1);
            fabric.time().stepClock(Duration.ofHours(1));
            fabric.advance(Duration.ofSeconds(9));
            assertThat(attempts).containsExactly(1);
            fabric.advance(Duration.ofMinutes(5));
            assertThat(attempts).containsExactly(1, 2, 3);
            for (int i = 1; i < times.size(); i++) {
                assertThat(times.get(i) - times.get(i - 1))
                        .isGreaterThanOrEqualTo(Duration.ofSeconds(10).toNanos());
            }
            assertThat(fabric.deadLetters(ACME)).singleElement().satisfies(letter -> {
                assertThat(letter.attempts()).isEqualTo(3);
                assertThat(letter.code()).isEqualTo(ErrorCode.HANDLER_FAILED);
                assertThat(letter.reason()).contains("IllegalStateException").doesNotContain("boom");
            });
        }
    }

    @Test
    void P2_anEventIsNotAckedWhileItsDeadLetterCannotBeStored() {
        MemoryDeadLetterStore full = new MemoryDeadLetterStore(1, 1 << 20);
        try (TestFabric fabric = TestFabric.create(0, builder -> builder.deadLetters(full))) {
            List<String> handled = new ArrayList<>();
            SubscribeOptions once = SubscribeOptions.group("g")
                    .redelivery(new RedeliveryPolicy(1, Duration.ofSeconds(1), Duration.ofSeconds(30), Backoff.FIXED));
            Subscription subscription = fabric.bus().subscribe(ACME, "a", once, d -> {
                handled.add(d.event().payload().json());
                throw new IllegalStateException();
            });
            fabric.bus().publish(event("a", null, 1));
            fabric.settle();
            fabric.bus().publish(event("a", null, 2));
            fabric.advance(Duration.ofSeconds(100));
            assertThat(full.list(ACME.tenant(), DeadLetterFilter.ALL, null, 9)).hasSize(1);
            assertThat(handled).as("the second comes again and again").startsWith("1", "2", "2", "2");
            subscription.close();
            List<String> later = new ArrayList<>();
            fabric.bus()
                    .subscribe(
                            ACME, "a", once, d -> later.add(d.event().payload().json()));
            assertThat(later).as("the rest of its delay went along").isEmpty();
            fabric.advance(Duration.ofSeconds(30));
            assertThat(later).as("it was never acked").containsExactly("2");
        }
    }

    @Test
    void aRejectedDeliveryIsADeadLetterAtOnce() {
        try (TestFabric fabric = TestFabric.create()) {
            List<Boolean> settled = new ArrayList<>();
            fabric.bus().subscribe(ACME, "a", d -> {
                settled.add(d.reject("no such order"));
                settled.add(d.ack());
            });
            fabric.bus().publish(ACME, "a", 1);
            fabric.settle();
            assertThat(settled).as("the first settlement wins").containsExactly(true, false);
            assertThat(fabric.deadLetters(ACME))
                    .singleElement()
                    .satisfies(letter -> assertThat(letter.reason()).contains("no such order"));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void P6_eventsOfAKeyAreHandledInPublishOrderAcrossFailures(long seed) {
        try (TestFabric fabric = TestFabric.create(seed, builder -> {})) {
            Random random = new Random(seed);
            Ledger ledger = new Ledger();
            Ledger.Reader reader = ledger.reader("g", ACME, TopicPattern.of("orders.*"));
            Map<String, List<Integer>> effects = new HashMap<>();
            SubscribeOptions patient = SubscribeOptions.group("g")
                    .redelivery(new RedeliveryPolicy(
                            100, Duration.ofMillis(10), Duration.ofSeconds(1), Backoff.EXPONENTIAL_WITH_JITTER));
            for (int member = 0; member < 3; member++) {
                fabric.bus().subscribe(ACME, "orders.*", patient, d -> {
                    reader.delivered(d.event());
                    if (random.nextInt(20) == 0) {
                        reader.expectAgain(d.event().id());
                        throw new IllegalStateException();
                    }
                    if (random.nextInt(50) == 0) {
                        reader.expectAgain(d.event().id());
                        d.redeliver(Duration.ofMillis(random.nextInt(300)));
                        return;
                    }
                    effects.computeIfAbsent(d.event().orderingKey().orElseThrow(), k -> new ArrayList<>())
                            .add(d.payload(Integer.class));
                    reader.ended(d.event().id());
                });
            }
            for (int i = 0; i < 500; i++) {
                EventEnvelope event = event("orders.created", "k" + i % 10, i);
                ledger.publishing(event);
                fabric.bus().publish(event);
                ledger.acknowledged(event.id());
                if (i == 250) {
                    fabric.bus().subscribe(ACME, "orders.*", patient, d -> {
                        reader.delivered(d.event());
                        effects.computeIfAbsent(d.event().orderingKey().orElseThrow(), k -> new ArrayList<>())
                                .add(d.payload(Integer.class));
                        reader.ended(d.event().id());
                    });
                }
            }
            fabric.advance(Duration.ofMinutes(30));
            Ledger.Account account = ledger.account();
            assertThat(account.isSound()).as("seed %d: %s", seed, account).isTrue();
            assertThat(account.reordered()).as("seed %d: %s", seed, account).isZero();
            assertThat(account.duplicated()).as("seed %d: %s", seed, account).isZero();
            effects.forEach((key, numbers) ->
                    assertThat(numbers).as("seed %d, key %s", seed, key).isSorted());
            assertThat(effects.values().stream().mapToInt(List::size).sum()).isEqualTo(500);
        }
    }

    @Test
    void P7_aFailingKeyHoldsUpNobodyElse() {
        try (TestFabric fabric = TestFabric.create()) {
            List<String> seen = new ArrayList<>();
            fabric.bus().subscribe(ACME, "a", SubscribeOptions.ephemeral().redelivery(SLOW), d -> {
                String key = d.event().orderingKey().orElseThrow();
                if (key.equals("bad")) {
                    throw new IllegalStateException();
                }
                seen.add(key);
            });
            for (int i = 0; i < 20; i++) {
                fabric.bus().publish(event("a", "bad", i));
                fabric.bus().publish(event("a", "good" + i, i));
            }
            fabric.settle();
            assertThat(seen).hasSize(20);
        }
    }

    @Test
    void asynchronousHandlersEndWhenTheirStageDoes() {
        try (TestFabric fabric = TestFabric.create()) {
            List<CompletableFuture<Void>> stages = new ArrayList<>();
            List<Integer> attempts = new ArrayList<>();
            fabric.bus()
                    .subscribeAsync(
                            ACME,
                            "a",
                            SubscribeOptions.group("g").redelivery(SLOW).concurrency(2),
                            d -> {
                                attempts.add(d.attempt());
                                CompletableFuture<Void> stage = new CompletableFuture<>();
                                stages.add(stage);
                                return stage;
                            });
            for (int i = 0; i < 3; i++) {
                fabric.bus().publish(event("a", null, i));
            }
            fabric.settle();
            assertThat(stages).as("no more than its concurrency at once").hasSize(2);
            stages.get(0).complete(null);
            fabric.settle();
            assertThat(stages).hasSize(3);
            stages.get(1).completeExceptionally(new IllegalStateException());
            stages.get(2).complete(null);
            fabric.advance(Duration.ofSeconds(11));
            assertThat(attempts).containsExactly(1, 1, 1, 2);
        }
    }

    @Test
    void manualDeliveriesAreTakenBackWhenNobodySettlesThem() throws Exception {
        try (TestFabric fabric = TestFabric.create()) {
            PullSubscription pull = fabric.bus()
                    .pull(
                            ACME,
                            "a",
                            SubscribeOptions.group("g")
                                    .ackTimeout(Duration.ofSeconds(5))
                                    .maxAttempts(2));
            fabric.bus().publish(ACME, "a", "x");
            Delivery first = pull.next(Duration.ofSeconds(1)).orElseThrow();
            first.extend(Duration.ofSeconds(60));
            assertThat(pull.next(Duration.ofSeconds(59))).isEmpty();
            Delivery second = pull.next(Duration.ofSeconds(2)).orElseThrow();
            assertThat(second.attempt()).isEqualTo(2);
            assertThat(first.ack()).as("too late").isFalse();
            assertThat(second.ack()).isTrue();
            assertThat(second.ack()).isFalse();
            fabric.settle();
            assertThat(second.settled()).isCompleted();
            fabric.bus().publish(ACME, "a", "y");
            try (Delivery closed = pull.next(Duration.ofSeconds(1)).orElseThrow()) {
                assertThat(closed.attempt()).isEqualTo(1);
            }
            assertThat(pull.next(Duration.ofSeconds(1)).orElseThrow().attempt()).isEqualTo(2);
            fabric.advance(Duration.ofSeconds(6));
            assertThat(fabric.deadLetters(ACME))
                    .singleElement()
                    .satisfies(letter -> assertThat(letter.reason()).contains("not settled"));
        }
    }

    @Test
    void aPullSubscriptionStreamsAsFastAsItIsAsked() {
        try (TestFabric fabric = TestFabric.create()) {
            PullSubscription pull = fabric.bus().pull(ACME, "a", SubscribeOptions.ephemeral());
            List<String> seen = new ArrayList<>();
            Flow.Subscription[] flow = new Flow.Subscription[1];
            pull.publisher().subscribe(new Flow.Subscriber<>() {
                @Override
                public void onSubscribe(Flow.Subscription subscription) {
                    flow[0] = subscription;
                    subscription.request(2);
                }

                @Override
                public void onNext(Delivery delivery) {
                    seen.add(delivery.payload(String.class));
                    delivery.ack();
                }

                @Override
                public void onError(Throwable failure) {
                    seen.add("error " + failure.getMessage());
                }

                @Override
                public void onComplete() {
                    seen.add("complete");
                }
            });
            for (String payload : List.of("1", "2", "3")) {
                fabric.bus().publish(ACME, "a", payload);
            }
            fabric.advance(Duration.ofSeconds(1));
            assertThat(seen).containsExactly("1", "2");
            flow[0].request(10);
            fabric.advance(Duration.ofSeconds(1));
            assertThat(seen).containsExactly("1", "2", "3");
            pull.close();
            fabric.advance(Duration.ofSeconds(1));
            assertThat(seen).containsExactly("1", "2", "3", "complete");
        }
    }

    @Test
    void membersOfAGroupShareItsEvents() {
        try (TestFabric fabric = TestFabric.create()) {
            Map<String, List<Integer>> byMember = new HashMap<>();
            List<Subscription> members = new ArrayList<>();
            for (String member : List.of("one", "two")) {
                byMember.put(member, new ArrayList<>());
                members.add(fabric.bus()
                        .subscribe(
                                ACME,
                                "a",
                                SubscribeOptions.group("g"),
                                d -> byMember.get(member).add(d.payload(Integer.class))));
                fabric.settle();
            }
            for (int i = 0; i < 200; i++) {
                fabric.bus().publish(event("a", "k" + i, i));
            }
            fabric.settle();
            assertThat(byMember.get("one")).hasSizeBetween(40, 160);
            assertThat(byMember.get("one").size() + byMember.get("two").size()).isEqualTo(200);
            members.get(0).close();
            for (int i = 0; i < 50; i++) {
                fabric.bus().publish(event("a", "k" + i, 1000 + i));
            }
            fabric.settle();
            assertThat(byMember.get("two").stream().filter(n -> n >= 1000))
                    .as("the other takes over")
                    .hasSize(50);
        }
    }

    @Test
    void P9_aGroupGoesOnWhereItWas() {
        try (TestFabric fabric = TestFabric.create()) {
            List<Integer> seen = new ArrayList<>();
            SubscribeOptions group = SubscribeOptions.group("g").startAt(StartAt.EARLIEST);
            fabric.bus().publish(event("a", "k", 1));
            try (Subscription first =
                    fabric.bus().subscribe(ACME, "a", group, d -> seen.add(d.payload(Integer.class)))) {
                fabric.settle();
                assertThat(first.state()).isEqualTo(Subscription.State.ACTIVE);
            }
            fabric.bus().publish(event("a", "k", 2));
            fabric.bus().subscribe(ACME, "a", group, d -> seen.add(d.payload(Integer.class)));
            fabric.settle();
            assertThat(seen).as("no replay after a restart").containsExactly(1, 2);
            assertThatThrownBy(() -> fabric.bus().subscribe(ACME, "b", group, d -> {}))
                    .isInstanceOfSatisfying(
                            EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.GROUP_MISMATCH));
        }
    }

    @Test
    void P9_aSubscriptionSurvivesAProviderThatGoesAway() {
        EventsException away = new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "gone fishing");
        try (TestFabric fabric = TestFabric.create()) {
            List<Integer> seen = new ArrayList<>();
            Subscription subscription = fabric.bus()
                    .subscribe(ACME, "a", SubscribeOptions.group("g"), d -> seen.add(d.payload(Integer.class)));
            fabric.settle();
            fabric.faults().failPoll(5, away);
            fabric.bus().publish(event("a", "k", 1));
            fabric.settle();
            assertThat(subscription.state()).isEqualTo(Subscription.State.RECONNECTING);
            assertThat(subscription.failure()).contains(away);
            fabric.advance(Duration.ofMinutes(1));
            assertThat(subscription.state()).isEqualTo(Subscription.State.ACTIVE);
            assertThat(seen).containsExactly(1);
            fabric.bus().publish(event("a", "k", 2));
            fabric.advance(Duration.ofMinutes(1));
            assertThat(seen).containsExactly(1, 2);
        }
    }

    @Test
    void P9_anEphemeralSubscriptionLosesNothingWhileItsProviderIsAway() {
        try (TestFabric fabric = TestFabric.create()) {
            List<Integer> seen = new ArrayList<>();
            fabric.bus().subscribe(ACME, "a", d -> seen.add(d.payload(Integer.class)));
            fabric.settle();
            fabric.faults().failPoll(6, new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "gone fishing"));
            for (int i = 0; i < 5; i++) {
                fabric.bus().publish(event("a", "k", i));
            }
            fabric.advance(Duration.ofMinutes(1));
            assertThat(seen).containsExactly(0, 1, 2, 3, 4);
        }
    }

    @Test
    void P9_aReboundGroupSeesWhatItHeldAgainAndInOrder() {
        try (TestFabric fabric = TestFabric.create()) {
            List<Integer> effects = new ArrayList<>();
            boolean[] broken = {true};
            fabric.bus().subscribe(ACME, "a", SubscribeOptions.group("g").redelivery(SLOW), d -> {
                if (broken[0]) {
                    throw new IllegalStateException();
                }
                effects.add(d.payload(Integer.class));
            });
            for (int i = 0; i < 5; i++) {
                fabric.bus().publish(event("a", "k", i));
            }
            fabric.settle();
            broken[0] = false;
            fabric.faults().failPoll(4, new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "gone fishing"));
            fabric.bus().publish(event("a", "k", 5));
            fabric.advance(Duration.ofMinutes(2));
            assertThat(effects)
                    .as("each once: the parked one was forgotten when it came again")
                    .containsExactly(0, 1, 2, 3, 4, 5);
        }
    }

    /** The shard goes to another member while a delivery of it is in hand, and comes back with the same event. */
    @Test
    void P9_aKeyThatWasLostAndCameBackGoesOnWhenItsOldDeliveryEnds() {
        Shard shard = new Shard(3);
        List<InboundDelivery> script = new ArrayList<>();
        List<Shard> lost = new ArrayList<>();
        StubProvider provider = new StubProvider() {
            @Override
            List<InboundDelivery> next() {
                List<InboundDelivery> all = List.copyOf(script);
                script.clear();
                return all;
            }

            @Override
            List<Shard> lost() {
                List<Shard> all = List.copyOf(lost);
                lost.clear();
                return all;
            }
        };
        try (TestFabric fabric = TestFabric.create(
                0,
                builder -> builder.provider(
                        "scripted", provider, EnumSet.of(Capability.SUBSCRIBE, Capability.GROUP), "wire"))) {
            List<Delivery> seen = new ArrayList<>();
            fabric.bus().subscribe(ACME, "wire", SubscribeOptions.group("g").manualAck(true), seen::add);
            EventEnvelope event = event("wire", "k", 1);
            script.add(new InboundDelivery(event.address(), event, new Position("scripted", "1"), shard, 1));
            fabric.advance(Duration.ofSeconds(1));
            lost.add(shard);
            fabric.advance(Duration.ofSeconds(1));
            script.add(new InboundDelivery(event.address(), event, new Position("scripted", "1"), shard, 2));
            fabric.advance(Duration.ofSeconds(1));
            assertThat(seen).as("the old one is still in hand").hasSize(1);
            assertThat(seen.get(0).redeliver(Duration.ZERO))
                    .as("and no longer ours to settle")
                    .isFalse();
            fabric.advance(Duration.ofSeconds(1));
            assertThat(seen).hasSize(2);
            assertThat(seen.get(1).fence()).isEqualTo(2);
            assertThat(seen.get(1).ack()).isTrue();
        }
    }

    /** Members that subscribe anew wake each other: each must wait out its own time all the same. */
    @Test
    void P9_aProviderThatIsAwayIsAskedLessAndLessOften() {
        int[] asked = {0};
        List<Signal> members = new ArrayList<>();
        StubProvider provider = new StubProvider() {
            @Override
            List<InboundDelivery> next() {
                asked[0]++;
                throw new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "gone fishing");
            }

            @Override
            public ProviderSubscription subscribe(SubscribeRequest request) {
                members.add(request.ready());
                members.forEach(Signal::raise);
                return super.subscribe(request);
            }
        };
        try (TestFabric fabric = TestFabric.create(
                0,
                builder -> builder.provider(
                        "away", provider, EnumSet.of(Capability.SUBSCRIBE, Capability.GROUP), "wire"))) {
            for (int i = 0; i < 4; i++) {
                fabric.bus().subscribe(ACME, "wire", SubscribeOptions.group("g"), d -> {});
            }
            for (int second = 0; second < 60; second++) {
                fabric.advance(Duration.ofSeconds(1));
                members.forEach(Signal::raise);
            }
            // 0.1 s, 0.2 s and so on, then every 5 s, each of the four.
            assertThat(asked[0]).isBetween(4 * 14, 4 * 20);
        }
    }

    /** An ephemeral subscription has no position to come back to, and must go on nevertheless. */
    @Test
    void P9_settlementsThatAreNeverTakenDoNotKeepAnEphemeralSubscriptionFromTheNextEvents() {
        try (TestFabric fabric = TestFabric.create()) {
            List<Integer> got = new ArrayList<>();
            fabric.bus()
                    .subscribe(
                            ACME,
                            "a",
                            SubscribeOptions.ephemeral(),
                            delivery -> got.add(delivery.payload(Integer.class)));
            fabric.settle();
            fabric.faults().failSettle(10_000, new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "settles nothing"));
            for (int i = 0; i < 20; i++) {
                fabric.bus().publish(ACME, "a", i);
                fabric.advance(Duration.ofSeconds(10));
            }
            fabric.advance(Duration.ofMinutes(1));
            assertThat(got)
                    .containsExactlyElementsOf(IntStream.range(0, 20).boxed().toList());
        }
    }

    @Test
    void P9_aSubscriptionThatCannotGoOnSaysSo() {
        EventsException denied = new EventsException(ErrorCode.ACCESS_DENIED, "the broker says no");
        try (TestFabric fabric = TestFabric.create()) {
            Subscription subscription = fabric.bus().subscribe(ACME, "a", d -> {});
            fabric.settle();
            fabric.faults().failPoll(1, denied);
            fabric.bus().publish(ACME, "a", 1);
            fabric.settle();
            assertThat(subscription.state()).isEqualTo(Subscription.State.FAILED);
            assertThat(subscription.terminated()).isCompletedExceptionally();
            assertThat(subscription.failure()).contains(denied);
        }
    }

    @Test
    void P12_drainingFinishesHandlersAndDeadLettersNothing() throws Exception {
        try (TestFabric fabric = TestFabric.create()) {
            PullSubscription pull = fabric.bus().pull(ACME, "a", SubscribeOptions.group("g"));
            for (int i = 0; i < 10; i++) {
                fabric.bus().publish(event("a", "k" + i % 2, i));
            }
            Delivery held = pull.next(Duration.ofSeconds(1)).orElseThrow();
            assertThat(pull.drain(Duration.ofSeconds(3)))
                    .as("one delivery is not settled in time")
                    .isFalse();
            assertThat(pull.state()).isEqualTo(Subscription.State.CLOSED);
            assertThat(held.ack()).as("the provider has taken it back").isFalse();
            fabric.settle();
            assertThat(held.settled()).isCompletedExceptionally();
            List<Integer> again = new ArrayList<>();
            fabric.bus().subscribe(ACME, "a", SubscribeOptions.group("g"), d -> again.add(d.payload(Integer.class)));
            fabric.settle();
            assertThat(again).hasSize(10);
            assertThat(again.stream().filter(n -> n % 2 == 0)).isSorted();
            assertThat(again.stream().filter(n -> n % 2 == 1)).isSorted();
            assertThat(fabric.deadLetters(ACME)).isEmpty();
        }
    }

    @Test
    void aSubscriptionCanCloseItselfFromItsHandler() {
        try (TestFabric fabric = TestFabric.create()) {
            Subscription[] self = new Subscription[1];
            List<Integer> seen = new ArrayList<>();
            self[0] = fabric.bus().subscribe(ACME, "a", d -> {
                seen.add(1);
                self[0].close();
            });
            long before = fabric.time().nanos();
            fabric.bus().publish(ACME, "a", 1);
            fabric.settle();
            fabric.bus().publish(ACME, "a", 2);
            fabric.settle();
            assertThat(seen).hasSize(1);
            assertThat(self[0].state()).isEqualTo(Subscription.State.CLOSED);
            assertThat(fabric.time().nanos() - before)
                    .as("without waiting for itself")
                    .isZero();
        }
    }

    @Test
    void oneSubscriptionMayRunOverTwoProviders() {
        try (TestFabric fabric = TestFabric.create(0, builder -> builder.provider("second", "memory", "billing.*"))) {
            List<String> seen = new ArrayList<>();
            fabric.bus()
                    .subscribe(
                            ACME,
                            "*",
                            SubscribeOptions.group("g"),
                            d -> seen.add(d.event().topic() + "@" + d.position().provider()));
            PublishReceipt receipt = fabric.bus().publish(ACME, "billing.paid", 1);
            fabric.bus().publish(ACME, "orders.created", 1);
            fabric.settle();
            assertThat(receipt.provider()).isEqualTo("second");
            assertThat(seen).containsExactlyInAnyOrder("billing.paid@second", "orders.created@memory");
        }
    }
}
