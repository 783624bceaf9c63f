package ai.greentic.events.embedded;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.spi.AttemptStore;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.ForwardStore;
import ai.greentic.events.spi.IdempotencyStore;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.StateStore;
import ai.greentic.events.spi.Time;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The durable store of a directory. Several processes may use it at once, and several buses of one process share it; each of them opens
 * it and closes what it opened. Files: {@code events.db} with its log {@code events.db-wal}, {@code events.marks} and {@code
 * events.locks}, readable by their owner only. The directory is a trust boundary: who can read it can read every tenant's events.
 *
 * <p>A receipt comes after the sync of the log. Thread-safe; methods block on the disk.
 */
public final class EmbeddedStore implements StateStore {
    private static final String IN_USE = "ai.greentic.events.embedded.";
    private static final Map<Path, Shared> OPEN = new HashMap<>();

    /** The store of this process for a directory, and how often it is open. */
    private static final class Shared {
        final Store store;
        int users;

        Shared(Store store) {
            this.store = store;
        }
    }

    private final Shared shared;
    private final AtomicBoolean closed = new AtomicBoolean();

    private EmbeddedStore(Shared shared) {
        this.shared = shared;
    }

    /**
     * Opens the store with the standard settings.
     *
     * @throws EventsException as {@link #open(Path, ProviderSettings, Time)}
     */
    public static EmbeddedStore open(Path directory, Time time) {
        return open(directory, ProviderSettings.defaults(StoreSettings.SCHEMA), time);
    }

    /**
     * Opens the store of a directory, which is made if it is missing. Settings count for the first one in a process that opens it.
     *
     * @param settings those of {@link EmbeddedStoreFactory#settings()}
     * @throws EventsException {@code STORE_UNUSABLE} if the directory or what is in it cannot be used; {@code STORE_CORRUPT} if
     *     something that was safe on disk is missing; {@code STORE_UNAVAILABLE} while another program holds the database
     */
    public static EmbeddedStore open(Path directory, ProviderSettings settings, Time time) {
        return open(directory, StoreSettings.of(settings), time, Store.Seams.NONE);
    }

    static EmbeddedStore open(Path directory, StoreSettings settings, Time time, Store.Seams seams) {
        StateDirectory files = StateDirectory.prepare(directory);
        synchronized (OPEN) {
            Shared shared = OPEN.get(files.path);
            if (shared == null) {
                refuseSecondLoader(files.path);
                try {
                    shared = new Shared(Store.open(files, settings, time, seams));
                    OPEN.put(files.path, shared);
                } finally {
                    if (shared == null) {
                        System.clearProperty(IN_USE + files.path);
                    }
                }
            }
            shared.users++;
            return new EmbeddedStore(shared);
        }
    }

    /** A second copy of these classes would lose the locks of the first one whenever it closed a file. */
    private static void refuseSecondLoader(Path path) {
        if (System.getProperties().putIfAbsent(IN_USE + path, "open") != null) {
            throw StateDirectory.unusable(
                    path, "another class loader of this process has it open; open it in one of them only");
        }
    }

    Store store() {
        if (closed.get()) {
            throw new EventsException(ErrorCode.CLOSED, "store " + shared.store.directory() + " is closed");
        }
        return shared.store;
    }

    /** Where it is. */
    public Path directory() {
        return shared.store.directory();
    }

    @Override
    public IdempotencyStore idempotency() {
        return store().idempotency();
    }

    @Override
    public DeadLetterStore deadLetters() {
        return store().deadLetters();
    }

    @Override
    public AttemptStore attempts() {
        return store().attempts();
    }

    @Override
    public ForwardStore forwards() {
        return store().forwards();
    }

    /** A tenant's topics with what is kept of them, by name. */
    public List<TopicSummary> topics(Tenant tenant) {
        return new Inspection(store()).topics(tenant);
    }

    /** The groups that take events of a tenant, those of all tenants of its environment among them, by name. */
    public List<GroupSummary> groups(Tenant tenant) {
        return new Inspection(store()).groups(tenant);
    }

    /**
     * Forgets a group of a tenant and its position on every provider: what it has not settled need not be kept for it any more.
     *
     * @return whether it was there
     * @throws EventsException {@code INVALID_ARGUMENT} while it has members
     */
    public boolean forgetGroup(Tenant tenant, String group) {
        return new Inspection(store()).forgetGroup(tenant, group);
    }

    /**
     * Writes a copy of everything to a file, as it is at one moment, while the store is used. To restore it, put it as {@code events.db}
     * into an empty directory.
     */
    public void backup(Path file) {
        new Inspection(store()).backup(file);
    }

    /**
     * Removes what retention lets go, gives the room of removed events back to the disk, and empties the log; the store can be used
     * meanwhile.
     *
     * @return bytes that the database is smaller
     */
    public long compact() {
        return new Inspection(store()).compact();
    }

    /**
     * Refuses a directory in which there is no store.
     *
     * @throws EventsException {@code STORE_UNUSABLE}
     */
    public static void requireAt(Path directory) {
        StateDirectory.requireStore(directory);
    }

    /**
     * Examines a directory that may be damaged, without opening it as a store.
     *
     * @param repair whether to give up what cannot be saved, so that the store opens again; every loss is in the report. No process
     *     may use the store meanwhile
     */
    public static Diagnosis examine(Path directory, boolean repair) {
        StateDirectory files = StateDirectory.existing(directory);
        synchronized (OPEN) {
            Shared open = OPEN.get(files.path);
            if (open != null && repair) {
                throw StateDirectory.unusable(files.path, "it is open here; close it before it is repaired");
            }
            return open != null ? new Doctor(files, open.store.processes).examine(false) : Doctor.alone(files, repair);
        }
    }

    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        synchronized (OPEN) {
            if (--shared.users > 0) {
                return;
            }
            Path path = shared.store.directory();
            OPEN.remove(path);
            try {
                shared.store.close();
            } finally {
                System.clearProperty(IN_USE + path);
            }
        }
    }
}
