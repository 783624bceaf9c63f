package ai.greentic.events.embedded;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.spi.OutboundEvent;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * An event as the log keeps it.
 *
 * <pre>
 * 0   format, 1
 * 1   flags: 1 has an ordering key · 2 high priority · 4 low priority
 * 4   CRC-32C of everything after it
 * 8   hash of the ordering key with its address, or of the event's id: big-endian, as all numbers
 * 16  when the publisher had it, in milliseconds of the wall clock
 * 24  the event in the Greentic JSON form
 * </pre>
 */
final class StoredEvent {
    static final int HEAD = 24;
    private static final byte FORMAT = 1;
    private static final int KEYED = 1;
    private static final int HIGH = 2;
    private static final int LOW = 4;

    private final byte[] body;
    /** The event itself, where it is known; it spares decoding it. */
    final @Nullable EventEnvelope event;

    private StoredEvent(byte[] body, @Nullable EventEnvelope event) {
        this.body = body;
        this.event = event;
    }

    static StoredEvent of(OutboundEvent outbound, long atMillis) {
        EventEnvelope event = outbound.event();
        String key = outbound.orderingKey();
        int flags = key == null ? 0 : KEYED;
        switch (event.marks().priority()) {
            case HIGH -> flags |= HIGH;
            case LOW -> flags |= LOW;
            default -> {}
        }
        byte[] encoded = outbound.encoded();
        ByteBuffer body = ByteBuffer.allocate(HEAD + encoded.length);
        body.put(FORMAT).put((byte) flags).putShort((short) 0).putInt(0);
        body.putLong(key == null ? hash(null, event.id().value()) : hash(outbound.address(), key));
        body.putLong(atMillis).put(encoded);
        body.putInt(4, checksum(body.array()));
        return new StoredEvent(body.array(), event);
    }

    /** What was read back. */
    static StoredEvent read(byte[] body) {
        return new StoredEvent(body, null);
    }

    private static int checksum(byte[] body) {
        CRC32C crc = new CRC32C();
        crc.update(body, 0, 4);
        crc.update(body, 8, body.length - 8);
        return (int) crc.getValue();
    }

    byte[] body() {
        return body;
    }

    /** Whether these are the bytes that were written. */
    boolean isIntact() {
        return body.length >= HEAD && body[0] == FORMAT && ByteBuffer.wrap(body).getInt(4) == checksum(body);
    }

    /** Hash of what must stay in order with others, or 0 if nothing. */
    long key() {
        return (body[1] & KEYED) == 0 ? 0 : hash();
    }

    /** Spreads events over shards; 0 if there is too little left of them. */
    long hash() {
        return body.length < HEAD ? 0 : ByteBuffer.wrap(body).getLong(8);
    }

    long atMillis() {
        return ByteBuffer.wrap(body).getLong(16);
    }

    /** 1 high, 0 normal, -1 low. */
    int priority() {
        return (body[1] & HIGH) != 0 ? 1 : (body[1] & LOW) != 0 ? -1 : 0;
    }

    byte[] encoded() {
        return body.length < HEAD ? body.clone() : java.util.Arrays.copyOfRange(body, HEAD, body.length);
    }

    /** Address and a check of both numbers in one column, so that a changed one of them does not pass. */
    static long place(long seq, long address) {
        return address << 32 | check(seq, address);
    }

    static long addressOf(long place) {
        return place >>> 32;
    }

    static boolean fits(long seq, long place) {
        return (place & 0xFFFFFFFFL) == check(seq, place >>> 32);
    }

    private static long check(long seq, long address) {
        return mix(seq * 0x9E3779B97F4A7C15L + address) >>> 32;
    }

    /** 64 bits that spread well; not for secrets. The mixing steps are those of MurmurHash3's finalizer. */
    private static long mix(long value) {
        long mixed = value;
        mixed ^= mixed >>> 33;
        mixed *= 0xFF51AFD7ED558CCDL;
        mixed ^= mixed >>> 33;
        mixed *= 0xC4CEB9FE1A85EC53L;
        return mixed ^ mixed >>> 33;
    }

    static long hash(@Nullable TenantTopic address, String key) {
        long hash = 0x243F6A8885A308D3L;
        if (address != null) {
            hash = hash(hash, address.tenant().env());
            hash = hash(hash, address.tenant().name());
            hash = hash(hash, address.topic().value());
        }
        long found = mix(hash(hash, key));
        return found == 0 ? 1 : found;
    }

    private static long hash(long seed, String text) {
        long hash = seed ^ text.length();
        for (int i = 0; i < text.length(); i++) {
            hash = (hash ^ text.charAt(i)) * 0x100000001B3L;
        }
        return mix(hash);
    }
}
