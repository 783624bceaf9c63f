package ai.greentic.events.config;

import java.util.Locale;

/** Where a value comes from; a later layer overrides an earlier one, leaf by leaf. */
public enum Layer {
    DEFAULT,
    USER,
    PROJECT,
    ENV,
    CLI;

    /** The word of the explain output. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
