package ai.greentic.events.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.EventId;
import ai.greentic.events.Position;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.Tenant;
import ai.greentic.events.spi.Claim;
import ai.greentic.events.spi.Claim.State;
import ai.greentic.events.spi.IdempotencyKey;
import ai.greentic.events.spi.IdempotencyStore;
import ai.greentic.events.spi.StoreScope;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What every {@link IdempotencyStore} must do. Extend it and say where the store is. */
public abstract class IdempotencyStoreConformance extends StoreConformance<IdempotencyStore> {
    /** For subclasses. */
    protected IdempotencyStoreConformance() {}

    /** How long the store under test remembers a key. */
    protected abstract Duration window();

    private static IdempotencyKey key(Tenant tenant, String topic, String value) {
        return new IdempotencyKey(IdempotencyKey.Use.PUBLISH, address(tenant, topic), value);
    }

    private static IdempotencyKey key(int number) {
        return key(ACME, "a.b", "key-" + number);
    }

    private static PublishReceipt receipt(Claim claim, int number) {
        return PublishReceipt.published(claim.eventId(), "p", 1, true, new Position("p", Integer.toString(number)));
    }

    @Test
    void P3_aKeyHasOneHolder() {
        Claim first = store().claim(key(1), event(1), 7);
        assertThat(first.state()).isEqualTo(State.FRESH);
        Claim second = store().claim(key(1), event(2), 7);
        assertThat(second.state()).isEqualTo(State.IN_FLIGHT);
        assertThat(second.eventId()).isEqualTo(event(1));
    }

    @Test
    void P3_aCompletedKeyAnswersWithItsReceipt() throws Exception {
        Claim first = store().claim(key(1), event(1), 7);
        store().complete(first, receipt(first, 42));
        for (int life = 0; life < 2; life++) {
            Claim again = store().claim(key(1), event(2 + life), 7);
            assertThat(again.state()).isEqualTo(State.COMPLETED);
            assertThat(again.eventId()).isEqualTo(event(1));
            PublishReceipt kept = again.receipt().orElseThrow();
            assertThat(kept.eventId()).isEqualTo(event(1));
            assertThat(kept.provider()).isEqualTo("p");
            assertThat(kept.durable()).isTrue();
            assertThat(kept.position()).contains(new Position("p", "42"));
            reopened();
        }
    }

    @Test
    void P3_anAbandonedKeyIsFree() {
        Claim first = store().claim(key(1), event(1), 7);
        store().abandon(first);
        Claim second = store().claim(key(1), event(2), 8);
        assertThat(second.state()).isEqualTo(State.FRESH);
        assertThat(second.eventId()).isEqualTo(event(2));
    }

    @Test
    void P3_aKeyInDoubtIsRepeatedUnderItsFirstId() {
        Claim first = store().claim(key(1), event(1), 7);
        store().doubt(first);
        Claim second = store().claim(key(1), event(2), 7);
        assertThat(second.state()).isEqualTo(State.IN_DOUBT);
        assertThat(second.eventId()).isEqualTo(event(1));
        assertThat(store().claim(key(1), event(3), 7).state()).isEqualTo(State.IN_FLIGHT);
        store().complete(second, receipt(second, 1));
        assertThat(store().claim(key(1), event(4), 7).state()).isEqualTo(State.COMPLETED);
    }

    @Test
    void P3_anotherPayloadUnderAKeyIsSaidToBeReused() {
        Claim first = store().claim(key(1), event(1), 7);
        assertThat(store().claim(key(1), event(2), 8).state()).isEqualTo(State.REUSED);
        store().complete(first, receipt(first, 1));
        assertThat(store().claim(key(1), event(2), 8).state()).isEqualTo(State.REUSED);
        assertThat(store().claim(key(1), event(2), 7).state()).isEqualTo(State.COMPLETED);
    }

