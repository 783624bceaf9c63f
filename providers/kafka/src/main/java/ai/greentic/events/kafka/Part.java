package ai.greentic.events.kafka;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.OpenEvents;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.ShardCursor;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.spi.Time;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A partition that a subscription has. An event's number in its cursor is its offset and one, since numbers begin at one. What is handed
 * over is kept until it is settled, since a consumer reads on and not back. Guarded by its subscription.
 */
final class Part {
    private static final Logger LOG = LoggerFactory.getLogger(Part.class);

    /** Events that may be read and not settled, in any case. */
    private static final int SURELY_OPEN = 1_000;

    /** So many where they are small and can be written down. */
    private static final int MOST_OPEN = 10_000;

    /** Bytes of what is kept beyond which only {@link #SURELY_OPEN} events are. */
    private static final long MOST_KEPT_BYTES = 16 << 20;

    /** Brokers take 4,096 bytes by default. */
    private static final int MOST_METADATA = 4_000;

    /** Of these, what open events may take when there are more than {@link #SURELY_OPEN} of them; the rest is for patterns. */
    private static final int MOST_PACKED = 3_600;

    /** Characters that one more open event takes at most, but for those with a delay, which are few: the engine waits itself. */
    private static final int PACKED_EVENT = 4;

    /** Records that are read and not looked at; beyond it the partition pauses. */
    private static final int MOST_FRESH = 1_000;

    private static final int LONGEST_PATTERNS = 256;

    private static final String FORM = "g2";

    /**
     * What a group wrote down beside an offset: {@code g2;NEXT;OPEN;PATTERNS}, where OPEN is {@link OpenEvents}, {@link Packed}.
     *
     * @param next number of the first event that was not looked at
     */
    @SuppressWarnings("ArrayRecordComponent")
    record Standing(long next, byte[] open, String patterns) {
        /** What is beside an offset; nothing but the offset itself if somebody else wrote it. */
        static Standing of(OffsetAndMetadata committed) {
            String[] fields = committed.metadata() == null
                    ? new String[0]
                    : committed.metadata().split(";", 4);
            try {
                if (fields.length == 4 && fields[0].equals(FORM)) {
                    byte[] open = Packed.unpack(fields[2]);
                    var unused = OpenEvents.read(open);
                    return new Standing(Long.parseLong(fields[1]), open, fields[3]);
                }
            } catch (IllegalArgumentException e) {
                // Not ours after all: everything from the offset on comes again.
            }
            return new Standing(committed.offset() + 1, new byte[0], "");
        }

        /** How a group's patterns are written down: shortened, but not alike if they are not. */
        static String patterns(List<SubscribeRequest.Filter> filters) {
            String all = filters.stream()
                    .map(filter -> filter.pattern().value())
                    .sorted()
                    .collect(java.util.stream.Collectors.joining(","));
            return all.length() <= LONGEST_PATTERNS
                    ? all
                    : all.substring(0, LONGEST_PATTERNS - 12) + "#" + Integer.toHexString(all.hashCode());
        }

        /** That whoever was in the group before wanted the same. */
        static void requirePatterns(Collection<OffsetAndMetadata> known, String patterns, String group) {
            for (OffsetAndMetadata committed : known) {
                String others = of(committed).patterns();
                if (!others.isEmpty() && !others.equals(patterns)) {
                    throw new EventsException(
                            ErrorCode.GROUP_MISMATCH,
                            group + " is subscribed to " + others + ", not to " + patterns
                                    + "; use the same patterns or another group name");
                }
            }
        }

        static OffsetAndMetadata begin(long offset, String patterns) {
            return new OffsetAndMetadata(offset, FORM + ";" + (offset + 1) + ";;" + patterns);
        }
    }

    /** An event that the engine has. */
    static final class Handed extends InboundDelivery {
        final Part part;
        final long number;

        Handed(TenantTopic address, ConsumerRecord<byte[], byte[]> read, Position position, Part part) {
            super(address, read.value() == null ? new byte[0] : read.value(), position, part.shard, part.epoch);
            this.part = part;
            this.number = number(read);
        }
    }

    final TopicPartition partition;
    final Shard shard;
    final long epoch;
    final ShardCursor cursor;
    final ArrayDeque<ConsumerRecord<byte[], byte[]>> fresh = new ArrayDeque<>();
    private final Map<Long, ConsumerRecord<byte[], byte[]>> kept = new HashMap<>();
    private final boolean writtenDown;
    private long keptBytes;
    private int packedLength;
    /** Kept since {@link #packedLength} was measured. */
    private int unmeasured;

    private boolean saidFull;
    /** What the former owner left, until it has been read again. */
    private byte @Nullable [] left;

