package ai.greentic.events.examples.lines;

import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderFactory;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.SettingsSchema;
import ai.greentic.events.spi.SettingsSchema.Setting;
import ai.greentic.events.spi.SettingsSchema.Type;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;

/** Transport {@code lines}: a file for each topic of each tenant, a line for each event. */
public final class LinesProviderFactory implements ProviderFactory {
    private static final SettingsSchema SETTINGS = SettingsSchema.of(
            Setting.of("directory", Type.TEXT, null, "Directory of the files; it is made if it is missing.")
                    .mandatory());

    /** For {@link java.util.ServiceLoader}. */
    public LinesProviderFactory() {}

    @Override
    public String transport() {
        return "lines";
    }

    @Override
    public SettingsSchema settings() {
        return SETTINGS;
    }

    /** A file has no groups and no patterns; what is appended is in order, and in the system's hands. */
    @Override
    public Set<Capability> capabilities(ProviderSettings settings) {
        return EnumSet.of(
                Capability.PUBLISH,
                Capability.SUBSCRIBE,
                Capability.KEY_ORDER,
                Capability.REPLAY_EARLIEST,
                Capability.DURABLE_PROCESS_CRASH);
    }

    @Override
    public EventProvider create(ProviderSettings settings, ProviderContext context) {
        return new LinesProvider(
                context.name(), Path.of(settings.text("directory").orElseThrow()));
    }
}
