package ai.greentic.events.runner;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Install records, in memory or in a file that several processes may share. Who asks says whose records are meant; changes name what they
 * change, so that none is lost. At most {@value #MOST} records. Thread-safe; a file is read for each call, and a change blocks until it is on disk.
 */
public final class InstallStore {
    private static final int MOST = 10_000;
    private static final int MOST_BYTES = 64 << 20;
    private static final String FIELD = "installs";
    /** A lock on a file is the process's; this one is its threads'. */
    private static final List<Object> THREADS =
            java.util.stream.Stream.generate(Object::new).limit(64).toList();

    private final @Nullable Path file;
    private final Object threads;
    private final Records inMemory = new Records(new TreeMap<>(), null);

    /**
     * @param around the other fields of the document where the records are one of them; null where the document is a list
     */
    private record Records(
            Map<String, ProviderInstall> byKey, @Nullable Map<String, Payload> around) {}

    private InstallStore(@Nullable Path file) {
        this.file = file;
        this.threads = file == null ? new Object() : THREADS.get(Math.floorMod(file.hashCode(), THREADS.size()));
    }

    /** A store that ends with the process. */
    public static InstallStore inMemory() {
        return new InstallStore(null);
    }

    /** A store in a JSON file: a list of records, or an object with them as {@code installs}. It is made with the first record. */
    public static InstallStore file(Path file) {
        return new InstallStore(file.toAbsolutePath().normalize());
    }

    /**
     * The store that Greentic's tools use for a project: the file that {@code .greentic/install_store.path} or
     * {@code .greentic/dev/install_store.path} names, else {@code .greentic/dev/installs.json}.
     *
     * @throws EventsException {@code INVALID_CONFIGURATION} if such a file is there and names nothing
     */
    public static InstallStore ofProject(Path root) {
        for (String pointer : List.of(".greentic/install_store.path", ".greentic/dev/install_store.path")) {
            Path at = root.resolve(pointer);
            if (Files.isRegularFile(at)) {
                String named = read(at).map(bytes -> new String(bytes, StandardCharsets.UTF_8).strip())
                        .orElse("");
                if (named.isEmpty() || named.indexOf('\n') >= 0 || named.indexOf('\0') >= 0) {
                    throw new EventsException(
                            ErrorCode.INVALID_CONFIGURATION,
                            at + " must hold the path of the install store and nothing else");
                }
                return file(root.resolve(named));
            }
        }
        return file(root.resolve(".greentic/dev/installs.json"));
    }

    private static String key(InstallKey key) {
        return String.join("\0", key.tenant().env(), key.tenant().name(), key.provider(), key.install());
    }

    /** The installs of a tenant, or of all tenants of an environment, in the order of their keys. */
    public List<ProviderInstall> list(TenantScope scope) {
        return within(
                false,
                records -> records.byKey.values().stream()
                        .filter(install -> scope.includes(install.tenant().tenant()))
                        .toList());
    }

    /** A tenant's install. */
    public Optional<ProviderInstall> find(TenantContext tenant, String provider, String install) {
        String key = key(new InstallKey(tenant.tenant(), provider, install));
        return within(false, records -> Optional.ofNullable(records.byKey.get(key)));
    }

    /** Adds a record; returns false if there is one under its key. */
    public boolean create(ProviderInstall install) {
        return within(true, records -> {
            if (records.byKey.size() >= MOST) {
                throw new EventsException(
                        ErrorCode.STORE_FULL,
                        "the install store has " + MOST + " records, as many as it may; remove some");
            }
            return records.byKey.putIfAbsent(key(install.key()), install) == null;
        });
    }

    /** Replaces a record; returns false, and changes nothing, if it is not the expected one any more. */
    public boolean replace(ProviderInstall expected, ProviderInstall next) {
        if (!expected.key().equals(next.key())) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT,
                    expected + " cannot become " + next + "; create the one and remove the other");
        }
        return within(true, records -> records.byKey.replace(key(expected.key()), expected, next));
    }

    /** Removes a record; returns false, and changes nothing, if it is not the expected one any more. */
    public boolean remove(ProviderInstall expected) {
        return within(true, records -> records.byKey.remove(key(expected.key()), expected));
    }

    /**
     * @param change whether what the work leaves is kept
     */
    private <T> T within(boolean change, Function<Records, T> work) {
        synchronized (threads) {
            if (file == null) {
                return work.apply(inMemory);
            }
            if (!change) {
                // Files are replaced as a whole, so that one is never seen half written.
                return work.apply(load(file));
            }
            Path parent = java.util.Objects.requireNonNull(file.getParent());
            try {
                Files.createDirectories(parent);
                try (FileChannel channel = FileChannel.open(
                        parent.resolve(file.getFileName() + ".lock"),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE)) {
                    // Goes with the channel.
                    FileLock unused = channel.lock();
                    Records records = load(file);
                    Map<String, ProviderInstall> before = new TreeMap<>(records.byKey);
                    T result = work.apply(records);
                    if (!before.equals(records.byKey)) {
                        save(file, records);
                    }
                    return result;
                }
            } catch (IOException e) {
                throw new EventsException(
                        ErrorCode.STORE_UNAVAILABLE,
                        "install store " + file + " cannot be changed: "
                                + e.getClass().getSimpleName() + " " + e.getMessage(),
                        e);
            }
        }
    }

    private static Optional<byte[]> read(Path file) {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MOST_BYTES + 1);
            if (bytes.length > MOST_BYTES) {
                throw corrupt(file, "is larger than " + MOST_BYTES + " bytes", null);
            }
            return Optional.of(bytes);
        } catch (IOException e) {
            throw new EventsException(
                    ErrorCode.STORE_UNAVAILABLE,
                    file + " cannot be read: " + e.getClass().getSimpleName(),
                    e);
        }
    }

    private static EventsException corrupt(Path file, String why, @Nullable Throwable cause) {
        return new EventsException(
                ErrorCode.STORE_CORRUPT, "install store " + file + " " + why + "; nothing was changed", cause);
    }

    private static Records load(Path file) {
        Optional<byte[]> bytes = read(file);
        Map<String, ProviderInstall> byKey = new TreeMap<>();
        if (bytes.isEmpty()) {
            return new Records(byKey, null);
        }
        try {
            String text = new String(bytes.get(), StandardCharsets.UTF_8).stripLeading();
            Map<String, Payload> around = text.startsWith("{") ? Fields.of(bytes.get(), "the store") : null;
            Map<String, Payload> holder = around == null ? Map.of(FIELD, Payload.json(bytes.get())) : around;
            for (Payload item : Fields.items(holder, FIELD, "the store")) {
                ProviderInstall install = ProviderInstall.parse(item.toBytes());
                if (byKey.put(key(install.key()), install) != null) {
                    throw corrupt(file, "has " + install + " twice", null);
                }
            }
            return new Records(byKey, around);
        } catch (EventsException e) {
            throw e.code() == ErrorCode.STORE_CORRUPT ? e : corrupt(file, "cannot be read: " + e.getMessage(), e);
        }
    }

    private static void save(Path file, Records records) throws IOException {
        ByteArrayOutputStream list = new ByteArrayOutputStream();
        list.write('[');
        boolean first = true;
        for (ProviderInstall install : records.byKey.values()) {
            list.writeBytes((first ? "\n" : ",\n").getBytes(StandardCharsets.US_ASCII));
            list.writeBytes(install.toJson());
            first = false;
        }
        list.writeBytes("\n]\n".getBytes(StandardCharsets.US_ASCII));
        byte[] document = list.toByteArray();
        Map<String, Payload> around = records.around;
        if (around != null) {
            around.put(FIELD, Payload.json(document));
            document = Fields.object(around);
        }
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        try (FileChannel out = FileChannel.open(
                fresh, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            ByteBuffer left = ByteBuffer.wrap(document);
            while (left.hasRemaining()) {
                out.write(left);
            }
            out.force(true);
        }
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
