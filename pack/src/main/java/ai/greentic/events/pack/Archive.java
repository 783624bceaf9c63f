package ai.greentic.events.pack;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.CRC32;
import org.apache.commons.codec.binary.Hex;
import org.apache.commons.codec.digest.Blake3;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipFile;
import org.jspecify.annotations.Nullable;

/**
 * The files of a {@code .gtpack}, a ZIP archive that may come from anybody. Opening it reads every byte once: names, kinds, sizes and
 * checksums are checked, limits hold for the bytes that come out and not for those that are announced, and the BLAKE3 of each file is
 * kept. What is read later must have that hash still. Nothing is ever written to disk by an archive's paths. For one thread.
 */
final class Archive implements PackFiles {
    private static final int MAX_PATH_BYTES = 512;
    /** Of the central directory, whose entries are read before they can be counted. */
    private static final int MAX_DIRECTORY_BYTES = 4 << 20;

    private static final int END_BYTES = 22;
    private static final int END_SIGNATURE = 0x06054b50;
    private static final int MAX_COMMENT = 0xffff;
    private static final int UNIX_KIND = 0170000;
    private static final int UNIX_REGULAR = 0100000;

    private final Path location;
    private final ZipFile zip;
    private final TreeMap<String, File> files = new TreeMap<>();
    private final TreeMap<String, ZipArchiveEntry> entries = new TreeMap<>();

    private Archive(Path location, ZipFile zip) {
        this.location = location;
        this.zip = zip;
    }

    /**
     * @throws EventsException {@code INVALID_PACK} that names the file and the rule, also if it cannot be read
     */
    static Archive open(Path location) {
        Archive archive = null;
        try {
            checkDirectory(location);
            ZipFile zip = ZipFile.builder()
                    .setPath(location)
                    .setUseUnicodeExtraFields(false)
                    .setIgnoreLocalFileHeader(true)
                    .get();
            archive = new Archive(location, zip);
            archive.readAll();
            return archive;
        } catch (NoSuchFileException e) {
            throw refused(location, "it does not exist", e);
        } catch (IOException | IllegalArgumentException e) {
            closeQuietly(archive);
            throw refused(location, "it cannot be read as ZIP: " + e.getMessage(), e);
        } catch (RuntimeException | Error e) {
            closeQuietly(archive);
            throw e;
        }
    }

    private static void closeQuietly(@Nullable Archive archive) {
        if (archive != null) {
            archive.close();
        }
    }

    private static EventsException refused(Path location, String why, @Nullable Throwable cause) {
        return new EventsException(ErrorCode.INVALID_PACK, "archive " + location + ": " + why, cause);
    }

    private EventsException refused(String why) {
        return refused(location, why, null);
    }

    /** That the end of the archive announces a directory of sane size which reaches exactly to that end; APPNOTE.TXT 4.3.16. */
    private static void checkDirectory(Path location) throws IOException {
        try (FileChannel channel = FileChannel.open(location)) {
            long size = channel.size();
            if (size > MAX_TOTAL_BYTES + MAX_DIRECTORY_BYTES + MAX_COMMENT) {
                throw refused(location, "it is larger than " + MAX_TOTAL_BYTES + " bytes", null);
            }
            ByteBuffer tail = ByteBuffer.allocate((int) Math.min(size, END_BYTES + MAX_COMMENT))
                    .order(ByteOrder.LITTLE_ENDIAN);
            while (tail.hasRemaining() && channel.read(tail, size - tail.capacity() + tail.position()) > 0) {}
            for (int at = tail.position() - END_BYTES; at >= 0; at--) {
                if (tail.getInt(at) == END_SIGNATURE) {
                    checkEnd(location, tail, at, size - tail.capacity() + at);
                    return;
                }
            }
            throw refused(location, "it is not a ZIP archive", null);
        }
    }

    private static void checkEnd(Path location, ByteBuffer tail, int at, long position) {
        int count = tail.getShort(at + 10) & 0xffff;
        long bytes = tail.getInt(at + 12) & 0xffffffffL;
        long start = tail.getInt(at + 16) & 0xffffffffL;
        int comment = tail.getShort(at + 20) & 0xffff;
        if (tail.getInt(at + 4) != 0 || tail.getShort(at + 8) != tail.getShort(at + 10)) {
            throw refused(location, "it is one of several parts", null);
        }
        if (count > MAX_FILES || bytes > MAX_DIRECTORY_BYTES) {
            throw refused(location, "it has more than " + MAX_FILES + " files, or their names are too long", null);
        }
        if (start + bytes != position || at + END_BYTES + comment != tail.capacity()) {
            throw refused(location, "its directory is not where its end says; it is damaged or made to deceive", null);
        }
    }

