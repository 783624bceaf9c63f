package ai.greentic.events;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where an answer to a channel message belongs.
 *
 * @param conversation the conversation
 * @param thread a thread in it, or null
 * @param replyTo the message that is answered, or null
 * @param correlation a correlation id, or null
 * @param unknownFields fields that this version does not know, as they were read
 */
public record ReplyScope(
        String conversation,
        @Nullable String thread,
        @Nullable String replyTo,
        @Nullable String correlation,
        Map<String, Payload> unknownFields) {
    public ReplyScope {
        Objects.requireNonNull(conversation, "conversation");
        unknownFields = Sorted.copyOf(unknownFields);
    }

    public ReplyScope(
            String conversation, @Nullable String thread, @Nullable String replyTo, @Nullable String correlation) {
        this(conversation, thread, replyTo, correlation, Map.of());
    }

    /** Lowercase hexadecimal SHA-256 over the four values joined by newlines, a missing one being empty. */
    public String hash() {
        String joined = String.join("\n", conversation, text(thread), text(replyTo), text(correlation));
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(joined.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static String text(@Nullable String value) {
        return value == null ? "" : value;
    }
}
