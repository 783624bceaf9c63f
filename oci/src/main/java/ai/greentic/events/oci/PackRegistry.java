package ai.greentic.events.oci;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import land.oras.ContainerRef;
import land.oras.Layer;
import land.oras.Manifest;
import land.oras.Registry;
import land.oras.exception.OrasException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fetches packs from OCI registries (distribution specification 1.1) with the credentials that Docker's configuration has for them. What is
 * fetched lies in a cache by its digest and is never fetched twice; a reference with a digest that is there needs no network. Digests are
 * compared with what arrives, titles that lead elsewhere are refused, and a fetch that fails leaves nothing behind. Immutable, thread-safe;
 * several processes may share a cache.
 */
public final class PackRegistry {
    private static final Logger LOG = LoggerFactory.getLogger(PackRegistry.class);
    private static final String TITLE = "org.opencontainers.image.title";
    private static final String ARCHIVE_TYPE = "application/vnd.greentic.gtpack+zip";
    private static final String SUFFIX = ".gtpack";
    private static final int MAX_LAYERS = 1_000;
    private static final long MAX_LAYER_BYTES = 128L << 20;
    private static final long MAX_BYTES = 512L << 20;
    private static final int MAX_TITLE_BYTES = 512;

    private final Path cache;
    private final boolean plainHttp;
    private final Progress progress;

    /** Is told how far a fetch has come; called on the fetching thread. */
    @FunctionalInterface
    public interface Progress {
        /**
         * @param name what is being fetched
         * @param bytes how much of it has come
         * @param all how much it will be
         */
        void read(String name, long bytes, long all);
    }

    private PackRegistry(Path cache, boolean plainHttp, Progress progress) {
        this.cache = cache;
        this.plainHttp = plainHttp;
        this.progress = progress;
    }

    /** Fetches into a cache, a directory that is made when it is needed. */
    public static PackRegistry withCache(Path directory) {
        return new PackRegistry(directory, false, (name, bytes, all) -> {});
    }

    /** The same, also without TLS, which otherwise only registries on this machine are asked without. */
    public PackRegistry plainHttp() {
        return new PackRegistry(cache, true, progress);
    }

    /** The same, telling somebody how far it has come. */
    public PackRegistry progress(Progress listener) {
        return new PackRegistry(cache, plainHttp, listener);
    }

    /**
     * Fetches an artifact. Blocks until it is here, or until the registry has been silent for half a minute.
     *
     * @param reference {@code oci://HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]}
     * @return a directory with its packs
     * @throws EventsException {@code INVALID_ARGUMENT} for what is no reference; {@code REGISTRY_UNAVAILABLE} if the registry does not answer or
     *     breaks off; {@code REGISTRY_REFUSED} if it wants other credentials or has no such artifact; {@code ARTIFACT_CORRUPT} if what came is
     *     not what its digest says; {@code INVALID_PACK} if there is no pack in it, or it is made to do harm
     */
    public Path pull(String reference) {
        OciReference wanted = OciReference.parse(reference);
        String known = wanted.digest();
        if (known != null && Files.isDirectory(place(known))) {
            return place(known);
        }
        Registry registry = registry(wanted);
        ContainerRef ref = ContainerRef.parse(wanted.name());
        Manifest manifest = manifest(registry, ref, wanted);
        String digest = digest(manifest, wanted);
        Path place = place(digest);
        if (Files.isDirectory(place)) {
            return place;
        }
        List<Layer> layers = layers(manifest, wanted);
        Path partial = null;
        try {
            Files.createDirectories(cache);
            partial = Files.createTempDirectory(cache, "partial-");
            fetch(registry, ref, layers, partial, wanted);
            moveInto(partial, place);
            return place;
        } catch (IOException e) {
            throw new EventsException(
                    ErrorCode.STORE_UNAVAILABLE,
                    "the cache of packs " + cache + " cannot be written: " + e.getMessage() + "; set packs.cache_dir",
                    e);
        } finally {
            if (partial != null) {
                delete(partial);
            }
        }
    }

    private Path place(String digest) {
        return cache.resolve(digest.replace(':', '-'));
    }

    private Registry registry(OciReference wanted) {
        Registry.Builder builder = Registry.builder().defaults(wanted.registry());
        if (plainHttp || wanted.isLoopback()) {
            builder.withInsecure(true);
        }
        return builder.build();
    }

    private static Manifest manifest(Registry registry, ContainerRef ref, OciReference wanted) {
        try {
            return registry.getManifest(ref);
        } catch (RuntimeException e) {
            throw refused(wanted, "its manifest", e);
        }
    }

