package ai.greentic.events.spi;

import java.util.Set;

/**
 * Makes providers of one transport. Found by {@link java.util.ServiceLoader}, or given to the bus explicitly. Has a public constructor
 * without parameters.
 */
public interface ProviderFactory {
    /** The word that packs use for the transport, lower case. */
    String transport();

    /** Every setting that the provider understands. */
    SettingsSchema settings();

    /** What the provider can do with these settings. */
    Set<Capability> capabilities(ProviderSettings settings);

    /** Makes a provider; does not wait for a transport that is away. */
    EventProvider create(ProviderSettings settings, ProviderContext context);
}
