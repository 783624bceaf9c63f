package ai.greentic.events.memory;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Completed keys in about 60 bytes each: records are appended to segments of bytes and expire in the order in which they came, and an
 * open-addressing table of positions finds them. A key is its 128-bit digest. Not thread-safe.
 *
 * <p>A record is: digest (16 bytes), payload hash (8), expiry (4), origin, attempts, event id and position; numbers and lengths of the
 * last four take a byte for every seven bits (LEB128).
 */
final class CompletedLog {
    private static final int SEGMENT = 1 << 16;
    private static final int FIXED = 16 + 8 + 4;
    private static final int EMPTY = -1;
    private static final double FULL = 0.75;

    private final ArrayDeque<byte[]> segments = new ArrayDeque<>();
    /** Bytes before the first segment, ever; positions are counted from the beginning of time, modulo 2^32. */
    private long firstSegment;

    private long head;
    private long tail;
    /** The segments by number, as a ring. */
    private byte[][] ring = new byte[16][];

    private int[] table = new int[1024];
    private int size;

    CompletedLog() {
        Arrays.fill(table, EMPTY);
    }

    /** What a record says. */
    record Found(
            long payloadHash,
            int origin,
            int attempts,
            String eventId,
            @Nullable String position) {}

    int size() {
        return size;
    }

    /** Appends a record; its key must not be there. */
    void add(long k0, long k1, int expiry, Found what) {
        byte[] id = what.eventId.getBytes(StandardCharsets.UTF_8);
        byte[] position = what.position == null ? new byte[0] : what.position.getBytes(StandardCharsets.UTF_8);
        int attempts = what.attempts;
        int place = what.position == null ? 0 : position.length + 1;
        int length = FIXED
                + lengthOf(what.origin)
                + lengthOf(attempts)
                + lengthOf(id.length)
                + id.length
                + lengthOf(place)
                + position.length;
        if (length > SEGMENT) {
            throw new IllegalArgumentException("a record of " + length + " bytes");
        }
        int room = SEGMENT - (int) (tail - firstSegment) % SEGMENT;
        if (segments.isEmpty() || room == SEGMENT && tail > firstSegment || length > room) {
            nextSegment();
        }
        byte[] segment = segments.getLast();
        int at = (int) (tail & SEGMENT - 1);
        long start = tail;
        at = putLong(segment, at, k0);
        at = putLong(segment, at, k1);
        at = putLong(segment, at, what.payloadHash);
        at = putInt(segment, at, expiry);
        at = putLength(segment, at, what.origin);
        at = putLength(segment, at, attempts);
        at = putLength(segment, at, id.length);
        System.arraycopy(id, 0, segment, at, id.length);
        at = putLength(segment, at + id.length, place);
        System.arraycopy(position, 0, segment, at, position.length);
        tail = start + length;
        if (size + 1 > table.length * FULL) {
            grow();
        }
        insert(k1, (int) start);
        size++;
    }

    private void nextSegment() {
        if (!segments.isEmpty()) {
            tail = firstSegment + (long) segments.size() * SEGMENT;
        }
        segments.addLast(new byte[SEGMENT]);
        if (segments.size() > ring.length) {
            byte[][] larger = new byte[ring.length * 2][];
            long number = firstSegment / SEGMENT;
            for (byte[] segment : segments) {
                larger[(int) (number++ & larger.length - 1)] = segment;
            }
            ring = larger;
        } else {
            ring[(int) (tail / SEGMENT & ring.length - 1)] = segments.getLast();
        }
    }

    @Nullable
    Found find(long k0, long k1) {
        int slot = slotOf(k0, k1);
        if (slot < 0) {
            return null;
        }
        long start = absolute(table[slot]);
        byte[] segment = segmentOf(start);
        int at = (int) (start & SEGMENT - 1) + 16;
        long payloadHash = getLong(segment, at);
        at += 12;
        int origin = getLength(segment, at);
        at += lengthOf(origin);
        int attempts = getLength(segment, at);
        at += lengthOf(attempts);
        int idLength = getLength(segment, at);
        at += lengthOf(idLength);
        String id = new String(segment, at, idLength, StandardCharsets.UTF_8);
        at += idLength;
        int place = getLength(segment, at);
        String position =
                place == 0 ? null : new String(segment, at + lengthOf(place), place - 1, StandardCharsets.UTF_8);
        return new Found(payloadHash, origin, attempts, id, position);
    }

