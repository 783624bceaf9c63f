package ai.greentic.events.embedded;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderFactory;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.SettingsSchema;
import ai.greentic.events.spi.SettingsSchema.Setting;
import ai.greentic.events.spi.SettingsSchema.Type;
import ai.greentic.events.spi.StateStore;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;

/** Transport {@code embedded}: events live in the host's state store, or in a directory of the provider's own. */
public final class EmbeddedProviderFactory implements ProviderFactory {
    private static final SettingsSchema SETTINGS = SettingsSchema.of(
            Setting.of(
                    "directory",
                    Type.TEXT,
                    null,
                    "Directory of the events; default is the state store of the host, if it has one."),
            Setting.of("shards", Type.INTEGER, 64L, "Parts of a new group's keys that members share out.")
                    .between(1, 4096));

    /** For {@link java.util.ServiceLoader}. */
    public EmbeddedProviderFactory() {}

    @Override
    public String transport() {
        return "embedded";
    }

    @Override
    public SettingsSchema settings() {
        return SETTINGS;
    }

    @Override
    public Set<Capability> capabilities(ProviderSettings settings) {
        return EnumSet.of(
                Capability.PUBLISH,
                Capability.SUBSCRIBE,
                Capability.WILDCARD,
                Capability.GROUP,
                Capability.KEY_ORDER,
                Capability.KEY_AFFINITY,
                Capability.DELAYED_REDELIVERY,
                Capability.EXTEND,
                Capability.REPLAY_EARLIEST,
                Capability.REPLAY_TIME,
                Capability.REPLAY_POSITION,
                Capability.SCHEDULE,
                Capability.PRIORITY,
                Capability.DURABLE_PROCESS_CRASH,
                Capability.DURABLE_POWER_LOSS);
    }

    @Override
    public EventProvider create(ProviderSettings settings, ProviderContext context) {
        int shards = (int) settings.integer("shards");
        String own = settings.text("directory").orElse(null);
        if (own != null) {
            EmbeddedStore store = EmbeddedStore.open(Path.of(own), context.time());
            return new EmbeddedProvider(store.store(), context, shards, store);
        }
        StateStore host = context.store().orElse(null);
        if (host instanceof EmbeddedStore store) {
            return new EmbeddedProvider(store.store(), context, shards, null);
        }
        throw new EventsException(
                ErrorCode.INVALID_CONFIGURATION,
                "provider " + context.qualifiedName()
                        + " has no directory: give the bus a state directory, or set the provider's directory");
    }
}
