package ai.greentic.events.pack;

import ai.greentic.events.bus.BusConfigurer;
import ai.greentic.events.bus.EventBusBuilder;
import ai.greentic.events.bus.ProviderDeclaration;
import java.nio.file.Path;
import java.util.List;

/**
 * A pack: its identity and its event providers. Configures a bus with them; bridges are listed and carry nothing. Immutable.
 */
public final class Pack implements BusConfigurer {
    /** Which of the documents describes the pack. */
    public enum Layout {
        /** {@code pack.yaml} with {@code id} and an events section. */
        A,
        /** {@code pack.yaml} for the pack compiler, with {@code pack_id}. */
        B
    }

    private final Path directory;
    private final String id;
    private final String version;
    private final Layout layout;
    private final List<PackProvider> providers;
    private final PackExtras extras;

    Pack(Path directory, String id, String version, Layout layout, List<PackProvider> providers, PackExtras extras) {
        this.directory = directory;
        this.id = id;
        this.version = version;
        this.layout = layout;
        this.providers = List.copyOf(providers);
        this.extras = extras;
    }

    /**
     * Reads the pack in a directory.
     *
     * @throws ai.greentic.events.EventsException {@code INVALID_PACK} with every problem
     */
    public static Pack open(Path directory) {
        return PackReader.read(directory);
    }

    public Path directory() {
        return directory;
    }

    public String id() {
        return id;
    }

    /** The version as it is written; not necessarily a semantic version. */
    public String version() {
        return version;
    }

    public Layout layout() {
        return layout;
    }

    /** Providers of the events section in order, bridges included. */
    public List<PackProvider> providers() {
        return providers;
    }

    public PackExtras extras() {
        return extras;
    }

    @Override
    public void configure(EventBusBuilder builder) {
        for (PackProvider provider : providers) {
            builder.declare(
                    new ProviderDeclaration(id, provider.descriptor(), provider.topics(), provider.overrides()));
        }
    }

    @Override
    public String toString() {
        return id + " " + version;
    }
}