    /** Drops the oldest record if it has expired; returns its origin, or -1. */
    int dropExpired(int now) {
        if (size == 0) {
            return -1;
        }
        byte[] segment = segmentOf(head);
        int at = (int) (head & SEGMENT - 1);
        if (at + FIXED > SEGMENT || isPadding(segment, at)) {
            nextHeadSegment();
            segment = segmentOf(head);
            at = 0;
        }
        if (getInt(segment, at + 24) - now > 0) {
            return -1;
        }
        long k0 = getLong(segment, at);
        long k1 = getLong(segment, at + 8);
        delete(slotOf(k0, k1));
        size--;
        int end = at + FIXED;
        int origin = getLength(segment, end);
        end += lengthOf(origin);
        int attempts = getLength(segment, end);
        end += lengthOf(attempts);
        int idLength = getLength(segment, end);
        end += lengthOf(idLength) + idLength;
        int place = getLength(segment, end);
        end += lengthOf(place) + Math.max(0, place - 1);
        head += end - at;
        if (size == 0) {
            segments.clear();
            Arrays.fill(ring, null);
            firstSegment = (tail + SEGMENT - 1) / SEGMENT * SEGMENT;
            head = firstSegment;
            tail = firstSegment;
        } else if (end == SEGMENT) {
            nextHeadSegment();
        }
        return origin;
    }

    /** A segment's unused end is zero, and so are the keys there; no digest is. */
    private static boolean isPadding(byte[] segment, int at) {
        return getLong(segment, at) == 0 && getLong(segment, at + 8) == 0;
    }

    private void nextHeadSegment() {
        ring[(int) (firstSegment / SEGMENT & ring.length - 1)] = null;
        segments.removeFirst();
        firstSegment += SEGMENT;
        head = firstSegment;
    }

    // The table.

    private int homeOf(long k1) {
        return (int) ((k1 >>> 32) * table.length >>> 32);
    }

    private void insert(long k1, int position) {
        int slot = homeOf(k1);
        while (table[slot] != EMPTY) {
            slot = slot + 1 == table.length ? 0 : slot + 1;
        }
        table[slot] = position;
    }

    private int slotOf(long k0, long k1) {
        for (int slot = homeOf(k1); table[slot] != EMPTY; slot = slot + 1 == table.length ? 0 : slot + 1) {
            long start = absolute(table[slot]);
            byte[] segment = segmentOf(start);
            int at = (int) (start & SEGMENT - 1);
            if (getLong(segment, at) == k0 && getLong(segment, at + 8) == k1) {
                return slot;
            }
        }
        return -1;
    }

    /** Deletes by moving later entries of the run back, so that no marks of deleted ones pile up. */
    private void delete(int slot) {
        int hole = slot;
        int next = hole;
        while (true) {
            next = next + 1 == table.length ? 0 : next + 1;
            if (table[next] == EMPTY) {
                table[hole] = EMPTY;
                return;
            }
            int home = homeOf(k1Of(table[next]));
            boolean between = hole <= next ? home > hole && home <= next : home > hole || home <= next;
            if (!between) {
                table[hole] = table[next];
                hole = next;
            }
        }
    }

    private void grow() {
        int[] old = table;
        table = new int[old.length + old.length / 2];
        Arrays.fill(table, EMPTY);
        for (int position : old) {
            if (position != EMPTY) {
                insert(k1Of(position), position);
            }
        }
    }

    private long k1Of(int position) {
        long start = absolute(position);
        return getLong(segmentOf(start), (int) (start & SEGMENT - 1) + 8);
    }

    private long absolute(int position) {
        return head + (position - (int) head & 0xffff_ffffL);
    }

    private byte[] segmentOf(long position) {
        return java.util.Objects.requireNonNull(ring[(int) (position / SEGMENT & ring.length - 1)]);
    }

    // Numbers.

    private static int putLong(byte[] to, int at, long value) {
        return putInt(to, putInt(to, at, (int) (value >>> 32)), (int) value);
    }

    private static int putInt(byte[] to, int at, int value) {
        to[at] = (byte) (value >>> 24);
        to[at + 1] = (byte) (value >>> 16);
        to[at + 2] = (byte) (value >>> 8);
        to[at + 3] = (byte) value;
        return at + 4;
    }

    private static long getLong(byte[] from, int at) {
        return (long) getInt(from, at) << 32 | getInt(from, at + 4) & 0xffff_ffffL;
    }

    private static int getInt(byte[] from, int at) {
        return from[at] << 24 | (from[at + 1] & 0xff) << 16 | (from[at + 2] & 0xff) << 8 | from[at + 3] & 0xff;
    }

    private static int lengthOf(int value) {
        int length = 1;
        for (int rest = value >>> 7; rest != 0; rest >>>= 7) {
            length++;
        }
        return length;
    }

    private static int putLength(byte[] to, int at, int value) {
        int next = at;
        int rest = value;
        while (rest >>> 7 != 0) {
            to[next++] = (byte) (0x80 | rest & 0x7f);
            rest >>>= 7;
        }
        to[next] = (byte) rest;
        return next + 1;
    }

    private static int getLength(byte[] from, int at) {
        int value = 0;
        int next = at;
        int shift = 0;
        while (from[next] < 0) {
            value |= (from[next++] & 0x7f) << shift;
            shift += 7;
        }
        return value | from[next] << shift;
    }
}
