package ai.greentic.events.spi;

/**
 * What a provider is given by its host.
 *
 * @param name the provider's name, for messages and positions
 * @param time the clocks to use
 * @param tasks the threads and waits to use
 */
public record ProviderContext(String name, Time time, Tasks tasks) {}
