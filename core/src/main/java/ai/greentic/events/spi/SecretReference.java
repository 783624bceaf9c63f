package ai.greentic.events.spi;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Secrets by reference: {@code env:NAME} is an environment variable, {@code file:PATH} the content of a file without its last line end. */
final class SecretReference {
    private static final int MAX_BYTES = 64 << 10;

    private SecretReference() {}

    /** The reference leads nowhere; the message holds the reference, never a secret. */
    static final class Missing extends Exception {
        private static final long serialVersionUID = 1L;

        Missing(String message) {
            super(message);
        }
    }

    /** What a reference leads to; any other text is the secret itself. */
    static String resolve(String text) throws Missing {
        if (text.startsWith("env:")) {
            String name = text.substring("env:".length());
            String value = System.getenv(name);
            if (value == null) {
                throw new Missing("refers to the environment variable " + name + ", which is not set");
            }
            return value;
        }
        if (text.startsWith("file:")) {
            String path = text.substring("file:".length());
            try {
                Path file = Path.of(path);
                if (Files.size(file) > MAX_BYTES) {
                    throw new Missing("refers to the file " + path + ", which is larger than 64 KiB");
                }
                return Files.readString(file).replaceFirst("\\r?\\n$", "");
            } catch (IOException | InvalidPathException e) {
                throw new Missing("refers to the file " + path + ", which cannot be read");
            }
        }
        return text;
    }
}
