package ai.greentic.events.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ShardCursorTest {
    /** Time that stands until it is moved. */
    private static final class Clock implements Time {
        long nanos = 5_000_000_000L;

        @Override
        public Instant now() {
            return Instant.ofEpochSecond(1_700_000_000L).plusNanos(nanos);
        }

        @Override
        public long nanos() {
            return nanos;
        }

        @Override
        public long randomBits() {
            return 4;
        }
    }

    private final Clock clock = new Clock();

    private ShardCursor cursor(long next) {
        return new ShardCursor(clock, next, 100);
    }

    @Test
    void whatFollowsADelayedEventOfItsKeyWaits() {
        ShardCursor cursor = cursor(1);
        assertThat(cursor.meets(1, 7, false)).isTrue();
        assertThat(cursor.giveBack(1, Duration.ofSeconds(1))).isTrue();
        assertThat(cursor.meets(2, 7, false)).isFalse();
        assertThat(cursor.meets(3, 8, false)).isTrue();
        cursor.pass(3);
        assertThat(cursor.takeReturned()).isZero();
        clock.nanos += 999_000_000;
        cursor.release();
        assertThat(cursor.takeReturned()).isZero();
        assertThat(cursor.untilDue()).isBetween(0L, 2_000_000L);
        clock.nanos += 2_000_000;
        cursor.release();
        assertThat(List.of(cursor.takeReturned(), cursor.takeReturned(), cursor.takeReturned()))
                .containsExactly(1L, 2L, 0L);
    }

    @Test
    void aPausedKeyWaitsAndTheOthersDoNot() {
        ShardCursor cursor = cursor(1);
        cursor.pauseKeys(Set.of(7L));
        assertThat(cursor.meets(1, 7, false)).isFalse();
        assertThat(cursor.meets(2, 8, false)).isTrue();
        assertThat(cursor.meets(3, 0, false)).isTrue();
        cursor.pauseKeys(Set.of());
        assertThat(cursor.takeReturned()).isEqualTo(1);
    }

    @Test
    void aShardWithTooMuchOpenIsFull() {
        ShardCursor cursor = new ShardCursor(clock, 1, 2);
        cursor.meets(1, 0, false);
        assertThat(cursor.isFull()).isFalse();
        cursor.meets(2, 0, false);
        assertThat(cursor.isFull()).isTrue();
        cursor.pass(2);
        cursor.end(1);
        assertThat(cursor.isFull()).isFalse();
    }

    @Test
    void aDelayIsNoLongerThanItWasMeantWhenTheClockWasSetBack() {
        ShardCursor cursor = cursor(1);
        cursor.meets(1, 7, false);
        cursor.pass(1);
        cursor.giveBack(1, Duration.ofSeconds(10));
        byte[] open = cursor.open();
        clock.nanos -= 4_000_000_000L;
        ShardCursor next = cursor(cursor.next());
        next.restore(open, seq -> OptionalLong.of(7));
        assertThat(Duration.ofNanos(next.untilDue())).isLessThanOrEqualTo(Duration.ofSeconds(10));
    }

    @Test
    void whatIsCutShortIsRefused() {
        ShardCursor cursor = cursor(1);
        cursor.meets(1_000_000, 7, false);
        cursor.pass(1_000_000);
        cursor.giveBack(1_000_000, Duration.ofSeconds(1));
        byte[] open = cursor.open();
        for (int length = 1; length < open.length; length++) {
            byte[] cut = Arrays.copyOf(open, length);
            assertThatThrownBy(() -> cursor(1).restore(cut, seq -> OptionalLong.of(7)))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    /** Owners come and go at random; each event is settled once and, within its key, in order. */
    @Test
    void P6_P9_overManyOwnersEachEventIsSettledOnceAndInOrder() {
        long seed = Long.getLong("cursor.seed", System.nanoTime());
        Random random = new Random(seed);
        for (int round = 0; round < 50; round++) {
            int events = 300;
            Map<Long, List<Long>> settled = new HashMap<>();
            ShardCursor cursor = cursor(1);
            Set<Long> handed = new HashSet<>();
            byte[] kept = cursor.open();
            long keptNext = 1;
            int done = 0;
            for (int step = 0; done < events && step < 100_000; step++) {
                switch (random.nextInt(8)) {
                    case 0, 1, 2 -> {
                        for (long seq = cursor.takeReturned(); seq > 0; seq = cursor.takeReturned()) {
                            handed.add(seq);
                        }
                        long seq = cursor.next();
                        if (seq <= events && !cursor.isFull()) {
                            if (!cursor.knows(seq) && cursor.meets(seq, seq % 5, false)) {
                                handed.add(seq);
                            }
                            cursor.pass(seq);
                        }
                    }
                    case 3, 4 -> {
                        long seq = cursor.takeReturned();
                        if (seq > 0) {
                            handed.add(seq);
                        }
                    }
                    case 5 -> {
                        // The engine settles the first of a key; the others of it wait with the engine.
                        Map<Long, Long> first = new TreeMap<>();
                        handed.forEach(seq -> first.merge(seq % 5 == 0 ? -seq : seq % 5, seq, Math::min));
                        for (Long seq : first.values()) {
                            assertThat(cursor.end(seq)).isTrue();
                            handed.remove(seq);
                            settled.computeIfAbsent(seq % 5, key -> new ArrayList<>())
                                    .add(seq);
                            done++;
                        }
                        keptNext = cursor.next();
                        kept = cursor.open();
                    }
                    case 6 -> {
                        clock.nanos += 50_000_000;
                        cursor.release();
                    }
                    default -> {
                        if (random.nextInt(5) == 0) {
                            // The owner dies; what it did not write down did not happen.
                            handed.clear();
                            cursor = cursor(keptNext);
                            cursor.restore(kept, seq -> OptionalLong.of(seq % 5));
                        } else if (random.nextBoolean()) {
                            // A key is given back, the first with a delay, the others behind it.
                            long key = random.nextInt(5);
                            boolean delay = true;
                            for (Long seq : handed.stream().sorted().toList()) {
                                if (seq % 5 == key) {
                                    assertThat(cursor.giveBack(seq, delay ? Duration.ofMillis(200) : Duration.ZERO))
                                            .isTrue();
                                    handed.remove(seq);
                                    delay = false;
                                }
                            }
                        }
                    }
                }
            }
            assertThat(done).as("cursor.seed=%d", seed).isEqualTo(events);
            settled.forEach((key, order) -> {
                assertThat(order).as("cursor.seed=%d", seed).doesNotHaveDuplicates();
                if (key != 0) {
                    assertThat(order).as("cursor.seed=%d, key %d", seed, key).isSorted();
                }
            });
        }
    }
}
