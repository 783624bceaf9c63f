package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.memory.MemoryProviderFactory;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.Polled;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** On which threads the engine's work is done, and what goes on while a provider has not answered. */
@Timeout(60)
class HandOffTest {
    private static final TenantContext ACME = TenantContext.of("prod", "acme");

    private static void await(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("not within 30 s: " + what).isLessThan(end);
            Thread.onSpinWait();
        }
    }

    /** A caller that must not be kept waiting calls the provider itself only if that waits for nothing. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anAsynchronousPublishGoesOutWhereItWaitsForNothing(boolean atOnce) throws Exception {
        CompletableFuture<Thread> sender = new CompletableFuture<>();
        StubProvider provider = new StubProvider() {
            @Override
            public boolean publishesAtOnce(TenantTopic address) {
                return atOnce;
            }

            @Override
            public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch)
                    throws InterruptedException {
                sender.complete(Thread.currentThread());
                return super.publish(batch);
            }
        };
        try (EventBus bus = EventBus.builder().provider("stub", provider, "*").build()) {
            var receipt = bus.publishAsync(
                    bus.newEvent(ACME, "a.b").payload(Payload.of(1)).build());
            assertThat(receipt.get(30, TimeUnit.SECONDS)).isNotNull();
            assertThat(sender.get(30, TimeUnit.SECONDS) == Thread.currentThread())
                    .isEqualTo(atOnce);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aReceiptArrivesWhereTheHostSays(boolean direct) throws Exception {
        CompletableFuture<PublishOutcome> answer = new CompletableFuture<>();
        StubProvider provider = new StubProvider() {
            @Override
            public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) {
                return List.of(answer);
            }
        };
        var builder = EventBus.builder().provider("stub", provider, "*");
        if (direct) {
            builder.receiptExecutor(Runnable::run);
        }
        try (EventBus bus = builder.build()) {
            CompletableFuture<Thread> told = new CompletableFuture<>();
            var unused = bus.publishAsync(
                            bus.newEvent(ACME, "a.b").payload(Payload.of(1)).build())
                    .whenComplete((receipt, failure) -> told.complete(Thread.currentThread()));
            await("the publish", () -> answer.getNumberOfDependents() > 0);
            Thread answering = new Thread(() -> answer.complete(PublishOutcome.accepted()));
            answering.start();
            assertThat(told.get(30, TimeUnit.SECONDS) == answering).isEqualTo(direct);
            answering.join();
        }
    }

    /** A provider in memory whose answers to settlements come when the test says so, and whose subscriptions leave when it lets them. */
    private static final class Slow implements EventProvider {
        private final Tasks tasks = Tasks.threads("slow");
        private final EventProvider memory;
        final List<Settling> settling = new CopyOnWriteArrayList<>();
        final List<ProviderSubscription> leaving = new CopyOnWriteArrayList<>();
        final CompletableFuture<Void> mayLeave = new CompletableFuture<>();

        static Slow toSettle() {
            Slow provider = new Slow();
            provider.mayLeave.complete(null);
            return provider;
        }

        /** Settlements that wait for their answer. */
        record Settling(
                ProviderSubscription subscription,
                List<Settled> settled,
                CompletableFuture<List<SettleOutcome>> answer) {
            void tell() {
                answer.complete(subscription.settle(settled));
            }
        }

        Slow() {
            MemoryProviderFactory factory = new MemoryProviderFactory();
            memory = factory.create(
                    ProviderSettings.defaults(factory.settings()), new ProviderContext("slow", Time.system(), tasks));
        }

        @Override
        public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) throws InterruptedException {
            return memory.publish(batch);
        }

        @Override
        public ProviderSubscription subscribe(SubscribeRequest request) {
            ProviderSubscription inner = memory.subscribe(request);
            return new ProviderSubscription() {
                @Override
                public Polled poll(int max, Duration wait) throws InterruptedException {
                    return inner.poll(max, wait);
                }

                @Override
                public List<SettleOutcome> settle(List<Settled> settled) {
                    throw new AssertionError("asked to settle at once");
                }

                @Override
                public CompletionStage<List<SettleOutcome>> settleLater(List<Settled> settled) {
                    Settling waiting = new Settling(inner, List.copyOf(settled), new CompletableFuture<>());
                    settling.add(waiting);
                    return waiting.answer;
                }

                @Override
                public List<SettleOutcome> extend(List<InboundDelivery> deliveries, Duration by) {
                    return inner.extend(deliveries, by);
                }

                @Override
                public Duration lease() {
                    return inner.lease();
                }

                @Override
                public void pause(Set<Shard> shards) {
                    inner.pause(shards);
                }

                @Override
                public void released(Shard shard) {
                    inner.released(shard);
                }

                @Override
                public void close() {
                    throw new AssertionError("asked to close at once");
                }

                @Override
                public CompletionStage<Void> closeLater() {
                    leaving.add(inner);
                    return mayLeave.thenRun(inner::close);
                }
            };
        }

        @Override
        public void close() {
            memory.close();
            tasks.close();
        }
    }

    private static EventBus bus(Slow provider) {
        MemoryProviderFactory memory = new MemoryProviderFactory();
        return EventBus.builder()
                .provider("slow", provider, memory.capabilities(ProviderSettings.defaults(memory.settings())), "*")
                .build();
    }

    /** One answer is out at a time; what is handled meanwhile counts as unsettled, and nothing else waits for it. */
    @Test
    void P9_deliveriesGoOnWhileSettlementsAreOut() throws Exception {
        Slow provider = Slow.toSettle();
        List<Integer> handled = new CopyOnWriteArrayList<>();
        List<CompletionStage<Void>> settlements = new CopyOnWriteArrayList<>();
        try (EventBus bus = bus(provider)) {
            bus.subscribe(ACME, "a.*", SubscribeOptions.group("g").maxInFlight(8), delivery -> {
                        settlements.add(delivery.settled());
                        handled.add(delivery.payload(Integer.class));
                    })
                    .ready()
                    .get(30, TimeUnit.SECONDS);
            var unused = bus.publish(ACME, "a.b", 0);
            await("the first settlement", () -> provider.settling.size() == 1);
            for (int i = 1; i < 20; i++) {
                unused = bus.publish(ACME, "a.b", i);
            }
            await("as many as a member may have unsettled", () -> handled.size() == 8);
            assertThat(provider.settling).hasSize(1);
            assertThat(settlements.get(0).toCompletableFuture()).isNotDone();
            for (int i = 0; i < provider.settling.size() || handled.size() < 20; i++) {
                int next = i;
                await("the next settlement", () -> provider.settling.size() > next);
                provider.settling.get(i).tell();
            }
            await("every settlement", () -> {
                provider.settling.forEach(one -> {
                    if (!one.answer.isDone()) {
                        one.tell();
                    }
                });
                return settlements.stream()
                        .allMatch(one -> one.toCompletableFuture().isDone());
            });
            assertThat(handled).hasSize(20);
            settlements.forEach(one -> assertThat(one.toCompletableFuture()).isCompleted());
        }
    }

    /** An answer that never comes does not keep a bus from closing, and whoever asks is told that nobody knows. */
    @Test
    void P12_anAnswerThatNeverComesDoesNotKeepABusOpen() throws Exception {
        Slow provider = Slow.toSettle();
        CompletableFuture<CompletionStage<Void>> settlement = new CompletableFuture<>();
        EventBus bus = bus(provider);
        bus.subscribe(ACME, "a.*", SubscribeOptions.group("g"), delivery -> settlement.complete(delivery.settled()))
                .ready()
                .get(30, TimeUnit.SECONDS);
        var unused = bus.publish(ACME, "a.b", 0);
        await("the settlement", () -> provider.settling.size() == 1);
        long began = System.nanoTime();
        bus.close();
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(20));
        assertThat(settlement.get(1, TimeUnit.SECONDS).toCompletableFuture())
                .failsWithin(Duration.ofSeconds(5))
                .withThrowableThat()
                .withCauseInstanceOf(EventsException.class)
                .withMessageContaining("UNKNOWN");
    }

    /** A provider that says that it did not take settlements is given them again. */
    @Test
    void P2_P9_settlementsThatFailLaterAreTriedAgain() throws Exception {
        Slow provider = Slow.toSettle();
        try (EventBus bus = bus(provider)) {
            CompletableFuture<CompletionStage<Void>> settlement = new CompletableFuture<>();
            bus.subscribe(ACME, "a.*", SubscribeOptions.group("g"), delivery -> settlement.complete(delivery.settled()))
                    .ready()
                    .get(30, TimeUnit.SECONDS);
            var unused = bus.publish(ACME, "a.b", 0);
            await("the settlement", () -> provider.settling.size() == 1);
            provider.settling
                    .get(0)
                    .answer
                    .completeExceptionally(new EventsException(
                            ai.greentic.events.ErrorCode.PROVIDER_UNAVAILABLE, "it was away for a moment"));
            await("the settlement again", () -> provider.settling.size() == 2);
            assertThat(provider.settling.get(1).settled).isEqualTo(provider.settling.get(0).settled);
            provider.settling.get(1).tell();
            assertThat(settlement.get(1, TimeUnit.SECONDS).toCompletableFuture())
                    .succeedsWithin(Duration.ofSeconds(30));
        }
    }

    /** A member that leaves may have to wait for another one, which the same thread serves. */
    @Test
    void P9_P12_whoeverLeavesHoldsUpNoOther() throws Exception {
        Slow provider = new Slow();
        ExecutorService closing = Executors.newCachedThreadPool();
        try (EventBus bus = bus(provider)) {
            List<Integer> first = new CopyOnWriteArrayList<>();
            List<Integer> others = new CopyOnWriteArrayList<>();
            List<Subscription> leaving = new ArrayList<>();
            // As many as the bus has threads for subscriptions, and then as many again.
            for (int i = 0; i < 4; i++) {
                boolean leaves = i < 2;
                Subscription one = bus.subscribe(
                        ACME,
                        leaves ? "a.first" : "a.other",
                        SubscribeOptions.group("g" + i),
                        delivery -> (leaves ? first : others).add(delivery.payload(Integer.class)));
                one.ready().get(30, TimeUnit.SECONDS);
                if (leaves) {
                    leaving.add(one);
                }
            }
            var unused = bus.publish(ACME, "a.first", 0);
            await("their settlements", () -> provider.settling.size() == 2);
            List<Future<Boolean>> left = new ArrayList<>();
            for (Subscription one : leaving) {
                left.add(closing.submit(() -> one.drain(Duration.ofSeconds(1))));
            }
            await("their end", () -> leaving.stream().allMatch(one -> one.state() == Subscription.State.DRAINING));
            unused = bus.publish(ACME, "a.other", 1);
            await("the others, while answers are out", () -> others.size() == 2);
            List.copyOf(provider.settling).forEach(Slow.Settling::tell);
            await("them leaving", () -> provider.leaving.size() == 2);
            unused = bus.publish(ACME, "a.other", 2);
            await("the others, while two are leaving", () -> {
                provider.settling.stream().filter(one -> !one.answer.isDone()).forEach(Slow.Settling::tell);
                return others.size() == 4;
            });
            assertThat(left).noneMatch(Future::isDone);
            provider.mayLeave.complete(null);
            for (Future<Boolean> one : left) {
                assertThat(one.get(30, TimeUnit.SECONDS)).isTrue();
            }
        } finally {
            closing.shutdownNow();
        }
    }

    /** What a member settled just before it leaves is tried again as long as it may take to leave. */
    @Test
    void P2_P9_theLastSettlementsAreTriedAgain() throws Exception {
        Slow provider = Slow.toSettle();
        ExecutorService closing = Executors.newSingleThreadExecutor();
        try (EventBus bus = bus(provider)) {
            CompletableFuture<CompletionStage<Void>> settlement = new CompletableFuture<>();
            Subscription member = bus.subscribe(
                    ACME, "a.*", SubscribeOptions.group("g"), delivery -> settlement.complete(delivery.settled()));
            member.ready().get(30, TimeUnit.SECONDS);
            var unused = bus.publish(ACME, "a.b", 0);
            await("the settlement", () -> provider.settling.size() == 1);
            Future<Boolean> left = closing.submit(() -> member.drain(Duration.ofSeconds(1)));
            await("its end", () -> member.state() == Subscription.State.DRAINING);
            for (int i = 0; i < 2; i++) {
                int tries = i + 1;
                await("another try", () -> provider.settling.size() == tries);
                provider.settling
                        .get(i)
                        .answer
                        .completeExceptionally(new EventsException(
                                ai.greentic.events.ErrorCode.PROVIDER_UNAVAILABLE, "it was away for a moment"));
            }
            await("the last try", () -> provider.settling.size() == 3);
            provider.settling.get(2).tell();
            assertThat(left.get(30, TimeUnit.SECONDS)).isTrue();
            assertThat(settlement.get(1, TimeUnit.SECONDS).toCompletableFuture())
                    .succeedsWithin(Duration.ofSeconds(30));
        } finally {
            closing.shutdownNow();
        }
    }
}
