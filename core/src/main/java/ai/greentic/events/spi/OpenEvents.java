package ai.greentic.events.spi;

import java.io.ByteArrayOutputStream;
import java.util.Map;
import java.util.TreeMap;

/**
 * The form in which a {@link ShardCursor} keeps what of its shard was passed and is not settled, or was settled and is not yet passed: for
 * each event the distance to the one before, then 0 for one to be handed over again, 1 for one that is done, or 2 with the wall-clock
 * milliseconds before which it must not come and the delay it was given. All numbers are unsigned LEB128.
 */
public final class OpenEvents {
    private static final int AGAIN = 0;
    private static final int DONE = 1;
    private static final int LATER = 2;

    /**
     * An event of this kind.
     *
     * @param done whether it is settled, ahead of those before it
     * @param dueMillis before when it must not come, by the wall clock; 0 if it may come at once
     * @param delayMillis the delay that it was given then
     */
    public record Open(boolean done, long dueMillis, long delayMillis) {
        static final Open NOW = new Open(false, 0, 0);
        static final Open FINISHED = new Open(true, 0, 0);
    }

    private OpenEvents() {}

    /** The bytes; none for nothing. */
    static byte[] write(Map<Long, Open> open) {
        if (open.isEmpty()) {
            return new byte[0];
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream(open.size() * 3);
        long last = 0;
        for (Map.Entry<Long, Open> one : open.entrySet()) {
            number(out, one.getKey() - last);
            last = one.getKey();
            Open what = one.getValue();
            if (what.done) {
                out.write(DONE);
            } else if (what.dueMillis == 0) {
                out.write(AGAIN);
            } else {
                out.write(LATER);
                number(out, what.dueMillis);
                number(out, what.delayMillis);
            }
        }
        return out.toByteArray();
    }

    private static void number(ByteArrayOutputStream out, long value) {
        long rest = value;
        while ((rest & ~0x7FL) != 0) {
            out.write((int) (rest & 0x7F | 0x80));
            rest >>>= 7;
        }
        out.write((int) rest);
    }

    /**
     * Reads what {@link ShardCursor#open} wrote; in order of the events.
     *
     * @throws IllegalArgumentException if that is not what it is
     */
    public static Map<Long, Open> read(byte[] bytes) {
        Map<Long, Open> open = new TreeMap<>();
        int[] at = {0};
        long last = 0;
        while (at[0] < bytes.length) {
            last += number(bytes, at);
            int kind = next(bytes, at);
            open.put(
                    last,
                    switch (kind) {
                        case AGAIN -> Open.NOW;
                        case DONE -> Open.FINISHED;
                        case LATER -> new Open(false, number(bytes, at), number(bytes, at));
                        default -> throw new IllegalArgumentException("kind " + kind + " of open event");
                    });
        }
        return open;
    }

    private static long number(byte[] bytes, int[] at) {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            byte next = next(bytes, at);
            value |= (long) (next & 0x7F) << shift;
            if (next >= 0) {
                return value;
            }
        }
        throw new IllegalArgumentException("a number that does not end");
    }

    private static byte next(byte[] bytes, int[] at) {
        if (at[0] >= bytes.length) {
            throw new IllegalArgumentException("open events that end too soon");
        }
        return bytes[at[0]++];
    }
}
