package ai.greentic.events.pack;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveOutputStream;

/** Writes archives whose bytes follow from their files alone: stored, sorted by path, one date, one mode. */
final class ArchiveWriter {
    private static final LocalDateTime DATE = LocalDateTime.of(1980, 1, 1, 0, 0);
    private static final int REGULAR_0644 = 0100644;

    private ArchiveWriter() {}

    /** Writes it whole or not at all; what was there before is replaced. */
    static void write(SortedMap<String, byte[]> files, Path target) {
        Path absolute = target.toAbsolutePath();
        Path half = absolute.resolveSibling(absolute.getFileName() + ".part");
        try {
            try (ZipArchiveOutputStream zip = new ZipArchiveOutputStream(half)) {
                for (Map.Entry<String, byte[]> file : files.entrySet()) {
                    zip.putArchiveEntry(entry(file.getKey(), file.getValue()));
                    zip.write(file.getValue());
                    zip.closeArchiveEntry();
                }
            }
            Files.move(half, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT, "archive " + target + " cannot be written: " + e.getMessage(), e);
        } finally {
            deleteQuietly(half);
        }
    }

    private static void deleteQuietly(Path half) {
        try {
            Files.deleteIfExists(half);
        } catch (IOException stays) {
            // The failure that left it is told; a half-written file beside the target does no harm.
        }
    }

    private static ZipArchiveEntry entry(String path, byte[] bytes) {
        CRC32 checksum = new CRC32();
        checksum.update(bytes);
        ZipArchiveEntry entry = new ZipArchiveEntry(path);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(bytes.length);
        entry.setCrc(checksum.getValue());
        entry.setUnixMode(REGULAR_0644);
        entry.setTimeLocal(DATE);
        return entry;
    }

    /** The list of files, with what is known of each. */
    static byte[] list(SortedMap<String, byte[]> files) {
        List<Object> items = new ArrayList<>();
        files.forEach((path, bytes) -> {
            Map<String, Object> item = new LinkedHashMap<>();
            item.put("path", path);
            item.put("size", (long) bytes.length);
            item.put("hash_blake3", Archive.blake3(bytes));
            item.put("media_type", mediaType(path));
            items.add(item);
        });
        Map<String, Object> list = new LinkedHashMap<>();
        list.put("format", ArchiveReader.LIST_FORMAT);
        list.put("files", items);
        return Documents.json(list);
    }

    private static String mediaType(String path) {
        return switch (path.substring(path.lastIndexOf('.') + 1)) {
            case "json" -> "application/json";
            case "cbor" -> "application/cbor";
            case "wasm" -> "application/wasm";
            case "ygtc", "yaml", "yml" -> "application/yaml";
            default -> "application/octet-stream";
        };
    }
}
