package ai.greentic.events.spi;

import java.nio.file.Path;

/** Opens state stores in a directory. Found by {@link java.util.ServiceLoader}. Has a public constructor without parameters. */
public interface StateStoreFactory {
    /** Every setting that the store understands; they stand under {@code events.store}. */
    SettingsSchema settings();

    /**
     * Opens the store in a directory, which is made if it is missing.
     *
     * @throws ai.greentic.events.EventsException if what is there cannot be used, or is damaged
     */
    StateStore open(Path directory, ProviderSettings settings, Time time);
}
