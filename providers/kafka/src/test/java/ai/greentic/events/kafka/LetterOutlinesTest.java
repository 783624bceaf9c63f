package ai.greentic.events.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterCodec;
import ai.greentic.events.spi.DeadLetterId;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LetterOutlinesTest {
    private static final Tenant ACME = new Tenant("test", "acme");
    private static final DeadLetter.SequenceId HELD =
            new DeadLetter.SequenceId(new TenantTopic(ACME, new Topic("orders.created")), "billing", "k");

    private static DeadLetterId id(int number) {
        return new DeadLetterId("dl-" + number);
    }

    private static byte[] letter(int number) {
        DeadLetter.Builder letter = DeadLetter.builder(
                        id(number), HELD.address(), new byte[number], "p", Instant.EPOCH.plusSeconds(number))
                .cause(ErrorCode.HANDLER_FAILED, "why");
        if (number % 2 == 0) {
            letter.sequence(HELD, 0, number > 0);
        }
        return DeadLetterCodec.write(letter.build());
    }

    private static ConsumerRecord<byte[], byte[]> record(long offset, byte @Nullable [] key, byte @Nullable [] value) {
        return unchecked("letters", 0, offset, key, value);
    }

    private static DeadLetter outline(LetterOutlines.Entry entry) {
        return java.util.Objects.requireNonNull(entry.outline());
    }

    private static String all(LetterOutlines outlines) {
        return outlines.after(ACME, null).stream()
                        .map(one -> one.getKey() + " " + outline(one.getValue()).state() + " "
                                + outline(one.getValue()).number() + " "
                                + one.getValue().offset())
                        .toList()
                + " " + outlines.head(HELD);
    }

    /** The client's constructor takes nulls, and does not say so. */
    @SuppressWarnings("NullAway")
    private static ConsumerRecord<byte[], byte[]> unchecked(
            String topic, int partition, long offset, byte @Nullable [] key, byte @Nullable [] value) {
        return new ConsumerRecord<>(topic, partition, offset, key, value);
    }

    /** Keeps the last record of each key, as compaction does; of what lies before a place, for the rest is not compacted yet. */
    private static List<ConsumerRecord<byte[], byte[]>> compacted(
            List<ConsumerRecord<byte[], byte[]>> log, long before, boolean tombstonesToo) {
        Map<String, Long> last = new LinkedHashMap<>();
        log.stream()
                .filter(one -> one.offset() < before)
                .forEach(one -> last.put(new String(one.key(), StandardCharsets.US_ASCII), one.offset()));
        return log.stream()
                .filter(one -> one.offset() >= before
                        || last.containsValue(one.offset()) && (one.value() != null || !tombstonesToo))
                .toList();
    }

    @Test
    void P2_compactionChangesNothing() {
        long seed = Long.getLong("kafka.seed", System.nanoTime());
        Random random = new Random(seed);
        for (int history = 0; history < 300; history++) {
            List<ConsumerRecord<byte[], byte[]>> log = new ArrayList<>();
            for (int offset = 0; offset < 60; offset++) {
                int number = random.nextInt(5);
                boolean there = offset > 0 && random.nextBoolean();
                byte[] state = LetterOutlines.stateKey(ACME, id(number));
                byte[] whole = LetterOutlines.letterKey(ACME, id(number));
                log.add(
                        switch (random.nextInt(5)) {
                            case 0 -> record(offset, whole, null);
                            case 1, 2 ->
                                record(
                                        offset,
                                        state,
                                        there
                                                ? LetterOutlines.change(
                                                        DeadLetter.State.PARKED, DeadLetter.State.REDRIVING)
                                                : LetterOutlines.change(
                                                        DeadLetter.State.REDRIVING, DeadLetter.State.PARKED));
                            default -> record(offset, whole, letter(number));
                        });
            }
            LetterOutlines full = new LetterOutlines("test");
            log.forEach(one -> assertThat(full.apply(one)).isTrue());
            for (long before : new long[] {10, 30, 60}) {
                for (boolean tombstonesToo : new boolean[] {false, true}) {
                    LetterOutlines later = new LetterOutlines("test");
                    compacted(log, before, tombstonesToo).forEach(later::apply);
                    assertThat(all(later))
                            .as("compacted before %d, kafka.seed=%d", before, seed)
                            .isEqualTo(all(full));
                }
            }
        }
    }

    @Test
    void P2_ofTwoChangesTheFirstTakesEffect() {
        LetterOutlines outlines = new LetterOutlines("test");
        outlines.apply(record(0, LetterOutlines.letterKey(ACME, id(1)), letter(1)));
        byte[] change = LetterOutlines.change(DeadLetter.State.PARKED, DeadLetter.State.REDRIVING);
        outlines.apply(record(1, LetterOutlines.stateKey(ACME, id(1)), change));
        outlines.apply(record(2, LetterOutlines.stateKey(ACME, id(1)), change));
        outlines.apply(record(3, LetterOutlines.letterKey(ACME, id(1)), null));
        outlines.apply(record(4, LetterOutlines.letterKey(ACME, id(1)), null));
        assertThat(List.of(1L, 2L, 3L, 4L).stream().map(outlines::outcome)).containsExactly(true, false, true, false);
    }

    @Test
    void whatIsNotOursChangesNothing() {
        LetterOutlines outlines = new LetterOutlines("test");
        for (String key :
                List.of("", "acme", "acme/dl-1", "acme/dl-1/other", "acme/dl-1/letter/x", "_/dl/letter", "//letter")) {
            assertThat(outlines.apply(record(0, key.getBytes(StandardCharsets.US_ASCII), new byte[1])))
                    .as(key)
                    .isFalse();
        }
        assertThat(outlines.apply(record(1, null, new byte[1]))).isFalse();
        assertThat(outlines.count(ACME)).isZero();
    }

    @Test
    void aTopicThatWasMadeAnewIsReadFromItsBeginning() {
        LetterOutlines outlines = new LetterOutlines("test");
        outlines.apply(record(7, LetterOutlines.letterKey(ACME, id(1)), letter(1)));
        outlines.apply(record(0, LetterOutlines.letterKey(ACME, id(2)), letter(2)));
        assertThat(outlines.find(ACME, id(1))).isNull();
        assertThat(outlines.find(ACME, id(2))).isNotNull();
    }
}
