package ai.greentic.events.embedded;

import ai.greentic.events.Topic;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What is kept of a topic.
 *
 * @param provider qualified name of the provider that keeps it
 * @param topic its name
 * @param events how many events are kept
 * @param bytes how much they take
 * @param newest when the newest one was published; null if none is kept
 */
public record TopicSummary(
        String provider,
        Topic topic,
        long events,
        long bytes,
        @Nullable Instant newest) {}
