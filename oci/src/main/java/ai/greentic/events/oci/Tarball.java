package ai.greentic.events.oci;

import ai.greentic.events.EventsException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;

/** Takes the packs out of a gzipped tarball, within limits on what comes out; links and paths that lead elsewhere are refused. */
final class Tarball {
    private static final int MAX_ENTRIES = 10_000;
    private static final long MAX_FILE_BYTES = 128L << 20;
    private static final long MAX_BYTES = 512L << 20;

    private Tarball() {}

    static void unpack(Path tarball, Path into, String suffix, PackRegistry.Refusal refusal) throws IOException {
        long left = MAX_BYTES;
        int entries = 0;
        try (InputStream file = Files.newInputStream(tarball);
                TarArchiveInputStream tar = new TarArchiveInputStream(new GzipCompressorInputStream(file))) {
            for (TarArchiveEntry entry = next(tar, refusal); entry != null; entry = next(tar, refusal)) {
                if (++entries > MAX_ENTRIES) {
                    throw refusal.because("its tarball has more than " + MAX_ENTRIES + " entries");
                }
                String name = entry.getName().startsWith("./") ? entry.getName().substring(2) : entry.getName();
                if (entry.isDirectory()) {
                    continue;
                }
                if (!entry.isFile() || entry.isSymbolicLink() || entry.isLink()) {
                    throw refusal.because("its tarball has '" + name + "', which is a link or a special file");
                }
                Path target = PackRegistry.below(into, name, refusal);
                boolean taken = name.endsWith(suffix);
                left -= taken ? copy(tar, target, Math.min(left, MAX_FILE_BYTES), name, refusal) : 0;
            }
        } catch (EventsException e) {
            throw e;
        } catch (IOException e) {
            throw refusal.because("its tarball cannot be read: " + e.getMessage());
        }
    }

    private static @org.jspecify.annotations.Nullable TarArchiveEntry next(
            TarArchiveInputStream tar, PackRegistry.Refusal refusal) throws IOException {
        try {
            return tar.getNextEntry();
        } catch (IllegalArgumentException e) {
            throw refusal.because("its tarball cannot be read: " + e.getMessage());
        }
    }

    private static long copy(InputStream in, Path target, long most, String name, PackRegistry.Refusal refusal)
            throws IOException {
        Files.createDirectories(target.getParent());
        long size = 0;
        byte[] buffer = new byte[1 << 16];
        try (OutputStream out = Files.newOutputStream(target)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                size += n;
                if (size > most) {
                    throw refusal.because("'" + name + "' in its tarball is larger than " + most + " bytes");
                }
                out.write(buffer, 0, n);
            }
        }
        return size;
    }
}
