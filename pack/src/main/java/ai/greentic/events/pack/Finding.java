package ai.greentic.events.pack;

import java.util.Locale;

/**
 * Something that a validator has to say about a pack.
 *
 * @param severity how bad it is
 * @param code stable name of the rule, beginning with {@code EVT_}
 * @param path what it is about, in the manifest's own keys
 * @param message what is wrong
 * @param hint what to do
 */
public record Finding(Severity severity, String code, String path, String message, String hint) {
    /** How bad a finding is. */
    public enum Severity {
        /** The pack cannot be used, or not as it says. */
        ERROR,
        /** It can be used, and probably not as its author means. */
        WARN,
        /** Good to know. */
        INFO;

        /** Lower case, as in JSON. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }
}
