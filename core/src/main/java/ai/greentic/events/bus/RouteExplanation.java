package ai.greentic.events.bus;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a published topic goes, and why.
 *
 * @param topic the topic
 * @param provider the deciding provider, with its pack's id where it has one; null if there is no route
 * @param pattern the deciding pattern; null if there is no route
 * @param explicit whether an explicit route decided, not a registered pattern
 * @param alsoMatching providers that match too, but later
 */
public record RouteExplanation(
        String topic,
        @Nullable String provider,
        @Nullable String pattern,
        boolean explicit,
        List<String> alsoMatching) {
    public RouteExplanation {
        alsoMatching = List.copyOf(alsoMatching);
    }
}
