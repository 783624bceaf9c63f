package ai.greentic.events.bus;

import ai.greentic.events.ProviderDescriptor;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.delivery.RetryPolicy;
import ai.greentic.events.spi.Capability;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A provider of a bus, as it stands.
 *
 * @param pack id of its pack, or null
 * @param descriptor what it was declared as
 * @param topics its patterns, in order
 * @param transport the transport that really carries it; differs from the declared one when the host chose a fallback
 * @param capabilities what it can do; empty if it did not start
 * @param retry how publishes to it are tried again, all layers merged
 * @param deadLetterTopic topic of dead-letter copies, or null for {@code <topic>.dlq}
 * @param failure why it did not start, or null
 */
public record ProviderStatus(
        @Nullable String pack,
        ProviderDescriptor descriptor,
        List<TopicPattern> topics,
        String transport,
        Set<Capability> capabilities,
        RetryPolicy retry,
        @Nullable String deadLetterTopic,
        @Nullable String failure) {
    public boolean started() {
        return failure == null;
    }
}
