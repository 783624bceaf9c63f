package ai.greentic.events.pack;

import java.util.ArrayList;
import java.util.List;

/** What is wrong with a pack, one sentence each, and how much of the document has been walked. */
final class Problems {
    private static final int MAX_PROBLEMS = 100;
    private static final int MAX_NODES = 100_000;

    private final List<String> sentences = new ArrayList<>();
    private int nodes;

    void add(String sentence) {
        if (sentences.size() < MAX_PROBLEMS) {
            sentences.add(sentence);
        }
    }

    List<String> all() {
        return sentences;
    }

    /** Counts a visit to a node, aliases included, so that a small document cannot expand without end. */
    boolean mayVisit() {
        return ++nodes <= MAX_NODES;
    }
}
