package ai.greentic.events.cli;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/** Lines of input, none longer than a limit. */
final class Lines {
    private final InputStream input;
    private final int maxBytes;
    private int number;

    Lines(InputStream input, int maxBytes) {
        this.input = input;
        this.maxBytes = maxBytes;
    }

    /** Number of the line that was read last, from 1. */
    int number() {
        return number;
    }

    /** The next line without its end, or null after the last. */
    byte @Nullable [] next() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(256);
        for (int b = input.read(); ; b = input.read()) {
            if (b < 0 || b == '\n') {
                if (b < 0 && line.size() == 0) {
                    return null;
                }
                number++;
                byte[] bytes = line.toByteArray();
                boolean carriageReturn = bytes.length > 0 && bytes[bytes.length - 1] == '\r';
                return carriageReturn ? java.util.Arrays.copyOf(bytes, bytes.length - 1) : bytes;
            }
            if (line.size() >= maxBytes) {
                throw new EventsException(
                        ErrorCode.EVENT_TOO_LARGE, "line " + (number + 1) + " is longer than " + maxBytes + " bytes");
            }
            line.write(b);
        }
    }
}
