package ai.greentic.events.embedded;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What an examination of a store found.
 *
 * @param directory which one
 * @param figures what there is, by name: counts, bytes, versions
 * @param problems what is wrong with it; empty if nothing is
 * @param repairs what was given up or put right
 */
public record Diagnosis(Path directory, Map<String, String> figures, List<String> problems, List<String> repairs) {
    public Diagnosis {
        figures = java.util.Collections.unmodifiableMap(new java.util.LinkedHashMap<>(figures));
        problems = List.copyOf(problems);
        repairs = List.copyOf(repairs);
    }

    /** Whether nothing is wrong. */
    public boolean healthy() {
        return problems.isEmpty();
    }
}
