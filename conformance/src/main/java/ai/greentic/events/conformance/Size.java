package ai.greentic.events.conformance;

import java.util.Locale;

/** How much a kit does: {@code -Dconformance.size=full}, or quick, for every check. */
enum Size {
    QUICK,
    FULL;

    static final Size CHOSEN =
            valueOf(System.getProperty("conformance.size", "quick").trim().toUpperCase(Locale.ROOT));

    /** The number for the chosen size. */
    static int of(int full, int quick) {
        return CHOSEN == FULL ? full : quick;
    }
}
