package ai.greentic.events.config;

import java.util.Locale;

/**
 * A setting as it holds.
 *
 * @param value text, number, boolean, list or map
 * @param layer which layer said it
 * @param origin file, variable or flag that said it
 */
public record Value(Object value, Layer layer, String origin) {
    /** The value as it may be shown: what may be a secret is hidden, references to secrets are not secret. */
    static Object shown(Path path, Object value) {
        if (value instanceof String text) {
            if (text.startsWith("env:") || text.startsWith("file:")) {
                return text;
            }
            String name = path.last().toLowerCase(Locale.ROOT);
            boolean secret = name.matches(".*(password|passwd|secret|token|credential|api_?key|private_?key|auth).*")
                    || path.segments().contains("headers");
            return secret && !path.startsWith("secrets")
                    ? "(hidden)"
                    : text.replaceAll("(?<=//)[^/@\\s]+@", "(hidden)@");
        }
        if (value instanceof java.util.Map<?, ?> map) {
            java.util.Map<String, Object> shown = new java.util.TreeMap<>();
            map.forEach((key, item) -> shown.put(
                    String.valueOf(key),
                    shown(path.child(String.valueOf(key)), java.util.Objects.requireNonNull(item))));
            return shown;
        }
        return value;
    }
}
