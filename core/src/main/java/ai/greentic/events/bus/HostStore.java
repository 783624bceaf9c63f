package ai.greentic.events.bus;

import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.StateStore;
import ai.greentic.events.spi.StateStoreFactory;
import ai.greentic.events.spi.Time;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The durable state of a bus: none, the host's, or one that the bus opens in a directory and closes. */
final class HostStore {
    private static final Logger LOG = LoggerFactory.getLogger(HostStore.class);

    @Nullable
    StateStore given;

    @Nullable
    Path directory;

    final Map<String, Object> settings = new LinkedHashMap<>();

    private @Nullable StateStoreFactory factory;
    private @Nullable ProviderSettings parsed;
    private @Nullable StateStore opened;

    /** Finds out whether the store can be opened as it is asked for. */
    void check(ClassLoader loader, List<String> problems) {
        if (given != null && directory != null) {
            problems.add("the bus has a state store and a state directory; give it one of them");
            return;
        }
        factory =
                ServiceLoader.load(StateStoreFactory.class, loader).findFirst().orElse(null);
        if (factory != null) {
            parsed = factory.settings().parse(settings, "events.store", problems);
        } else if (directory != null) {
            problems.add("state directory " + directory
                    + " needs a state store, and the class path has none; add greentic-events-embedded");
        }
    }

    /** Opens the store, if one is wanted; null if none is. */
    @Nullable
    StateStore open(Time time) {
        if (given != null || directory == null || factory == null || parsed == null) {
            return given;
        }
        opened = factory.open(directory, parsed, time);
        return opened;
    }

    /** Closes the store if the bus opened it. */
    void close() {
        StateStore own = opened;
        opened = null;
        if (own != null) {
            try {
                own.close();
            } catch (RuntimeException e) {
                LOG.warn("the state store did not close cleanly", e);
            }
        }
    }
}
