package ai.greentic.events.embedded;

import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.SettingsSchema;
import ai.greentic.events.spi.StateStore;
import ai.greentic.events.spi.StateStoreFactory;
import ai.greentic.events.spi.Time;
import java.nio.file.Path;

/** Opens {@link EmbeddedStore}s for hosts. */
public final class EmbeddedStoreFactory implements StateStoreFactory {
    /** For {@link java.util.ServiceLoader}. */
    public EmbeddedStoreFactory() {}

    @Override
    public SettingsSchema settings() {
        return StoreSettings.SCHEMA;
    }

    @Override
    public StateStore open(Path directory, ProviderSettings settings, Time time) {
        return EmbeddedStore.open(directory, settings, time);
    }
}
