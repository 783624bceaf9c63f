package ai.greentic.events.conformance;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A disk whose power can go: an ext4 file system in a file, mounted. {@link #cut} has the kernel forget at once what was written and not
 * synced, as a loss of power does; {@link #restore} mounts what is left, after the file system's own recovery. Needs Linux, the rights to
 * mount (root), and the programs {@code mkfs.ext4}, {@code mount} and {@code perl}. For one thread; methods block on those programs.
 *
 * <p>What a disk's own cache loses is not shown: a sync reaches the file.
 */
final class PowerLossDisk implements AutoCloseable {
    /** {@code EXT4_IOC_SHUTDOWN} of the kernel's ext4.h, {@code _IOR('X', 125, __u32)}; 2 is {@code EXT4_GOING_FLAGS_NOLOGFLUSH}. */
    private static final String SHUTDOWN =
            "open(my $d, '<', $ARGV[0]) or die \"$!\"; my $f = pack('L', 2); $| = 1; print \"ready\\n\";"
                    + " defined(<STDIN>) or exit; ioctl($d, 0x8004587d, $f) or die \"$!\"";

    private final Path image;
    private final Path path;
    private boolean mounted;
    /** Waits for a line to cut the power, so that this takes no longer than that; ends without one. */
    private @Nullable Process cutter;

    /**
     * Makes the disk and mounts it.
     *
     * @param directory where its file and its mount point are made
     * @param mebibytes its size, at least 16
     * @throws IOException if that cannot be done here
     */
    PowerLossDisk(Path directory, int mebibytes) throws IOException {
        this.image = directory.resolve("disk.img");
        this.path = Files.createDirectory(directory.resolve("disk"));
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength((long) mebibytes << 20);
        }
        run(List.of("mkfs.ext4", "-q", "-F", image.toString()));
        restore();
    }

    /** Where it is mounted. */
    Path path() {
        return path;
    }

    /** What was written so far survives. */
    void sync() throws IOException {
        run(List.of("sync", "-f", path.toString()));
    }

    /** The power goes: what was not synced is lost, and whoever goes on using the disk meets errors. */
    void cut() throws IOException {
        Process ready = Objects.requireNonNull(cutter);
        try (OutputStream line = ready.getOutputStream()) {
            line.write('\n');
        }
        awaitEnd(ready);
    }

    /**
     * Unmounts, if need be, and mounts what the disk holds.
     *
     * @throws IOException if it is still in use: whoever used it has to end first
     */
    void restore() throws IOException {
        close();
        run(List.of("mount", "-o", "loop", image.toString(), path.toString()));
        mounted = true;
        cutter = new ProcessBuilder("perl", "-e", SHUTDOWN, path.toString())
                .redirectErrorStream(true)
                .start();
        if (cutter.getInputStream().read() != 'r') {
            awaitEnd(cutter);
        }
    }

    private void awaitEnd(Process process) throws IOException {
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        cutter = null;
        if (await(process) != 0) {
            throw new IOException("the power of " + path + " cannot be cut: " + said);
        }
    }

    /** Unmounts. */
    @Override
    public void close() throws IOException {
        if (cutter != null) {
            cutter.getOutputStream().close();
            awaitEnd(cutter);
        }
        if (mounted) {
            run(List.of("umount", path.toString()));
            mounted = false;
        }
    }

    private static void run(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        if (await(process) != 0) {
            throw new IOException(String.join(" ", command) + " failed: " + said);
        }
    }

    private static int await(Process process) throws IOException {
        try {
            return process.waitFor(60, TimeUnit.SECONDS) ? process.exitValue() : -1;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException(
                    "interrupted while waiting for " + process.info().command().orElse("a program"));
        }
    }
}
