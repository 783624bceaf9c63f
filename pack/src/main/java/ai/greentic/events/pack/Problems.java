package ai.greentic.events.pack;

import java.util.ArrayList;
import java.util.List;

/** What is wrong with a pack, one sentence each, and how much of the document has been walked. */
final class Problems {
    private static final int MAX_PROBLEMS = 100;
    private static final int MAX_NODES = 100_000;

    private final List<Problem> all = new ArrayList<>();
    private int nodes;

    /**
     * @param code of the finding that it is
     * @param path where in the document
     * @param sentence without the path
     */
    record Problem(String code, String path, String sentence) {
        @Override
        public String toString() {
            return path + " " + sentence;
        }
    }

    void add(String code, String path, String sentence) {
        if (all.size() < MAX_PROBLEMS) {
            all.add(new Problem(code, path, sentence));
        }
    }

    List<Problem> found() {
        return all;
    }

    /** As sentences. */
    List<String> all() {
        return all.stream().map(Problem::toString).toList();
    }

    /** Counts a visit to a node, aliases included, so that a small document cannot expand without end. */
    boolean mayVisit() {
        return ++nodes <= MAX_NODES;
    }
}
