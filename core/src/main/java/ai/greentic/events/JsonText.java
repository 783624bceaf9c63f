package ai.greentic.events;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** What JSON text must be before a parser sees it. */
public final class JsonText {
    private static final VarHandle WORDS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final long ONES = 0x0101010101010101L;
    private static final long HIGH_BITS = ONES << 7;
    private static final long BACKSLASHES = ONES * '\\';

    private JsonText() {}

    /** Whether the bytes are strict UTF-8 and hold no escaped half of a surrogate pair; Jackson checks neither. */
    public static boolean isUnicode(byte[] json) {
        long negatives = 0;
        long escapes = 0;
        int i = 0;
        for (; i <= json.length - Long.BYTES; i += Long.BYTES) {
            long word = (long) WORDS.get(json, i);
            negatives |= word;
            // The bytes that are a backslash have become zero; a zero byte borrows, which sets its highest bit
            // (Mycroft).
            long zeros = word ^ BACKSLASHES;
            escapes |= zeros - ONES & ~zeros & HIGH_BITS;
        }
        for (; i < json.length; i++) {
            negatives |= json[i];
            escapes |= json[i] == '\\' ? 1 : 0;
        }
        if ((negatives & HIGH_BITS) != 0) {
            try {
                StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json));
            } catch (CharacterCodingException e) {
                return false;
            }
        }
        return escapes == 0 || !hasLoneSurrogateEscape(json);
    }

    private static boolean hasLoneSurrogateEscape(byte[] json) {
        for (int i = 0; i + 1 < json.length; i++) {
            if (json[i] != '\\') {
                continue;
            }
            int unit = escapedUnit(json, i);
            if (unit < 0) {
                i++;
            } else if (Character.isLowSurrogate((char) unit)) {
                return true;
            } else if (Character.isHighSurrogate((char) unit)) {
                int next = escapedUnit(json, i + 6);
                if (next < 0 || !Character.isLowSurrogate((char) next)) {
                    return true;
                }
                i += 11;
            } else {
                i += 5;
            }
        }
        return false;
    }

    /** The UTF-16 unit that a {@code \\uXXXX} escape at this place stands for, or -1 if there is none. */
    private static int escapedUnit(byte[] json, int at) {
        if (at + 5 >= json.length || json[at] != '\\' || json[at + 1] != 'u') {
            return -1;
        }
        int unit = 0;
        for (int i = at + 2; i < at + 6; i++) {
            int digit = Character.digit(json[i], 16);
            if (digit < 0) {
                return -1;
            }
            unit = unit << 4 | digit;
        }
        return unit;
    }
}
