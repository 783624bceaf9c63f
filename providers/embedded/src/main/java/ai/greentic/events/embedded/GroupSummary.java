package ai.greentic.events.embedded;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a group stands.
 *
 * @param provider qualified name of the provider
 * @param group its name
 * @param allTenants whether it takes the events of every tenant of the environment
 * @param patterns what it is subscribed to
 * @param members living members
 * @param lag events that were accepted and that no member has been handed yet
 * @param open events that were handed over and are not settled: in hand, or waiting to come again
 * @param delayed those of {@code open} that must not come again before a time
 * @param failing events whose handler failed and that are to be tried again
 * @param heldKeys ordering keys that are held from their first dead letter on
 * @param oldest when the oldest event that is not settled was published; null if everything is settled
 */
public record GroupSummary(
        String provider,
        String group,
        boolean allTenants,
        List<String> patterns,
        int members,
        long lag,
        long open,
        long delayed,
        long failing,
        long heldKeys,
        @Nullable Instant oldest) {
    public GroupSummary {
        patterns = List.copyOf(patterns);
    }
}
