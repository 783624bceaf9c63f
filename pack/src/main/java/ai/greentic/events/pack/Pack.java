package ai.greentic.events.pack;

import ai.greentic.events.bus.BusConfigurer;
import ai.greentic.events.bus.EventBusBuilder;
import ai.greentic.events.bus.ProviderDeclaration;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A pack: its identity and its event providers. Configures a bus with them; bridges are listed and carry nothing. Immutable.
 */
public final class Pack implements BusConfigurer {
    /** Which of the documents describes the pack. */
    public enum Layout {
        /** {@code pack.yaml} with {@code id} and an events section. */
        A,
        /** {@code pack.yaml} for the pack compiler, with {@code pack_id}. */
        B,
        /** An archive's {@code manifest.cbor} whose events section is below {@code meta}. */
        C,
        /** An archive's {@code manifest.cbor} with tables of symbols; its providers are extensions. */
        D
    }

    private final Path location;
    private final String id;
    private final String version;
    private final Layout layout;
    private final List<PackProvider> providers;
    private final PackExtras extras;
    private final PackVerification verification;
    private final PackContents contents;

    Pack(
            Path location,
            String id,
            String version,
            Layout layout,
            List<PackProvider> providers,
            PackExtras extras,
            PackVerification verification,
            PackContents contents) {
        this.location = location;
        this.id = id;
        this.version = version;
        this.layout = layout;
        this.providers = List.copyOf(providers);
        this.extras = extras;
        this.verification = verification;
        this.contents = contents;
    }

    /**
     * Reads the pack in a directory or an archive, whoever made it; {@link #verification} says what speaks against that.
     *
     * @throws ai.greentic.events.EventsException {@code INVALID_PACK} with every problem
     */
    public static Pack open(Path location) {
        return open(location, PackTrust.lenient());
    }

    /**
     * Reads the pack in a directory or a {@code .gtpack} archive, or what was unpacked from one. Archives are read within limits: 64 MiB in all, 16 MiB and 10,000 files.
     *
     * @throws ai.greentic.events.EventsException {@code INVALID_PACK} with every problem, also if the pack is not trusted as it must be
     */
    public static Pack open(Path location, PackTrust trust) {
        return PackReader.read(location, trust);
    }

    /**
     * Reads the pack at a place; or, from a directory that is none, every pack below it, in the order of their paths, as a registry's
     * artifact is laid out: archives, and directories with {@code pack.yaml} or an archive's {@code manifest.cbor}.
     *
     * @throws ai.greentic.events.EventsException {@code INVALID_PACK} if there is none, or one cannot be used
     */
    public static List<Pack> openAll(Path location, PackTrust trust) {
        return PackReader.readAll(location, trust);
    }

    /** The directory or the archive. */
    public Path location() {
        return location;
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

    /** What its origin is worth. */
    public PackVerification verification() {
        return verification;
    }

    /** Ids of the flows that it lists, and of those in its directory. */
    public SortedSet<String> flows() {
        return Collections.unmodifiableSortedSet(new TreeSet<>(contents.flows().keySet()));
    }

    /**
     * Files of the pack, read anew from its place: those of these paths that are there. An archive is read whole, within its limits.
     *
     * @param paths relative, with slashes
     * @throws ai.greentic.events.EventsException {@code INVALID_PACK} if the place cannot be read, or a path leads out of it
     */
    public SortedMap<String, byte[]> files(Collection<String> paths) {
        return PackReader.files(location, paths);
    }

    /**
     * A document of the pack as plain values: null, booleans, numbers, text, lists and maps in their order.
     *
     * @param path what it is called in messages
     * @param bytes YAML or JSON, of at most 1 MiB
     * @throws ai.greentic.events.EventsException {@code INVALID_PACK} if it is neither, or larger
     */
    public static @Nullable Object document(String path, byte[] bytes) {
        return YamlFile.read(bytes, path, new Problems()).value();
    }

    PackContents contents() {
        return contents;
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
