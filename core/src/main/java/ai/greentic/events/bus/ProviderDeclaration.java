package ai.greentic.events.bus;

import ai.greentic.events.ProviderDescriptor;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.delivery.ProviderOverrides;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A provider that a pack wants: made by the factory of its transport when the bus is built.
 *
 * @param pack id of the pack, or null for one declared in code
 * @param descriptor name, kind, transport, and what it must at least do
 * @param topics patterns in order; a provider without any never matches
 * @param overrides what the pack changes about guarantees
 */
public record ProviderDeclaration(
        @Nullable String pack, ProviderDescriptor descriptor, List<TopicPattern> topics, ProviderOverrides overrides) {
    public ProviderDeclaration {
        Objects.requireNonNull(descriptor, "descriptor");
        Objects.requireNonNull(overrides, "overrides");
        topics = List.copyOf(topics);
    }
}
