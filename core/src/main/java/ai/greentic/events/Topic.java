package ai.greentic.events;

/**
 * Logical address within a tenant, by convention dotted and lower case ({@code orders.created}). Never empty, at most 256 characters,
 * never a wildcard ({@code *}, {@code ?}, {@code >}), blank or control character. The bus asks for more on publish: see
 * {@link #conventional()}.
 */
public record Topic(String value) {
    static final int MAX_LENGTH = 256;

    public Topic {
        if (value.isEmpty()) {
            throw new EventsException(ErrorCode.INVALID_TOPIC, "topic is empty; name one, for example orders.created");
        }
        if (value.length() > MAX_LENGTH) {
            throw new EventsException(
                    ErrorCode.INVALID_TOPIC,
                    "topic " + Text.quote(value) + " has " + value.length() + " characters; at most " + MAX_LENGTH
                            + " are allowed");
        }
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c < 0x7f && c > ' ' && c != '*' && c != '?' && c != '>') {
                continue;
            }
            int codePoint = value.codePointAt(i);
            if (codePoint < 0x80
                    || Character.isISOControl(codePoint)
                    || Character.isWhitespace(codePoint)
                    || Character.isSpaceChar(codePoint)
                    || Character.getType(codePoint) == Character.SURROGATE) {
                throw new EventsException(
                        ErrorCode.INVALID_TOPIC,
                        "topic " + Text.quote(value) + " has " + Text.describe(codePoint) + " at position " + i
                                + "; a topic is one address: no wildcards, blanks or control characters");
            }
            i += Character.charCount(codePoint) - 1;
        }
    }

    /**
     * Whether this topic is also as validators of packs want it: lower case, at least two segments, and the first, the domain, of letters
     * and digits alone, as in {@code orders.created}.
     */
    public boolean idiomatic() {
        boolean domain = true;
        boolean segmentStart = true;
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '.') {
                if (segmentStart) {
                    return false;
                }
                domain = false;
                segmentStart = true;
            } else if (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || !domain && (c == '_' || c == '-')) {
                segmentStart = false;
            } else {
                return false;
            }
        }
        return !segmentStart && !domain;
    }

    /**
     * Whether this topic is made of dot-separated segments of letters, digits, {@code _} and {@code -}, as the bus requires of a
     * published topic unless told otherwise.
     */
    public boolean conventional() {
        boolean segmentStart = true;
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '.') {
                if (segmentStart) {
                    return false;
                }
                segmentStart = true;
            } else if (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
                segmentStart = false;
            } else {
                return false;
            }
        }
        return !segmentStart;
    }

    @Override
    public String toString() {
        return value;
    }
}
