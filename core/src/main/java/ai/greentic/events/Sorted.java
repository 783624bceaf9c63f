package ai.greentic.events;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/** Immutable maps in code point order, the order in which the wire format writes them. */
final class Sorted {
    private Sorted() {}

    static <V> Map<String, V> copyOf(Map<String, V> map) {
        if (map.size() < 2) {
            return Map.copyOf(map);
        }
        TreeMap<String, V> sorted = new TreeMap<>(Text.CODE_POINT_ORDER);
        map.forEach((key, value) -> sorted.put(
                java.util.Objects.requireNonNull(key, "key"), java.util.Objects.requireNonNull(value, "value")));
        return Collections.unmodifiableMap(sorted);
    }
}
