package ai.greentic.events;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** What JSON text must be before a parser sees it. */
public final class JsonText {
    private JsonText() {}

    /** Whether the bytes are strict UTF-8 and hold no escaped half of a surrogate pair; Jackson checks neither. */
    public static boolean isUnicode(byte[] json) {
        boolean ascii = true;
        boolean escapes = false;
        for (int i = 0; i < json.length; i++) {
            byte b = json[i];
            ascii &= b >= 0;
            escapes |= b == '\\';
        }
        if (!ascii) {
            try {
                StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json));
            } catch (CharacterCodingException e) {
                return false;
            }
        }
        return !escapes || !hasLoneSurrogateEscape(json);
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
