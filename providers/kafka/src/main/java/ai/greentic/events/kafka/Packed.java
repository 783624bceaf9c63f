package ai.greentic.events.kafka;

import java.util.Arrays;
import java.util.Base64;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;

/**
 * Bytes as texts for what may be written down beside an offset: Base64, and what would be long is deflated before (RFC 1951, without
 * header), with a tilde in front.
 */
final class Packed {
    /** What ten thousand open events take at most. */
    private static final int MOST_BYTES = 256 << 10;

    /** Less is not worth the work, which is done with each commit. */
    private static final int DEFLATED_FROM = 1_500;

    private static final String DEFLATED = "~";

    private Packed() {}

    static String pack(byte[] bytes) {
        if (bytes.length < DEFLATED_FROM) {
            return Base64.getEncoder().encodeToString(bytes);
        }
        Deflater deflater = new Deflater(Deflater.BEST_SPEED, true);
        try {
            deflater.setInput(bytes);
            deflater.finish();
            // Longer than its input by little, where that cannot be made shorter.
            byte[] packed = new byte[bytes.length + (bytes.length >> 3) + 64];
            int length = 0;
            while (!deflater.finished()) {
                length += deflater.deflate(packed, length, packed.length - length);
            }
            return DEFLATED + Base64.getEncoder().encodeToString(Arrays.copyOf(packed, length));
        } finally {
            deflater.end();
        }
    }

    /** @throws IllegalArgumentException if {@link #pack} did not make it */
    static byte[] unpack(String text) {
        if (!text.startsWith(DEFLATED)) {
            return Base64.getDecoder().decode(text);
        }
        Inflater inflater = new Inflater(true);
        try {
            // A raw stream wants one byte more than it has.
            byte[] packed = Base64.getDecoder().decode(text.substring(1));
            inflater.setInput(Arrays.copyOf(packed, packed.length + 1));
            byte[] bytes = new byte[MOST_BYTES];
            int length = 0;
            while (!inflater.finished()) {
                int more = inflater.inflate(bytes, length, bytes.length - length);
                if (more == 0 && !inflater.finished()) {
                    throw new IllegalArgumentException("packed bytes that do not end, or are too many");
                }
                length += more;
            }
            return Arrays.copyOf(bytes, length);
        } catch (DataFormatException e) {
            throw new IllegalArgumentException("not packed bytes", e);
        } finally {
            inflater.end();
        }
    }
}
