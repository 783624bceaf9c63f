package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Keeps secrets out of events about secrets: they name one and never hold it, not even encoded. What is refused is named by its place alone. */
final class SecretsGuard {
    static final String TOPICS = "greentic.secrets.";
    private static final Set<String> HOLDERS = Set.of(
            "value", "values", "secret", "bytes", "data", "plaintext", "password", "token", "ciphertext", "base64");

    private SecretsGuard() {}

    /** @throws EventsException {@code INVALID_PAYLOAD} if a key of the payload is one that holds secrets */
    static void check(EventEnvelope event) {
        String place = holder(event.payload().as(Object.class), "payload");
        if (place != null) {
            throw new EventsException(
                    ErrorCode.INVALID_PAYLOAD,
                    event + " was not sent: " + place + " looks like the secret itself; events on " + TOPICS
                            + "* name a secret by its key and scope");
        }
    }

    private static @Nullable String holder(@Nullable Object value, String path) {
        if (value instanceof Map<?, ?> map) {
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                String key = String.valueOf(entry.getKey());
                String place = path + "." + key;
                if (HOLDERS.contains(key.toLowerCase(Locale.ROOT))) {
                    return place;
                }
                String below = holder(entry.getValue(), place);
                if (below != null) {
                    return below;
                }
            }
        } else if (value instanceof List<?> list) {
            for (int i = 0; i < list.size(); i++) {
                String below = holder(list.get(i), path + "[" + i + "]");
                if (below != null) {
                    return below;
                }
            }
        }
        return null;
    }
}
