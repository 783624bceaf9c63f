package ai.greentic.events.embedded;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import java.util.Set;

/** The files of a store, private to their owner, on a local disk. */
final class StateDirectory {
    /** File systems whose locks and mapped memory do not reach other machines, or not reliably. */
    private static final Set<String> NETWORK = Set.of(
            "nfs",
            "nfs3",
            "nfs4",
            "cifs",
            "smb",
            "smb2",
            "smb3",
            "smbfs",
            "afs",
            "ncpfs",
            "9p",
            "ceph",
            "glusterfs",
            "lustre",
            "gpfs",
            "ocfs2",
            "gfs2",
            "davfs",
            "fuse.sshfs",
            "fuse.glusterfs",
            "fuse.s3fs",
            "fuse.rclone",
            "fuse.davfs2");

    private static final byte[] SQLITE_MAGIC = "SQLite format 3\0".getBytes(StandardCharsets.US_ASCII);

    final Path path;
    final Path database;
    final Path log;
    final Path marks;
    final Path locks;

    private StateDirectory(Path path) {
        this.path = path;
        this.database = path.resolve("events.db");
        this.log = path.resolve("events.db-wal");
        this.marks = path.resolve("events.marks");
        this.locks = path.resolve("events.locks");
    }

    /** Makes the directory and its files if they are missing, and refuses what cannot be used. */
    static StateDirectory prepare(Path wanted) {
        try {
            Path directory = make(wanted);
            refuseNetwork(directory, Files.getFileStore(directory).type());
            if (!Files.isWritable(directory)) {
                throw unusable(directory, "it cannot be written; choose another one, or change its permissions");
            }
            StateDirectory prepared = new StateDirectory(directory);
            if (Files.exists(prepared.database)) {
                refuseForeign(prepared.database);
            } else {
                createPrivate(prepared.database);
            }
            createPrivate(prepared.marks);
            createPrivate(prepared.locks);
            return prepared;
        } catch (IOException e) {
            throw unusable(wanted, "it could not be made ready (" + e + "); choose another one, or repair it");
        }
    }

    /** The files of a store that must be there. */
    static StateDirectory existing(Path wanted) {
        requireStore(wanted);
        return prepare(wanted);
    }

    static void requireStore(Path wanted) {
        if (!Files.isRegularFile(wanted.resolve("events.db"))) {
            throw unusable(wanted, "there is no store in it; name the directory that holds events.db");
        }
    }

    private static Path make(Path wanted) throws IOException {
        if (Files.exists(wanted) && !Files.isDirectory(wanted)) {
            throw unusable(wanted, "it is a file; name a directory");
        }
        if (!Files.exists(wanted)) {
            Files.createDirectories(wanted, mode("rwx------", wanted));
        }
        return wanted.toRealPath();
    }

    static void refuseNetwork(Path directory, String type) {
        if (NETWORK.contains(type.toLowerCase(Locale.ROOT))) {
            throw unusable(
                    directory,
                    "it lies on a network file system (" + type
                            + "), whose locks do not protect a store; name a directory on a local disk");
        }
    }

    private static void refuseForeign(Path database) throws IOException {
        byte[] head;
        try (InputStream in = Files.newInputStream(database)) {
            head = in.readNBytes(SQLITE_MAGIC.length);
        }
        if (head.length > 0 && !java.util.Arrays.equals(head, SQLITE_MAGIC)) {
            throw new EventsException(
                    ErrorCode.STORE_CORRUPT,
                    "store " + database + " does not begin like a database: it is damaged, or another program's file;"
                            + " restore a backup, or name another directory");
        }
    }

    static void createPrivate(Path file) throws IOException {
        try {
            Files.createFile(file, mode("rw-------", file));
        } catch (FileAlreadyExistsException known) {
            if (!Files.isRegularFile(file)) {
                throw new IOException(file + " is not a regular file", known);
            }
        }
    }

    private static FileAttribute<?>[] mode(String permissions, Path file) {
        if (!file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            return new FileAttribute<?>[0];
        }
        Set<PosixFilePermission> set = PosixFilePermissions.fromString(permissions);
        return new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(set)};
    }

    static EventsException unusable(Path directory, String why) {
        return new EventsException(ErrorCode.STORE_UNUSABLE, "state directory " + directory + ": " + why);
    }
}
