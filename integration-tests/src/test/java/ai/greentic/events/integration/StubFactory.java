package ai.greentic.events.integration;

import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderFactory;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.SettingsSchema;
import java.util.Set;

/** Makes a provider that a test has at hand, under a transport and with capabilities of its choice. */
record StubFactory(String transport, EventProvider provider, Set<Capability> capabilities) implements ProviderFactory {
    @Override
    public SettingsSchema settings() {
        return SettingsSchema.of();
    }

    @Override
    public Set<Capability> capabilities(ProviderSettings settings) {
        return capabilities;
    }

    @Override
    public EventProvider create(ProviderSettings settings, ProviderContext context) {
        return provider;
    }
}
