package ai.greentic.events.runner;

import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderFactory;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.SettingsSchema;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;

/**
 * Providers whose components a host runs: a transport for {@code EventBusBuilder.providerFactory}, so that packs which name it run on that
 * host. {@link ProcessProviderFactory} is the one that is found by itself.
 */
public final class RunnerProviderFactory implements ProviderFactory {
    private final String transport;
    private final String pack;
    private final RunnerHost host;
    private final ComponentInterface component;

    private RunnerProviderFactory(String transport, String pack, RunnerHost host, ComponentInterface component) {
        this.transport = Objects.requireNonNull(transport);
        this.pack = Objects.requireNonNull(pack);
        this.host = Objects.requireNonNull(host);
        this.component = component;
    }

    /**
     * Brokers that speak {@code greentic:events/broker-api}.
     *
     * @param transport by which packs and settings name it
     * @param pack id of the pack, for the host
     */
    public static RunnerProviderFactory broker(String transport, String pack, RunnerHost host) {
        return new RunnerProviderFactory(transport, pack, host, ComponentInterface.BROKER);
    }

    /** Components that speak {@code greentic:provider-schema-core}; as {@link #broker}. Their settings are the JSON text {@code config}. */
    public static RunnerProviderFactory schemaCore(String transport, String pack, RunnerHost host) {
        return new RunnerProviderFactory(transport, pack, host, ComponentInterface.SCHEMA_CORE);
    }

    @Override
    public String transport() {
        return transport;
    }

    @Override
    public SettingsSchema settings() {
        return component == ComponentInterface.BROKER
                ? SettingsSchema.EMPTY
                : SettingsSchema.of(ComponentInterface.CONFIG);
    }

    @Override
    public Set<Capability> capabilities(ProviderSettings settings) {
        return EnumSet.copyOf(component.capabilities());
    }

    @Override
    public EventProvider create(ProviderSettings settings, ProviderContext context) {
        return component.provider(settings, context, host, pack);
    }
}
