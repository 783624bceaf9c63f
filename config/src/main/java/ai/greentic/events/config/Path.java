package ai.greentic.events.config;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Place of a setting: segments from the outermost section inwards. Written with dots; a segment that has some is quoted. */
record Path(List<String> segments) implements Comparable<Path> {
    Path {
        segments = List.copyOf(segments);
    }

    static Path of(String dotted) {
        return new Path(List.of(dotted.split("\\.")));
    }

    Path child(String segment) {
        List<String> longer = new ArrayList<>(segments);
        longer.add(segment);
        return new Path(longer);
    }

    boolean startsWith(String... prefix) {
        return segments.size() >= prefix.length
                && segments.subList(0, prefix.length).equals(List.of(prefix));
    }

    String last() {
        return segments.get(segments.size() - 1);
    }

    @Override
    public int compareTo(Path other) {
        return toString().compareTo(other.toString());
    }

    @Override
    public String toString() {
        return segments.stream()
                .map(segment -> segment.matches("[A-Za-z0-9_-]+") ? segment : '"' + segment + '"')
                .collect(Collectors.joining("."));
    }
}