    boolean revoking;
    boolean released;

    /** @param writtenDown whether what is open has to fit beside an offset, as a group's has */
    Part(TopicPartition partition, Shard shard, long epoch, Time time, Standing standing, boolean writtenDown) {
        this.writtenDown = writtenDown;
        this.partition = partition;
        this.shard = shard;
        this.epoch = epoch;
        this.cursor = new ShardCursor(time, standing.next, MOST_OPEN);
        this.left = standing.open.length == 0 ? null : standing.open;
    }

    static long number(ConsumerRecord<byte[], byte[]> read) {
        return read.offset() + 1;
    }

    static long key(ConsumerRecord<byte[], byte[]> read) {
        return read.key() == null ? 0 : hash(read.key());
    }

    static long hash(byte[] key) {
        long hash = (long) Arrays.hashCode(key) << 32 | key.length;
        return hash == 0 ? 1 : hash;
    }

    /** Whether the engine can have something of it. */
    boolean isActive() {
        return left == null && !revoking;
    }

    boolean isRestoring() {
        return left != null;
    }

    boolean wantsMore() {
        return fresh.size() < MOST_FRESH;
    }

    /** A record was read; of those that were passed before, only the open ones matter. */
    void arrived(ConsumerRecord<byte[], byte[]> read) {
        if (number(read) < cursor.next()) {
            keep(read);
        } else {
            fresh.addLast(read);
        }
    }

    /** The consumer has come to an offset; returns whether with it all is here that the former owner left open. */
    boolean reached(long offset) {
        byte[] open = left;
        if (open == null || offset + 1 < cursor.next()) {
            return false;
        }
        left = null;
        cursor.restore(open, number -> {
            ConsumerRecord<byte[], byte[]> again = kept.get(number);
            return again == null ? OptionalLong.empty() : OptionalLong.of(key(again));
        });
        for (Long number : List.copyOf(kept.keySet())) {
            if (!cursor.isOpen(number)) {
                forget(number);
            }
        }
        return true;
    }

    void keep(ConsumerRecord<byte[], byte[]> handed) {
        kept.put(number(handed), handed);
        keptBytes += bytes(handed);
        if (writtenDown) {
            unmeasured++;
        }
    }

    private void forget(long number) {
        ConsumerRecord<byte[], byte[]> gone = kept.remove(number);
        keptBytes -= gone == null ? 0 : bytes(gone);
    }

    private static long bytes(ConsumerRecord<byte[], byte[]> read) {
        return (long) Math.max(0, read.serializedKeySize()) + Math.max(0, read.serializedValueSize());
    }

    /** Whether so much is open that nothing more is handed over; a key with many events that wait can come to that. */
    boolean isFull() {
        if (kept.size() < SURELY_OPEN) {
            saidFull = false;
            return false;
        }
        if (packedLength + PACKED_EVENT * unmeasured > MOST_PACKED) {
            // Each settlement measures it; where none comes, nobody else would.
            var unused = standing(cursor.first(), cursor.open(), "");
        }
        boolean full = cursor.isFull() || keptBytes > MOST_KEPT_BYTES || packedLength > MOST_PACKED;
        if (full && !saidFull) {
            saidFull = true;
            LOG.warn(
                    "partition {} waits: {} of its events, {} bytes, are handed over and not settled; the first is at offset {}",
                    partition,
                    kept.size(),
                    keptBytes,
                    cursor.first() - 1);
        }
        return full;
    }

    @Nullable
    ConsumerRecord<byte[], byte[]> kept(long number) {
        return kept.get(number);
    }

    boolean end(long number) {
        boolean held = cursor.end(number);
        if (held) {
            forget(number);
        }
        return held;
    }

    /** What to commit. */
    OffsetAndMetadata standing(String patterns) {
        if (left != null) {
            long first = OpenEvents.read(left).entrySet().stream()
                    .filter(one -> !one.getValue().done())
                    .mapToLong(Map.Entry::getKey)
                    .findFirst()
                    .orElse(cursor.next());
            return standing(Math.min(first, cursor.next()), left, patterns);
        }
        return standing(cursor.first(), cursor.open(), patterns);
    }

    private OffsetAndMetadata standing(long first, byte[] open, String patterns) {
        String packed = Packed.pack(open);
        unmeasured = 0;
        packedLength = packed.length();
        String metadata = FORM + ";" + cursor.next() + ";" + packed + ";" + patterns;
        // What does not fit is forgotten, which costs duplicates if the member dies, and loses nothing.
        return metadata.length() > MOST_METADATA
                ? Standing.begin(first - 1, patterns)
                : new OffsetAndMetadata(first - 1, metadata);
    }
}
