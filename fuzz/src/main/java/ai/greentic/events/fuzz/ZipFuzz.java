package ai.greentic.events.fuzz;

import ai.greentic.events.EventsException;
import ai.greentic.events.pack.Pack;
import ai.greentic.events.pack.PackTrust;
import java.nio.file.Path;

/** Archives, with their manifests, lists and signatures. */
public final class ZipFuzz {
    private static final Path ARCHIVE = Places.directory().resolve("pack.gtpack");

    private ZipFuzz() {}

    public static void fuzzerTestOneInput(byte[] input) {
        Places.write(ARCHIVE, input);
        try {
            Pack pack = Pack.open(ARCHIVE, PackTrust.lenient());
            var unused = pack.files(java.util.List.of("manifest.cbor", "flows/main/flow.ygtc"));
        } catch (EventsException refused) {
            return;
        }
        try {
            Pack strict = Pack.open(ARCHIVE, PackTrust.lenient().strict());
            throw new AssertionError("nobody is trusted, and " + strict + " was");
        } catch (EventsException refused) {
            // As it must be.
        }
    }
}