    @Test
    void P4_keysBelongToTheirAddressAndUse() {
        List<IdempotencyKey> apart = List.of(
                key(ACME, "a.b", "k"),
                key(GLOBEX, "a.b", "k"),
                key(new Tenant("prod", "acme"), "a.b", "k"),
                key(ACME, "a.c", "k"),
                key(ACME, "a", "b.k"),
                new IdempotencyKey(IdempotencyKey.Use.CONSUME, address(ACME, "a.b"), "k"));
        int number = 0;
        for (IdempotencyKey key : apart) {
            assertThat(store().claim(key, event(number++), 7).state())
                    .as("%s", key)
                    .isEqualTo(State.FRESH);
        }
    }

    /** A key lives for its window, give or take a hundredth of a second. */
    @Test
    void P3_aKeyLivesForItsWindow() {
        Claim first = store().claim(key(1), event(1), 7);
        store().complete(first, receipt(first, 1));
        clock.pass(window().minusMillis(1_100));
        assertThat(store().claim(key(1), event(2), 7).state()).isEqualTo(State.COMPLETED);
        clock.pass(Duration.ofMillis(2_200));
        assertThat(store().claim(key(1), event(3), 7).state()).isEqualTo(State.FRESH);
    }

    /** What a process held when it ended is in doubt for the next one, where the store outlives it. */
    @Test
    void P3_aClaimWhoseHolderDiedIsInDoubt() throws Exception {
        Claim first = store().claim(key(1), event(1), 7);
        assertThat(first.isHeld()).isTrue();
        boolean outlives = store().scope() != StoreScope.PROCESS;
        Claim second = reopened().claim(key(1), event(2), 7);
        assertThat(second.state()).isEqualTo(outlives ? State.IN_DOUBT : State.IN_FLIGHT);
        assertThat(second.eventId()).isEqualTo(event(1));
    }

    @Test
    void P3_ofManyAtOnceOneWins() throws Exception {
        int threads = 16;
        int keys = Size.of(2_000, 100);
        AtomicInteger won = new AtomicInteger();
        CountDownLatch go = new CountDownLatch(1);
        List<Thread> all = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            int thread = t;
            all.add(new Thread(() -> {
                try {
                    go.await();
                } catch (InterruptedException e) {
                    return;
                }
                for (int k = 0; k < keys; k++) {
                    if (store().claim(key(k), event(thread * 10_000L + k), 7).isHeld()) {
                        won.incrementAndGet();
                    }
                }
            }));
        }
        all.forEach(Thread::start);
        go.countDown();
        for (Thread thread : all) {
            thread.join();
        }
        assertThat(won.get()).isEqualTo(keys);
    }

    /** Any sequence of calls, beside a map. */
    @Test
    void P3_agreesWithAMapOverManySteps() throws Exception {
        record Kept(State state, EventId event, long hash) {}
        Map<Integer, Kept> model = new HashMap<>();
        Map<Integer, Claim> held = new HashMap<>();
        for (int step = 0; step < Size.of(50_000, 2_000); step++) {
            int number = random.nextInt(20);
            Claim mine = held.remove(number);
            if (mine != null && random.nextBoolean()) {
                Kept kept = java.util.Objects.requireNonNull(model.get(number));
                switch (random.nextInt(3)) {
                    case 0 -> {
                        store().complete(mine, receipt(mine, step));
                        model.put(number, new Kept(State.COMPLETED, kept.event, kept.hash));
                    }
                    case 1 -> {
                        store().abandon(mine);
                        model.remove(number);
                    }
                    default -> {
                        store().doubt(mine);
                        model.put(number, new Kept(State.IN_DOUBT, kept.event, kept.hash));
                    }
                }
                continue;
            }
            long hash = random.nextInt(10) == 0 ? 8 : 7;
            Kept kept = model.get(number);
            Claim claim = store().claim(key(number), event(step), hash);
            State expected = kept == null ? State.FRESH : kept.hash != hash ? State.REUSED : kept.state;
            assertThat(claim.state()).as("step %d of %s", step, seed()).isEqualTo(expected);
            assertThat(claim.eventId())
                    .as("step %d of %s", step, seed())
                    .isEqualTo(kept == null ? event(step) : kept.event);
            if (claim.isHeld()) {
                model.put(number, new Kept(State.IN_FLIGHT, claim.eventId(), hash));
                held.put(number, claim);
            } else if (mine != null) {
                held.put(number, mine);
            }
        }
    }
}
