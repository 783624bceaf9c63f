package ai.greentic.events.bus;

import ai.greentic.events.spi.ProviderFactory;
import java.util.Iterator;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The factories of providers by transport: those that the host gives, and those on the class path. */
final class Factories {
    private static final Logger LOG = LoggerFactory.getLogger(Factories.class);
    /** Factories that cannot be loaded, after which no more are looked for. */
    private static final int FAILURES = 100;

    private final Map<String, ProviderFactory> factories = new TreeMap<>();

    /** The host's; it goes before one of the class path. */
    void add(ProviderFactory factory) {
        factories.put(factory.transport(), factory);
    }

    /** A factory that cannot be loaded is reported and left out: what needs it will say so, the others go on. */
    void find(ClassLoader loader) {
        Iterator<ProviderFactory> found =
                ServiceLoader.load(ProviderFactory.class, loader).iterator();
        for (int failures = 0; failures < FAILURES; ) {
            try {
                if (!found.hasNext()) {
                    return;
                }
                ProviderFactory factory = found.next();
                factories.putIfAbsent(factory.transport(), factory);
            } catch (ServiceConfigurationError | LinkageError | RuntimeException e) {
                failures++;
                LOG.warn("a provider factory could not be loaded and is left out: {}", e.getMessage(), e);
            }
        }
    }

    @Nullable
    ProviderFactory get(String transport) {
        return factories.get(transport);
    }

    Set<String> transports() {
        return factories.keySet();
    }
}
