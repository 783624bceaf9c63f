package ai.greentic.events.spi;

import java.util.Optional;

/**
 * What a provider is given by its host.
 *
 * @param name the provider's name, for messages and positions
 * @param time the clocks to use
 * @param tasks the threads and waits to use
 * @param qualifiedName the name, with the pack's before it if it has one: names what the provider keeps, where others keep theirs too
 * @param store durable state of the host, if it has any
 */
public record ProviderContext(String name, Time time, Tasks tasks, String qualifiedName, Optional<StateStore> store) {
    /** For a provider of no pack, on a host without durable state. */
    public ProviderContext(String name, Time time, Tasks tasks) {
        this(name, time, tasks, name, Optional.empty());
    }
}
