package ai.greentic.events.codec;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Appends compact JSON to a growing byte array. Exists beside Jackson's generator for one reason: it splices a payload's bytes into the
 * envelope without decoding them.
 */
final class JsonBuffer {
    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
    private static final long SECONDS_PER_DAY = 86_400;

    private byte[] bytes;
    private int length;

    JsonBuffer(int expected) {
        this.bytes = new byte[expected];
    }

    byte[] toBytes() {
        return Arrays.copyOf(bytes, length);
    }

    private void reserve(int more) {
        if (length + more > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(length + more, bytes.length * 2));
        }
    }

    /** Appends ASCII text as it is. */
    @SuppressWarnings("deprecation") // copies the low byte of each character, which for ASCII is the encoding
    JsonBuffer raw(String ascii) {
        int count = ascii.length();
        reserve(count);
        ascii.getBytes(0, count, bytes, length);
        length += count;
        return this;
    }

    /** Appends JSON as it is. */
    JsonBuffer bytes(byte[] json) {
        reserve(json.length);
        System.arraycopy(json, 0, bytes, length, json.length);
        length += json.length;
        return this;
    }

    JsonBuffer payload(Payload payload) {
        reserve(payload.size());
        length = payload.copyTo(bytes, length);
        return this;
    }

    JsonBuffer number(long value) {
        return raw(Long.toString(value));
    }

    /** Appends {@code ,"name":"value"} if there is a value; the name is written as it is. */
    void optional(String prefix, @Nullable String value) {
        if (value != null) {
            raw(prefix).string(value);
        }
    }

    void stringMap(Map<String, String> map) {
        String separator = "{";
        for (Map.Entry<String, String> entry : map.entrySet()) {
            raw(separator).string(entry.getKey()).raw(":").string(entry.getValue());
            separator = ",";
        }
        raw(map.isEmpty() ? "{}" : "}");
    }

    void fields(Map<String, Payload> fields) {
        for (Map.Entry<String, Payload> entry : fields.entrySet()) {
            raw(",").string(entry.getKey()).raw(":").payload(entry.getValue());
        }
    }

    /** Appends a quoted string; escapes as upstream does, other characters as raw UTF-8. */
    JsonBuffer string(String text) {
        int count = text.length();
        reserve(count * 6 + 2);
        byte[] out = bytes;
        int at = length;
        out[at++] = '"';
        for (int i = 0; i < count; i++) {
            char c = text.charAt(i);
            if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
                out[at++] = (byte) c;
            } else if (c >= 0x80) {
                if (Character.isSurrogate(c)) {
                    int codePoint = text.codePointAt(i);
                    if (codePoint == c) {
                        throw new EventsException(
                                ErrorCode.INVALID_ENVELOPE,
                                "a text field has half a surrogate pair at position " + i + "; it is not Unicode text");
                    }
                    i++;
                    out[at++] = (byte) (0xf0 | codePoint >> 18);
                    out[at++] = (byte) (0x80 | codePoint >> 12 & 0x3f);
                    out[at++] = (byte) (0x80 | codePoint >> 6 & 0x3f);
                    out[at++] = (byte) (0x80 | codePoint & 0x3f);
                } else if (c >= 0x800) {
                    out[at++] = (byte) (0xe0 | c >> 12);
                    out[at++] = (byte) (0x80 | c >> 6 & 0x3f);
                    out[at++] = (byte) (0x80 | c & 0x3f);
                } else {
                    out[at++] = (byte) (0xc0 | c >> 6);
                    out[at++] = (byte) (0x80 | c & 0x3f);
                }
            } else {
                at = escape(c, out, at);
            }
        }
        out[at++] = '"';
        length = at;
        return this;
    }

    private static int escape(char c, byte[] out, int start) {
        int at = start;
        out[at++] = '\\';
        switch (c) {
            case '"', '\\' -> out[at++] = (byte) c;
            case '\b' -> out[at++] = 'b';
            case '\f' -> out[at++] = 'f';
            case '\n' -> out[at++] = 'n';
            case '\r' -> out[at++] = 'r';
            case '\t' -> out[at++] = 't';
            default -> {
                out[at++] = 'u';
                out[at++] = '0';
                out[at++] = '0';
                out[at++] = HEX[c >> 4];
                out[at++] = HEX[c & 0xf];
            }
        }
        return at;
    }

    /** Appends a quoted timestamp in the form of {@link Timestamps#format}, without its intermediate objects. */
    JsonBuffer time(Instant time) {
        long second = time.getEpochSecond();
        LocalDate date = LocalDate.ofEpochDay(Math.floorDiv(second, SECONDS_PER_DAY));
        if (date.getYear() < 0 || date.getYear() > 9999) {
            return string(Timestamps.format(time));
        }
        int ofDay = (int) Math.floorMod(second, SECONDS_PER_DAY);
        reserve(40);
        bytes[length++] = '"';
        digits(date.getYear(), 4, '-');
        digits(date.getMonthValue(), 2, '-');
        digits(date.getDayOfMonth(), 2, 'T');
        digits(ofDay / 3600, 2, ':');
        digits(ofDay / 60 % 60, 2, ':');
        int nano = time.getNano();
        digits(ofDay % 60, 2, nano == 0 ? 'Z' : '.');
        if (nano % 1_000_000 == 0 && nano != 0) {
            digits(nano / 1_000_000, 3, 'Z');
        } else if (nano % 1_000 == 0 && nano != 0) {
            digits(nano / 1_000, 6, 'Z');
        } else if (nano != 0) {
            digits(nano, 9, 'Z');
        }
        bytes[length++] = '"';
        return this;
    }

    private void digits(int value, int count, char after) {
        int rest = value;
        for (int i = length + count - 1; i >= length; i--) {
            bytes[i] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
        length += count;
        bytes[length++] = (byte) after;
    }
}
