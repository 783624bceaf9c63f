package ai.greentic.events.pack;

import java.nio.file.Path;
import java.util.Optional;
import java.util.SortedMap;

/** The files of a compiled pack, in its archive or unpacked, within limits and with their hashes. For one thread. */
sealed interface PackFiles extends AutoCloseable permits Archive, UnpackedArchive {
    long MAX_TOTAL_BYTES = 64L << 20;
    int MAX_FILE_BYTES = 16 << 20;
    int MAX_FILES = 10_000;

    /**
     * A file of a pack.
     *
     * @param path relative, with slashes
     * @param size in bytes
     * @param blake3 lower-case hexadecimal
     */
    record File(String path, long size, String blake3) {}

    /** The archive, or the directory. */
    Path location();

    /** The files by path. */
    SortedMap<String, File> files();

    /** What a file holds, if there is one. */
    Optional<byte[]> bytes(String path);

    @Override
    void close();
}
