package ai.greentic.events.fuzz;

import ai.greentic.events.EventsException;
import ai.greentic.events.pack.Pack;
import ai.greentic.events.pack.PackBuilder;
import ai.greentic.events.pack.PackTrust;
import ai.greentic.events.pack.PackVerification;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** A signature and its certificates, with a zero byte between them, beside the files of a whole pack. */
public final class SignatureFuzz {
    private static final Path PACK = unpacked();

    private SignatureFuzz() {}

    private static Path unpacked() {
        Path directory = Places.directory();
        Path source = Places.directory();
        Places.write(source.resolve("pack.yaml"), "{id: p, version: '1'}".getBytes(StandardCharsets.UTF_8));
        Path archive = source.resolve("p.gtpack");
        PackBuilder.build(source, archive);
        try (ZipInputStream zip = new ZipInputStream(Files.newInputStream(archive))) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                Path file = directory.resolve(entry.getName());
                Files.createDirectories(Objects.requireNonNull(file.getParent()));
                Files.write(file, zip.readAllBytes());
            }
            Files.createDirectories(directory.resolve("signatures"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return directory;
    }

    public static void fuzzerTestOneInput(byte[] input) {
        int end = 0;
        while (end < input.length && input[end] != 0) {
            end++;
        }
        Places.write(PACK.resolve("signatures/pack.sig"), Arrays.copyOf(input, end));
        Places.write(
                PACK.resolve("signatures/chain.pem"),
                Arrays.copyOfRange(input, Math.min(end + 1, input.length), input.length));
        try {
            Pack pack = Pack.open(PACK, PackTrust.lenient());
            if (pack.verification().status() == PackVerification.Status.TRUSTED) {
                throw new AssertionError("nobody is trusted, and " + pack + " was");
            }
        } catch (EventsException refused) {
            // In words.
        }
    }
}
