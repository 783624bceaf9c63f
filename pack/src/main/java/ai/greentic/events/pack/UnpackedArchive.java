package ai.greentic.events.pack;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Collections;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** What was an archive, in a directory with {@code manifest.cbor}. The limits of archives hold; links are refused, not followed. */
final class UnpackedArchive implements PackFiles {
    private final Path location;
    private final TreeMap<String, File> files = new TreeMap<>();

    private UnpackedArchive(Path location) {
        this.location = location;
    }

    static UnpackedArchive open(Path directory) {
        UnpackedArchive unpacked = new UnpackedArchive(directory);
        try {
            Files.walkFileTree(directory, unpacked.new Reader());
        } catch (IOException e) {
            throw unpacked.refused("it cannot be read: " + e.getMessage());
        }
        return unpacked;
    }

    private EventsException refused(String why) {
        return new EventsException(ErrorCode.INVALID_PACK, "unpacked archive " + location + ": " + why);
    }

    private final class Reader extends SimpleFileVisitor<Path> {
        private long total;

        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            String path = location.relativize(file)
                    .toString()
                    .replace(file.getFileSystem().getSeparator(), "/");
            if (!attributes.isRegularFile()) {
                throw refused("'" + path + "' is a link or a special file");
            }
            byte[] bytes = read(file, path);
            total += bytes.length;
            if (total > MAX_TOTAL_BYTES || files.size() >= MAX_FILES) {
                throw refused("it has more than " + MAX_TOTAL_BYTES + " bytes or " + MAX_FILES + " files");
            }
            files.put(path, new File(path, bytes.length, Archive.blake3(bytes)));
            return FileVisitResult.CONTINUE;
        }
    }

    private byte[] read(Path file, String path) {
        try (InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
            byte[] bytes = in.readNBytes(MAX_FILE_BYTES + 1);
            if (bytes.length > MAX_FILE_BYTES) {
                throw refused("'" + path + "' is larger than " + MAX_FILE_BYTES + " bytes");
            }
            return bytes;
        } catch (IOException e) {
            throw refused("'" + path + "' cannot be read: " + e.getMessage());
        }
    }

    @Override
    public Path location() {
        return location;
    }

    @Override
    public SortedMap<String, File> files() {
        return Collections.unmodifiableSortedMap(files);
    }

    @Override
    public Optional<byte[]> bytes(String path) {
        File file = files.get(path);
        if (file == null) {
            return Optional.empty();
        }
        byte[] bytes = read(location.resolve(path), path);
        if (!Archive.blake3(bytes).equals(file.blake3())) {
            throw refused("'" + path + "' changed while it was read");
        }
        return Optional.of(bytes);
    }

    @Override
    public void close() {
        // Nothing is held open.
    }
}
