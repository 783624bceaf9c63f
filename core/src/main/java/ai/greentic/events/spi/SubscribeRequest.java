package ai.greentic.events.spi;

import ai.greentic.events.StartAt;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TopicPattern;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What a subscription wants from a provider. Broker-side filters may be wider than the patterns: the engine filters exactly. */
public final class SubscribeRequest {
    /**
     * Topics of a tenant, or of every tenant of an environment.
     */
    public record Filter(TenantScope scope, TopicPattern pattern) {
        public Filter {
            Objects.requireNonNull(scope, "scope");
            Objects.requireNonNull(pattern, "pattern");
        }
    }

    private final List<Filter> filters;
    private final @Nullable String group;
    private final StartAt start;
    private final Signal ready;

    /**
     * @param filters at least one; all of one scope, which also scopes the group's name
     * @param group name of the kept position, or null for an ephemeral subscription
     * @param start where to begin if there is no kept position
     * @param ready raised by a provider that can tell when a quiet subscription has something again; see {@link Polled#quiet()}
     */
    public SubscribeRequest(List<Filter> filters, @Nullable String group, StartAt start, Signal ready) {
        if (filters.isEmpty()) {
            throw new IllegalArgumentException("a subscription has at least one filter");
        }
        this.filters = List.copyOf(filters);
        this.group = group;
        this.start = Objects.requireNonNull(start, "start");
        this.ready = Objects.requireNonNull(ready, "ready");
    }

    public List<Filter> filters() {
        return filters;
    }

    public @Nullable String group() {
        return group;
    }

    public StartAt start() {
        return start;
    }

    /** The flag to raise when a quiet subscription has something to deliver again. */
    public Signal ready() {
        return ready;
    }
}
