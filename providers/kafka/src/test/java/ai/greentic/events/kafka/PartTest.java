package ai.greentic.events.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.kafka.Part.Standing;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.Time;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.Test;

class PartTest {
    private static final TopicPartition PARTITION = new TopicPartition("orders", 0);
    private static final String PATTERNS = "orders.*";

    private Part part = part(Standing.of(Standing.begin(0, PATTERNS)), true);

    private static Part part(Standing standing, boolean writtenDown) {
        return new Part(PARTITION, new Shard(0), 1, Time.system(), standing, writtenDown);
    }

    private static ConsumerRecord<byte[], byte[]> record(long offset, String key, int bytes) {
        byte[] name = key.getBytes(StandardCharsets.UTF_8);
        return new ConsumerRecord<>(
                PARTITION.topic(),
                0,
                offset,
                0,
                TimestampType.CREATE_TIME,
                name.length,
                bytes,
                name,
                new byte[bytes],
                new RecordHeaders(),
                java.util.Optional.empty());
    }

    /** As the subscription hands events over. */
    private void hand(ConsumerRecord<byte[], byte[]> read) {
        part.keep(read);
        assertThat(part.cursor.meets(Part.number(read), Part.key(read), false)).isTrue();
        part.cursor.pass(Part.number(read));
    }

    private long handUntilFull(int bytes, int commitEvery) {
        long offset = 0;
        while (!part.isFull()) {
            hand(record(offset++, "bad", bytes));
            if (offset % commitEvery == 0) {
                part.standing(PATTERNS);
            }
        }
        return offset;
    }

    /** What the next owner would be handed over. */
    private static Set<Long> open(OffsetAndMetadata committed) {
        Standing standing = Standing.of(committed);
        Part next = part(standing, true);
        Set<Long> open = new TreeSet<>();
        for (long offset = committed.offset(); offset < standing.next() - 1; offset++) {
            next.arrived(record(offset, "k" + offset, 1));
        }
        next.reached(standing.next() - 1);
        for (long number = next.cursor.takeReturned(); number != 0; number = next.cursor.takeReturned()) {
            open.add(number - 1);
        }
        return open;
    }

    @Test
    void P7_aKeyWithThousandsOfFollowersLeavesTheOthersOfItsPartition() {
        Set<Long> bad = new TreeSet<>();
        for (long offset = 0; offset < 10_000; offset += 2) {
            assertThat(part.isFull()).isFalse();
            hand(record(offset, "bad", 512));
            bad.add(offset);
            hand(record(offset + 1, "good", 512));
            assertThat(part.end(offset + 2)).isTrue();
            if (offset % 64 == 0) {
                assertThat(part.standing(PATTERNS).metadata()).hasSizeLessThan(4_000);
            }
        }
        assertThat(open(part.standing(PATTERNS))).isEqualTo(bad);
    }

    /** Whatever is settled, what is written down fits, and is what is open: a takeover costs no duplicates. */
    @Test
    void P9_whatIsOpenAlwaysFitsBesideTheOffset() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<Long> held = new ArrayList<>();
        Set<Long> open = new TreeSet<>();
        long offset = 0;
        int most = 0;
        for (int step = 0; step < 60_000; step++) {
            if (!part.isFull() && (held.isEmpty() || random.nextInt(100) < 55)) {
                hand(record(offset, "k" + offset, 100));
                held.add(offset);
                open.add(offset++);
            } else if (!held.isEmpty()) {
                int which = random.nextInt(held.size());
                long settled = held.set(which, held.get(held.size() - 1));
                held.remove(held.size() - 1);
                assertThat(part.end(settled + 1)).isTrue();
                open.remove(settled);
            }
            most = Math.max(most, open.size());
            if (random.nextInt(50) == 0) {
                assertThat(part.standing(PATTERNS).metadata())
                        .as("seed %d, step %d, %d open", seed, step, open.size())
                        .hasSizeLessThan(4_000)
                        .matches(text -> open.isEmpty() || text.split(";", 4)[2].length() > 0);
            }
        }
        assertThat(most).isGreaterThan(1_000);
        assertThat(open(part.standing(PATTERNS))).as("seed %d", seed).isEqualTo(open);
    }

    @Test
    void P10_aPartitionHoldsSoManyEventsAndSoManyBytes() {
        assertThat(handUntilFull(512, 100)).isEqualTo(10_000);
    }

    @Test
    void P7_P10_anEphemeralSubscriptionHoldsAsManyAndWritesNothingDown() {
        part = part(Standing.of(Standing.begin(0, "")), false);
        assertThat(handUntilFull(512, Integer.MAX_VALUE)).isEqualTo(10_000);
    }

    @Test
    void P10_ofLargeEventsAPartitionHoldsAThousand() {
        assertThat(handUntilFull(20_000, 100)).isEqualTo(1_000);
    }

    /** As when every key of a partition waits: nothing is settled, so nothing is written down. */
    @Test
    void P7_P10_whatIsOpenIsMeasuredWhereNothingIsSettled() {
        assertThat(handUntilFull(512, Integer.MAX_VALUE)).isEqualTo(10_000);
        assertThat(part.standing(PATTERNS).metadata()).hasSizeLessThan(4_000);
    }

    @Test
    void whatSomebodyElseWroteBesideAnOffsetIsNotTakenForOurs() {
        byte[] much = new byte[1 << 20];
        for (String metadata : List.of(
                "",
                "g1;5;;p",
                "g2;x;;p",
                "g2;5;*;p",
                "g2;5;AAAA;p",
                "g2;5;" + Base64.getEncoder().encodeToString(new byte[] {1, 9}) + ";p",
                "g2;5;~" + Base64.getEncoder().encodeToString(new byte[40]) + ";p",
                "g2;5;" + Packed.pack(much) + ";p")) {
            Standing standing = Standing.of(new OffsetAndMetadata(7, metadata));
            assertThat(standing.next()).as(metadata).isEqualTo(8);
            assertThat(standing.open()).as(metadata).isEmpty();
        }
        assertThatThrownBy(() -> Packed.unpack(Packed.pack(much))).isInstanceOf(IllegalArgumentException.class);
    }
}