    /** The digest of the manifest that came, which must be the one that was asked for. */
    private static String digest(Manifest manifest, OciReference wanted) {
        String asked = wanted.digest();
        String algorithm = asked == null ? "sha256" : asked.substring(0, asked.indexOf(':'));
        String digest = algorithm + ":"
                + HexFormat.of()
                        .formatHex(hash(algorithm).digest(manifest.getJson().getBytes(StandardCharsets.UTF_8)));
        if (asked != null && !asked.equals(digest)) {
            throw corrupt(wanted, "its manifest has the digest " + digest);
        }
        return digest;
    }

    private static MessageDigest hash(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm.equals("sha512") ? "SHA-512" : "SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has " + algorithm, e);
        }
    }

    private static List<Layer> layers(Manifest manifest, OciReference wanted) {
        List<Layer> taken = new ArrayList<>();
        Set<String> others = new TreeSet<>();
        List<Layer> all = manifest.getLayers();
        if (all.size() > MAX_LAYERS) {
            throw invalid(wanted, "it has more than " + MAX_LAYERS + " layers");
        }
        for (Layer layer : all) {
            if (isArchive(layer) || isTarball(layer)) {
                taken.add(layer);
            } else {
                others.add(String.valueOf(layer.getMediaType()));
            }
        }
        if (taken.isEmpty()) {
            throw invalid(
                    wanted,
                    "none of its layers is a pack; it has " + (others.isEmpty() ? "none" : others) + ", and packs are "
                            + ARCHIVE_TYPE + ", application/octet-stream with a title that ends with " + SUFFIX
                            + ", or application/gzip");
        }
        return taken;
    }

    private static boolean isArchive(Layer layer) {
        String type = String.valueOf(layer.getMediaType()).toLowerCase(Locale.ROOT);
        return type.equals(ARCHIVE_TYPE)
                || type.equals("application/octet-stream") && title(layer).endsWith(SUFFIX);
    }

    private static boolean isTarball(Layer layer) {
        return "application/gzip".equalsIgnoreCase(layer.getMediaType());
    }

    private static String title(Layer layer) {
        Map<String, String> annotations = layer.getAnnotations();
        return annotations == null ? "" : annotations.getOrDefault(TITLE, "");
    }

    private void fetch(Registry registry, ContainerRef ref, List<Layer> layers, Path into, OciReference wanted)
            throws IOException {
        long left = MAX_BYTES;
        for (Layer layer : layers) {
            String digest = String.valueOf(layer.getDigest());
            if (!digest.matches("sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")) {
                throw invalid(wanted, "a layer has the digest '" + digest + "'; sha256 and sha512 are known");
            }
            long size = layer.getSize() == null ? -1 : layer.getSize();
            if (size < 0 || size > MAX_LAYER_BYTES || size > left) {
                throw invalid(
                        wanted,
                        "a layer has " + size + " bytes; at most " + MAX_LAYER_BYTES + " are taken, and " + MAX_BYTES
                                + " in all");
            }
            left -= size;
            String title = title(layer);
            if (isTarball(layer)) {
                Path tarball = Files.createTempFile(cache, "partial-", ".tgz");
                try {
                    fetch(registry, ref, digest, size, tarball, title.isEmpty() ? digest : title, wanted);
                    Tarball.unpack(tarball, into, SUFFIX, why -> invalid(wanted, why));
                } finally {
                    Files.deleteIfExists(tarball);
                }
            } else {
                String name = title.isEmpty() ? digest.substring(7, 19) + SUFFIX : title;
                Path target = below(into, name.endsWith(SUFFIX) ? name : name + SUFFIX, why -> invalid(wanted, why));
                Files.createDirectories(target.getParent());
                fetch(registry, ref, digest, size, target, name, wanted);
            }
        }
        try (Stream<Path> files = Files.walk(into)) {
            if (files.noneMatch(Files::isRegularFile)) {
                throw invalid(wanted, "its tarball holds no file that ends with " + SUFFIX);
            }
        }
    }

    /** How a caller words that something is not to be taken. */
    @FunctionalInterface
    interface Refusal {
        EventsException because(String why);
    }

    /** Where a file of that relative name goes; refused if that is not below the directory, or taken already. */
    static Path below(Path directory, String name, Refusal refusal) {
        boolean plain = !name.isEmpty()
                && name.getBytes(StandardCharsets.UTF_8).length <= MAX_TITLE_BYTES
                && name.indexOf('\\') < 0
                && name.indexOf(':') < 0
                && name.codePoints().noneMatch(Character::isISOControl)
                && Stream.of(name.split("/", -1))
                        .noneMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
        if (!plain) {
            throw refusal.because("it has a file called '" + (name.length() > 100 ? name.substring(0, 100) : name)
                    + "', which is no plain relative path");
        }
        Path target = directory.resolve(name);
        if (Files.exists(target)) {
            throw refusal.because("it has '" + name + "' twice");
        }
        return target;
    }

    private void fetch(
            Registry registry,
            ContainerRef ref,
            String digest,
            long size,
            Path target,
            String name,
            OciReference wanted)
            throws IOException {
        MessageDigest hash = hash(digest.substring(0, digest.indexOf(':')));
        long read = 0;
        try (InputStream in = open(registry, ref.withDigest(digest), name, wanted);
                OutputStream out = Files.newOutputStream(target)) {
            Patience patience = new Patience(in);
            try {
                byte[] buffer = new byte[1 << 16];
                for (int n = read(patience, buffer, name, wanted); n >= 0; n = read(patience, buffer, name, wanted)) {
                    read += n;
                    if (read > size) {
                        throw corrupt(wanted, "'" + name + "' has more than the " + size + " bytes announced");
                    }
                    hash.update(buffer, 0, n);
                    out.write(buffer, 0, n);
                    progress.read(name, read, size);
                }
            } finally {
                patience.end();
            }
        }
        String found =
                digest.substring(0, digest.indexOf(':') + 1) + HexFormat.of().formatHex(hash.digest());
        if (read < size) {
            throw new EventsException(
                    ErrorCode.REGISTRY_UNAVAILABLE,
                    wanted + " could not be fetched: '" + name + "' broke off after " + read + " of " + size
                            + " bytes; try again");
        }
        if (!found.equals(digest)) {
            throw corrupt(wanted, "'" + name + "' has the digest " + found + ", not " + digest);
        }
    }

    private static InputStream open(Registry registry, ContainerRef blob, String name, OciReference wanted) {
        try {
            return registry.getBlobStream(blob);
        } catch (RuntimeException e) {
            throw refused(wanted, "'" + name + "'", e);
        }
    }

    private static int read(Patience patience, byte[] buffer, String name, OciReference wanted) {
        try {
            return patience.read(buffer);
        } catch (IOException e) {
            throw new EventsException(
                    ErrorCode.REGISTRY_UNAVAILABLE,
                    wanted + " could not be fetched: '" + name + "' broke off: " + e.getMessage() + "; try again",
                    e);
        }
    }

    private static EventsException refused(OciReference wanted, String what, RuntimeException e) {
        Integer status = e instanceof OrasException answered ? answered.getStatusCode() : null;
        if (status != null && (status == 401 || status == 403)) {
            return new EventsException(
                    ErrorCode.REGISTRY_REFUSED,
                    wanted + ": the registry does not give " + what + " to these credentials (" + status
                            + "); log in with docker login " + wanted.registry(),
                    e);
        }
        if (status != null && status == 404) {
            return new EventsException(
                    ErrorCode.REGISTRY_REFUSED,
                    wanted + ": the registry has nothing there; look for the repository and its tags",
                    e);
        }
        if (String.valueOf(e.getMessage()).contains("got index")) {
            return invalid(wanted, "it is an index of several artifacts; name one of them by its digest");
        }
        return new EventsException(
                ErrorCode.REGISTRY_UNAVAILABLE,
                wanted + ": " + what + " could not be fetched"
                        + (status == null || status < 0 ? "" : " (" + status + ")") + ": " + why(wanted, e),
                e);
    }

    /** The client's own words for this are names of classes. */
    private static String why(OciReference wanted, Throwable e) {
        Throwable root = e;
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnresolvedAddressException || cause instanceof UnknownHostException) {
                return "the host of " + wanted.registry() + " is not known";
            }
            if (cause instanceof SSLException) {
                return "no TLS with " + wanted.registry() + " (" + cause.getMessage()
                        + "); a registry without TLS needs --plain-http";
            }
            root = cause;
        }
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof ConnectException) {
                return "nobody answers at " + wanted.registry();
            }
        }
        return root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
    }

    private static EventsException invalid(OciReference wanted, String why) {
        return new EventsException(ErrorCode.INVALID_PACK, wanted + " is not taken: " + why);
    }

    private static EventsException corrupt(OciReference wanted, String why) {
        return new EventsException(
                ErrorCode.ARTIFACT_CORRUPT,
                wanted + " is not what its digest says: " + why + "; nothing of it was kept");
    }

    private static void moveInto(Path partial, Path place) throws IOException {
        try {
            Files.move(partial, place, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            throw e;
        } catch (IOException e) {
            // Another process was first; it has the same.
            if (!Files.isDirectory(place)) {
                throw e;
            }
        }
    }

    private static void delete(Path directory) {
        if (!Files.isDirectory(directory)) {
            return;
        }
        try (DirectoryStream<Path> children = Files.newDirectoryStream(directory)) {
            for (Path child : children) {
                if (Files.isDirectory(child, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
                    delete(child);
                } else {
                    Files.deleteIfExists(child);
                }
            }
            Files.deleteIfExists(directory);
        } catch (IOException e) {
            LOG.warn("what was fetched in part stays in {}", directory, e);
        }
    }
}
