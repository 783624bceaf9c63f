package ai.greentic.events;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** Finds what someone probably meant. */
public final class Nearest {
    private Nearest() {}

    /** The known word at the smallest edit distance, if it is near enough to be a slip. */
    public static Optional<String> to(String word, Collection<String> known) {
        return known.stream()
                .min(Comparator.comparingInt((String candidate) -> distance(word, candidate))
                        .thenComparing(Comparator.naturalOrder()))
                .filter(candidate -> distance(word, candidate) <= Math.max(2, candidate.length() / 3));
    }

    /** A clause for a message: the nearest known word, else all of them if they are few. */
    public static String hint(String word, Collection<String> known) {
        return to(word, known)
                .map(candidate -> "; did you mean " + candidate + "?")
                .orElseGet(() -> known.isEmpty()
                        ? "; none are known here"
                        : known.size() > 12
                                ? ""
                                : "; known: "
                                        + String.join(
                                                ", ", known.stream().sorted().toList()));
    }

    /** Levenshtein's distance. */
    private static int distance(String a, String b) {
        int[] previous = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int[] row = new int[b.length() + 1];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replace = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(replace, Math.min(previous[j], row[j - 1]) + 1);
            }
            previous = row;
        }
        return previous[b.length()];
    }
}
