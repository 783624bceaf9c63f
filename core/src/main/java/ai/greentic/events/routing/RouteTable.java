package ai.greentic.events.routing;

import ai.greentic.events.PatternIndex;
import ai.greentic.events.Topic;
import ai.greentic.events.TopicPattern;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * From a topic to its route: an explicit route decides, else the first registered pattern that matches. Lookups of topics seen lately
 * cost one comparison, others do not grow with the number of patterns. Immutable and thread-safe.
 *
 * @param <R> what a route leads to
 */
public final class RouteTable<R> {
    private static final int MEMO_SIZE = 4096;

    private final PatternIndex<R> index;
    private final @Nullable Memo<R>[] memo;

    private record Memo<R>(String topic, @Nullable R route) {}

    /**
     * A pattern that never decides because an earlier one already covers it.
     */
    public record Shadowed<R>(TopicPattern pattern, R route, TopicPattern by, R byRoute) {}

    /**
     * @param explicit routes by decree, which come first
     * @param registered patterns in order of registration
     */
    @SuppressWarnings("unchecked")
    public RouteTable(List<PatternIndex.Entry<R>> explicit, List<PatternIndex.Entry<R>> registered) {
        List<PatternIndex.Entry<R>> all = new ArrayList<>(explicit);
        all.addAll(registered);
        this.index = new PatternIndex<>(all);
        this.memo = (Memo<R>[]) new Memo<?>[MEMO_SIZE];
    }

    /** The route of a topic, or null if there is none. */
    public @Nullable R routeFor(Topic topic) {
        String text = topic.value();
        int hash = text.hashCode();
        int slot = (hash ^ hash >>> 13) & MEMO_SIZE - 1;
        Memo<R> known = memo[slot];
        if (known != null && known.topic.equals(text)) {
            return known.route;
        }
        PatternIndex.Entry<R> entry = index.first(text);
        R route = entry == null ? null : entry.value();
        memo[slot] = new Memo<>(text, route);
        return route;
    }

    /** The entry that decides about a topic, or null; for explanations. */
    public PatternIndex.@Nullable Entry<R> deciding(Topic topic) {
        return index.first(topic.value());
    }

    /** Every entry in order of precedence. */
    public List<PatternIndex.Entry<R>> entries() {
        return index.entries();
    }

    /** Patterns that an earlier pattern of another route covers. Compares all pairs: for validation, not for hot paths. */
    public List<Shadowed<R>> shadowed() {
        List<Shadowed<R>> found = new ArrayList<>();
        List<PatternIndex.Entry<R>> entries = index.entries();
        for (int later = 1; later < entries.size(); later++) {
            PatternIndex.Entry<R> hidden = entries.get(later);
            for (int earlier = 0; earlier < later; earlier++) {
                PatternIndex.Entry<R> cover = entries.get(earlier);
                if (!cover.value().equals(hidden.value())
                        && hidden.pattern()
                                .literalPrefix()
                                .startsWith(cover.pattern().literalPrefix())
                        && cover.pattern().contains(hidden.pattern())) {
                    found.add(new Shadowed<>(hidden.pattern(), hidden.value(), cover.pattern(), cover.value()));
                    break;
                }
            }
        }
        return found;
    }
}
