package ai.greentic.events.memory;

import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderFactory;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.SettingsSchema;
import ai.greentic.events.spi.SettingsSchema.Setting;
import ai.greentic.events.spi.SettingsSchema.Type;
import java.util.EnumSet;
import java.util.Set;

/** Transport {@code memory}: events live in this process and end with it. */
public final class MemoryProviderFactory implements ProviderFactory {
    private static final SettingsSchema SETTINGS = SettingsSchema.of(
            Setting.of(
                            "max_events",
                            Type.INTEGER,
                            100_000L,
                            "Events of one tenant that may wait for subscribers; more are refused.")
                    .between(1, 10_000_000),
            Setting.of(
                            "max_bytes",
                            Type.INTEGER,
                            64L << 20,
                            "Bytes of one tenant's payloads that may wait for subscribers.")
                    .between(1024, 1L << 34),
            Setting.of("history_events", Type.INTEGER, 10_000L, "Newest events of one tenant kept for replay.")
                    .between(0, 10_000_000),
            Setting.of("history_bytes", Type.INTEGER, 16L << 20, "Bytes of one tenant's payloads kept for replay.")
                    .between(0, 1L << 34),
            Setting.of("max_tenants", Type.INTEGER, 10_000L, "Tenants that may publish.")
                    .between(1, 1_000_000),
            Setting.of("max_subscriptions", Type.INTEGER, 10_000L, "Groups and ephemeral subscriptions.")
                    .between(1, 1_000_000),
            Setting.of("shards", Type.INTEGER, 64L, "Parts of a group's keys that members share out.")
                    .between(1, 4096));

    /** For {@link java.util.ServiceLoader}. */
    public MemoryProviderFactory() {}

    @Override
    public String transport() {
        return "memory";
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
                Capability.PRIORITY);
    }

    @Override
    public EventProvider create(ProviderSettings settings, ProviderContext context) {
        return new MemoryProvider(settings, context);
    }
}
