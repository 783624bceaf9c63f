package ai.greentic.events.memory;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.EventId;
import ai.greentic.events.Position;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import ai.greentic.events.spi.Claim;
import ai.greentic.events.spi.IdempotencyKey;
import ai.greentic.events.spi.Time;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MemoryIdempotencyStoreTest {
    /** A clock that is set by hand. */
    private static final class Clock implements Time {
        long nanos;

        @Override
        public Instant now() {
            return Instant.EPOCH.plusNanos(nanos);
        }

        @Override
        public long nanos() {
            return nanos;
        }

        @Override
        public long randomBits() {
            return 0;
        }
    }

    private static IdempotencyKey key(int tenant, String value) {
        return new IdempotencyKey(
                IdempotencyKey.Use.PUBLISH, new TenantTopic(new Tenant("prod", "t" + tenant), new Topic("a")), value);
    }

    /** Against a map that never forgets but by time: claims, conclusions and expiry in a random order, with ids of all lengths. */
    @Test
    void P3_agreesWithAPlainMapOverAMillionSteps() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Clock clock = new Clock();
        Duration window = Duration.ofMinutes(1);
        MemoryIdempotencyStore store = new MemoryIdempotencyStore(clock, window, 1_000_000, 1_000_000);
        Map<IdempotencyKey, String> model = new HashMap<>();
        Map<IdempotencyKey, Long> until = new HashMap<>();
        ArrayDeque<IdempotencyKey> order = new ArrayDeque<>();
        for (int step = 0; step < 300_000; step++) {
            clock.nanos += 1_000_000L * random.nextInt(3);
            while (!order.isEmpty() && until.getOrDefault(order.getFirst(), 0L) <= clock.nanos / 100_000_000) {
                IdempotencyKey old = order.removeFirst();
                model.remove(old);
                until.remove(old);
            }
            IdempotencyKey key = key(random.nextInt(5), "k" + random.nextInt(60_000));
            EventId id = new EventId("e" + "x".repeat(random.nextInt(200)) + step);
            Claim claim = store.claim(key, id, 7);
            String known = model.get(key);
            assertThat(claim.state())
                    .as("seed %d, step %d", seed, step)
                    .isEqualTo(known == null ? Claim.State.FRESH : Claim.State.COMPLETED);
            if (known != null) {
                PublishReceipt receipt = claim.receipt().orElseThrow();
                assertThat(receipt.eventId() + "/"
                                + receipt.position().map(Position::opaque).orElse("-") + "/" + receipt.attempts() + "/"
                                + receipt.provider())
                        .as("seed %d, step %d", seed, step)
                        .isEqualTo(known);
                assertThat(store.claim(key, id, 8).state()).isEqualTo(Claim.State.REUSED);
            } else if (random.nextInt(10) == 0) {
                store.abandon(claim);
            } else {
                int attempts = 1 + random.nextInt(300);
                String provider = "p" + random.nextInt(3);
                Position position = random.nextInt(4) == 0 ? null : new Position(provider, "é" + step);
                store.complete(claim, PublishReceipt.published(id, provider, attempts, true, position));
                model.put(
                        key, id + "/" + (position == null ? "-" : position.opaque()) + "/" + attempts + "/" + provider);
                until.put(key, clock.nanos / 100_000_000 + window.toNanos() / 100_000_000);
                order.addLast(key);
            }
        }
        assertThat(model).as("the log has wrapped and expired").hasSizeGreaterThan(10_000);
        assertThat(store.size()).isEqualTo(model.size());
        clock.nanos += window.multipliedBy(2).toNanos();
        for (int i = 0; i < 1_000; i++) {
            store.abandon(store.claim(key(0, "end" + i), new EventId("e"), 0));
        }
        assertThat(store.size()).isZero();
    }

    @Test
    void anInDoubtKeyIsHandedOnUnderItsFirstIdAndExpires() {
        Clock clock = new Clock();
        MemoryIdempotencyStore store = new MemoryIdempotencyStore(clock, Duration.ofMinutes(1), 10, 10);
        Claim first = store.claim(key(0, "k"), new EventId("e1"), 1);
        assertThat(store.claim(key(0, "k"), new EventId("e2"), 1).state()).isEqualTo(Claim.State.IN_FLIGHT);
        store.doubt(first);
        Claim second = store.claim(key(0, "k"), new EventId("e2"), 1);
        assertThat(second.state()).isEqualTo(Claim.State.IN_DOUBT);
        assertThat(second.eventId()).isEqualTo(new EventId("e1"));
        assertThat(second.isHeld()).isTrue();
        store.doubt(second);
        clock.nanos += Duration.ofMinutes(2).toNanos();
        assertThat(store.claim(key(0, "k"), new EventId("e3"), 1).state()).isEqualTo(Claim.State.FRESH);
        assertThat(store.size()).isEqualTo(1);
    }
}
