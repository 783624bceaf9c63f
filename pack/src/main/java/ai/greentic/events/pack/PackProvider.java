package ai.greentic.events.pack;

import ai.greentic.events.ProviderDescriptor;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.delivery.ProviderOverrides;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A provider of a pack's events section.
 *
 * @param descriptor name, kind, transport and what it promises
 * @param component reference of its component, by convention {@code id@version}
 * @param defaultFlow flow for its events, or null
 * @param customFlow template for flows of one's own, or null
 * @param topics patterns in order
 * @param overrides what the pack's annotations change about guarantees
 */
public record PackProvider(
        ProviderDescriptor descriptor,
        String component,
        @Nullable String defaultFlow,
        @Nullable String customFlow,
        List<TopicPattern> topics,
        ProviderOverrides overrides) {
    public PackProvider {
        topics = List.copyOf(topics);
    }

    public String name() {
        return descriptor.name();
    }
}
