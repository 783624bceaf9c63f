package ai.greentic.events;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Finds the first of many patterns that matches a text, in order of addition. Patterns hang in a trie of their literal prefixes, and
 * within each prefix in a trie of their literal suffixes, so that a lookup looks only at patterns whose fixed ends already agree; its cost
 * does not grow with the number of the others. Patterns with neither end ({@code *x*}) are tried one by one. Immutable, thread-safe.
 */
public final class PatternIndex<V> {
    private final List<Entry<V>> entries;
    private final Node<V> root = new Node<>();

    /**
     * A pattern and what it stands for.
     */
    public record Entry<V>(TopicPattern pattern, V value) {}

    public PatternIndex(List<Entry<V>> entries) {
        this.entries = List.copyOf(entries);
        for (int i = 0; i < this.entries.size(); i++) {
            TopicPattern pattern = this.entries.get(i).pattern();
            Node<V> node = root;
            String prefix = pattern.literalPrefix();
            for (int c = 0; c < prefix.length(); c++) {
                node = node.childOrNew(prefix.charAt(c));
            }
            node = node.bucketOrNew();
            String suffix = pattern.isLiteral() ? "" : pattern.literalSuffix();
            for (int c = suffix.length() - 1; c >= 0; c--) {
                node = node.childOrNew(suffix.charAt(c));
            }
            node.add(i);
        }
    }

    public List<Entry<V>> entries() {
        return entries;
    }

    /** The first entry whose pattern matches, or null. */
    public @Nullable Entry<V> first(String text) {
        return first(text, value -> true);
    }

    /** The first entry whose pattern matches and whose value the predicate accepts, or null. */
    public @Nullable Entry<V> first(String text, Predicate<? super V> accepts) {
        int best = Integer.MAX_VALUE;
        Node<V> node = root;
        for (int i = 0; node != null; i++) {
            if (node.bucket != null) {
                best = firstInBucket(node.bucket, text, i, best, accepts);
            }
            node = i < text.length() ? node.child(text.charAt(i)) : null;
        }
        return best == Integer.MAX_VALUE ? null : entries.get(best);
    }

    private int firstInBucket(Node<V> bucket, String text, int prefixLength, int known, Predicate<? super V> accepts) {
        int best = known;
        Node<V> node = bucket;
        for (int i = text.length() - 1; node != null; i--) {
            for (int k = 0; k < node.count && node.orders[k] < best; k++) {
                Entry<V> entry = entries.get(node.orders[k]);
                if (entry.pattern().matches(text) && accepts.test(entry.value())) {
                    best = node.orders[k];
                }
            }
            node = i >= prefixLength ? node.child(text.charAt(i)) : null;
        }
        return best;
    }

    /** A trie node; its keys are few, so a linear scan of them beats hashing. */
    private static final class Node<V> {
        private char[] keys = {};
        private final List<Node<V>> children = new ArrayList<>(0);
        private @Nullable Node<V> bucket;
        private int[] orders = {};
        private int count;

        @Nullable
        Node<V> child(char key) {
            int at = keys.length > 8 ? Arrays.binarySearch(keys, key) : scan(key);
            return at < 0 ? null : children.get(at);
        }

        private int scan(char key) {
            for (int i = 0; i < keys.length; i++) {
                if (keys[i] == key) {
                    return i;
                }
            }
            return -1;
        }

        Node<V> childOrNew(char key) {
            int at = Arrays.binarySearch(keys, key);
            if (at >= 0) {
                return children.get(at);
            }
            int insert = -at - 1;
            char[] more = Arrays.copyOf(keys, keys.length + 1);
            System.arraycopy(keys, insert, more, insert + 1, keys.length - insert);
            more[insert] = key;
            keys = more;
            Node<V> child = new Node<>();
            children.add(insert, child);
            return child;
        }

        Node<V> bucketOrNew() {
            Node<V> existing = bucket;
            if (existing == null) {
                existing = new Node<>();
                bucket = existing;
            }
            return existing;
        }

        void add(int order) {
            if (count == orders.length) {
                orders = Arrays.copyOf(orders, Math.max(1, count * 2));
            }
            orders[count++] = order;
        }
    }
}
