package ai.greentic.events.conformance;

import ai.greentic.events.spi.ProviderFactory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A fresh, empty place for events, made for one test and closed after it: a directory, an account on a broker, a namespace. */
public interface Target extends AutoCloseable {
    /** The factory under test. Has a public constructor without parameters, so that another process can make one too. */
    ProviderFactory factory();

    /** Settings that lead to the place; texts, numbers or booleans by key. */
    default Map<String, ?> settings() {
        return Map.of();
    }

    /** Where the host keeps durable state beside the provider, empty at first; null if it keeps it in memory. */
    default @Nullable Path stateDirectory() {
        return null;
    }

    /** Whether two providers with these settings, perhaps in two processes, reach the same events. */
    default boolean shared() {
        return true;
    }

    /** Whether several members of a group work at the same time. Where not, one does, and the others stand by to take over. */
    default boolean membersWorkTogether() {
        return true;
    }

    /** What can be done to the transport from outside; the kit does each of them while events flow. */
    default List<Disturbance> disturbances() {
        return List.of();
    }

    /**
     * The test that proves {@link ai.greentic.events.spi.Capability#DURABLE_POWER_LOSS}, as {@code class#method}; null if it is not
     * declared. A kit cannot cut the power of a machine; it insists that somebody does.
     */
    default @Nullable String powerLossTest() {
        return null;
    }

    /** Removes the place. */
    @Override
    default void close() throws IOException {}
}
