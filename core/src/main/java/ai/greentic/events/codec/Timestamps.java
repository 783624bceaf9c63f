package ai.greentic.events.codec;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;

/**
 * Timestamps of the wire. Written in UTC with {@code Z} and the fewest of 0, 3, 6 or 9 fraction digits that lose nothing. Read leniently:
 * RFC 3339 in any case, a blank between date and time, offsets {@code Z}, {@code UTC}, {@code +hh:mm} and {@code +hhmm}, extra blanks,
 * more than nine fraction digits (cut off). A leap second {@code :60} is read as the second after it.
 */
public final class Timestamps {
    private Timestamps() {}

    public static String format(Instant time) {
        return time.toString();
    }

    /** @throws EventsException {@code INVALID_TIME} if the text is not a timestamp with seconds and an offset */
    public static Instant parse(String text) {
        try {
            return new Reader(text).read();
        } catch (DateTimeException | IllegalArgumentException | StringIndexOutOfBoundsException e) {
            String shown = text.length() > 60 ? text.substring(0, 60) + "…" : text;
            throw new EventsException(
                    ErrorCode.INVALID_TIME,
                    "'" + shown.replaceAll("\\p{Cntrl}", "?")
                            + "' is not a timestamp; write date, time with seconds, and offset, for example 2025-01-01T00:00:00Z");
        }
    }

    private static final class Reader {
        private final String text;
        private int at;

        Reader(String text) {
            this.text = text;
        }

        Instant read() {
            skipBlanks();
            LocalDate date = date();
            if (at < text.length() && (text.charAt(at) == 'T' || text.charAt(at) == 't')) {
                at++;
            } else if (!skipBlanks()) {
                throw new IllegalArgumentException();
            }
            skipBlanks();
            int hour = digits(2);
            expect(':');
            int minute = digits(2);
            expect(':');
            int second = digits(2);
            boolean leap = second == 60;
            int nano = fraction();
            skipBlanks();
            ZoneOffset offset = offset();
            skipBlanks();
            if (at != text.length()) {
                throw new IllegalArgumentException();
            }
            LocalTime time = LocalTime.of(hour, minute, leap ? 59 : second, leap ? 0 : nano);
            Instant instant = OffsetDateTime.of(date, time, offset).toInstant();
            return leap ? instant.plusSeconds(1) : instant;
        }

        private LocalDate date() {
            boolean signed = text.charAt(at) == '+' || text.charAt(at) == '-';
            boolean negative = signed && text.charAt(at) == '-';
            at += signed ? 1 : 0;
            int start = at;
            while (text.charAt(at) >= '0' && text.charAt(at) <= '9') {
                at++;
            }
            int length = at - start;
            if (length < 4 || length > 9 || !signed && length > 4) {
                throw new IllegalArgumentException();
            }
            int year = Integer.parseInt(text.substring(start, at));
            expect('-');
            int month = digits(2);
            expect('-');
            return LocalDate.of(negative ? -year : year, month, digits(2));
        }

        private int fraction() {
            if (at == text.length() || text.charAt(at) != '.') {
                return 0;
            }
            int start = ++at;
            int nano = 0;
            for (; at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9'; at++) {
                if (at - start < 9) {
                    nano = nano * 10 + text.charAt(at) - '0';
                }
            }
            if (at == start) {
                throw new IllegalArgumentException();
            }
            for (int i = at - start; i < 9; i++) {
                nano *= 10;
            }
            return nano;
        }

        private ZoneOffset offset() {
            char sign = text.charAt(at);
            if (sign == 'Z' || sign == 'z') {
                at++;
                return ZoneOffset.UTC;
            }
            if (text.regionMatches(true, at, "UTC", 0, 3)) {
                at += 3;
                return ZoneOffset.UTC;
            }
            if (sign != '+' && sign != '-') {
                throw new IllegalArgumentException();
            }
            at++;
            int hours = digits(2);
            if (text.charAt(at) == ':') {
                at++;
            } else {
                skipBlanks();
            }
            int minutes = digits(2);
            if (minutes > 59) {
                throw new IllegalArgumentException();
            }
            int total = hours * 60 + minutes;
            return ZoneOffset.ofTotalSeconds((sign == '-' ? -total : total) * 60);
        }

        private int digits(int count) {
            int value = 0;
            for (int i = 0; i < count; i++) {
                char c = text.charAt(at++);
                if (c < '0' || c > '9') {
                    throw new IllegalArgumentException();
                }
                value = value * 10 + c - '0';
            }
            return value;
        }

        private void expect(char wanted) {
            if (text.charAt(at++) != wanted) {
                throw new IllegalArgumentException();
            }
        }

        private boolean skipBlanks() {
            int start = at;
            while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\t')) {
                at++;
            }
            return at > start;
        }
    }
}
