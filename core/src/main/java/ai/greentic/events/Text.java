package ai.greentic.events;

import java.util.Comparator;

/** Rules about strings that the formats share. */
final class Text {
    static final int MAX_ID_LENGTH = Integer.getInteger("greentic.events.max_id_length", 256);

    /** Order of UTF-8 bytes, which is the order of code points; {@link String#compareTo} differs beyond U+D7FF. */
    static final Comparator<String> CODE_POINT_ORDER = Text::compareCodePoints;

    private Text() {}

    private static int compareCodePoints(String a, String b) {
        int shared = Math.min(a.length(), b.length());
        for (int i = 0; i < shared; i++) {
            char x = a.charAt(i);
            char y = b.charAt(i);
            if (x != y) {
                return Character.isSurrogate(x) == Character.isSurrogate(y) ? x - y : Character.isSurrogate(x) ? 1 : -1;
            }
        }
        return a.length() - b.length();
    }

    /** Returns the identifier, or refuses it with the label, the value and the rule. */
    static String identifier(String label, String value) {
        if (value.isEmpty()) {
            throw new EventsException(
                    ErrorCode.INVALID_ID,
                    label + " is empty; use letters, digits, '.', '_' or '-', for example acme-1");
        }
        if (value.length() > MAX_ID_LENGTH) {
            throw new EventsException(
                    ErrorCode.ID_TOO_LONG,
                    label + " has " + value.length() + " characters; at most " + MAX_ID_LENGTH
                            + " are allowed (system property greentic.events.max_id_length)");
        }
        for (int i = 0; i < value.length(); i++) {
            if (!isIdentifierCharacter(value.charAt(i))) {
                throw new EventsException(
                        ErrorCode.INVALID_ID,
                        label + " " + quote(value) + " has " + describe(value.codePointAt(i)) + " at position " + i
                                + "; use only letters, digits, '.', '_' and '-'");
            }
        }
        return value;
    }

    private static boolean isIdentifierCharacter(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-';
    }

    /** A value as it may appear in a message: quoted, at most 80 characters, no control characters. */
    static String quote(String value) {
        StringBuilder text = new StringBuilder("'");
        value.codePoints().limit(80).forEach(c -> {
            if (Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE) {
                text.append(describe(c));
            } else {
                text.appendCodePoint(c);
            }
        });
        return text.append(value.codePointCount(0, value.length()) > 80 ? "…'" : "'")
                .toString();
    }

    static String describe(int codePoint) {
        return codePoint > ' ' && codePoint < 0x7f
                ? "'" + (char) codePoint + "'"
                : "U+" + String.format(java.util.Locale.ROOT, "%04X", codePoint);
    }

    static boolean hasLoneSurrogate(String value) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (Character.isSurrogate(c)) {
                if (Character.isLowSurrogate(c)
                        || i + 1 == value.length()
                        || !Character.isLowSurrogate(value.charAt(i + 1))) {
                    return true;
                }
                i++;
            }
        }
        return false;
    }
}