    private void readAll() throws IOException {
        Set<String> names = new HashSet<>();
        long left = MAX_TOTAL_BYTES;
        for (Iterator<ZipArchiveEntry> all = zip.getEntriesInPhysicalOrder().asIterator(); all.hasNext(); ) {
            ZipArchiveEntry entry = all.next();
            String path = path(entry);
            if (!names.add(Normalizer.normalize(path, Normalizer.Form.NFC))) {
                throw refused("it has '" + path + "' twice");
            }
            if (names.size() > MAX_FILES) {
                throw refused("it has more than " + MAX_FILES + " files");
            }
            if (path.endsWith("/")) {
                continue;
            }
            if (!zip.canReadEntryData(entry)
                    || entry.getMethod() != ZipArchiveEntry.STORED && entry.getMethod() != ZipArchiveEntry.DEFLATED) {
                throw refused("'" + path + "' is encrypted or compressed by another method than deflate");
            }
            File file = read(entry, path, left);
            left -= file.size();
            files.put(path, file);
            entries.put(path, entry);
        }
    }

    /** The name, if it is a plain relative path in UTF-8 of a regular file or, with a slash at its end, of a directory. */
    private String path(ZipArchiveEntry entry) {
        String path;
        try {
            path = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(entry.getRawName()))
                    .toString();
        } catch (CharacterCodingException e) {
            throw refused(location, "a name in it is not UTF-8", e);
        }
        String shown = path.length() > 100 ? path.substring(0, 100) + "…" : path;
        if (entry.getRawName().length > MAX_PATH_BYTES) {
            throw refused("the path '" + shown + "' is longer than " + MAX_PATH_BYTES + " bytes");
        }
        String whole = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
        boolean plain = path.indexOf('\\') < 0
                && path.indexOf(':') < 0
                && path.codePoints().noneMatch(Character::isISOControl)
                && Arrays.stream(whole.split("/", -1))
                        .noneMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
        if (!plain) {
            throw refused("'" + shown + "' is no plain relative path; it would lead out of the archive");
        }
        int kind = entry.getPlatform() == ZipArchiveEntry.PLATFORM_UNIX ? entry.getUnixMode() & UNIX_KIND : 0;
        if (!path.endsWith("/") && kind != 0 && kind != UNIX_REGULAR) {
            throw refused("'" + shown + "' is a link or a special file");
        }
        return path;
    }

    private File read(ZipArchiveEntry entry, String path, long left) throws IOException {
        Blake3 hash = Blake3.initHash();
        CRC32 checksum = new CRC32();
        long size = 0;
        byte[] buffer = new byte[1 << 16];
        try (InputStream in = zip.getInputStream(entry)) {
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                size += read;
                if (size > MAX_FILE_BYTES) {
                    throw refused("'" + path + "' is larger than " + MAX_FILE_BYTES + " bytes");
                }
                if (size > left) {
                    throw refused("its files are larger than " + MAX_TOTAL_BYTES + " bytes together");
                }
                hash.update(buffer, 0, read);
                checksum.update(buffer, 0, read);
            }
        }
        if (size != entry.getSize() || checksum.getValue() != entry.getCrc()) {
            throw refused("'" + path + "' has " + size + " bytes that do not agree with its size or checksum");
        }
        return new File(path, size, Hex.encodeHexString(hash.doFinalize(32)));
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
        try (InputStream in = zip.getInputStream(entries.get(path))) {
            byte[] bytes = in.readNBytes(MAX_FILE_BYTES);
            if (!blake3(bytes).equals(file.blake3())) {
                throw refused("'" + path + "' changed while it was read");
            }
            return Optional.of(bytes);
        } catch (IOException e) {
            throw refused(location, "'" + path + "' cannot be read: " + e.getMessage(), e);
        }
    }

    /** The hash that archives use: BLAKE3 of 256 bits, in lower-case hexadecimal. */
    static String blake3(byte[] bytes) {
        return Hex.encodeHexString(Blake3.hash(bytes));
    }

    @Override
    public void close() {
        try {
            zip.close();
        } catch (IOException e) {
            throw refused(location, "it cannot be closed: " + e.getMessage(), e);
        }
    }
}
