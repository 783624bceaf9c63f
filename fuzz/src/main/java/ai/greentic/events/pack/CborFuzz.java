package ai.greentic.events.pack;

import ai.greentic.events.EventsException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** {@code manifest.cbor} of both compiled models, without the archive around it. In this package, since only the archive's reader may do so. */
public final class CborFuzz {
    private static final PackVerification NONE =
            new PackVerification(PackVerification.Status.UNSIGNED, null, List.of());

    private CborFuzz() {}

    public static void fuzzerTestOneInput(byte[] input) {
        Problems problems = new Problems();
        try {
            Tree manifest = JacksonDocument.read(input, "manifest.cbor", problems);
            Optional<Tree> meta = manifest.at("meta").filter(Tree::isMapping);
            if (meta.isPresent()) {
                PackReader.checkVersion(meta.get());
                var section = EventsSection.read(meta.get(), problems);
                var extras = new ExtrasReader(name -> Optional.empty()).read(meta.get());
                if (section == null || extras == null) {
                    throw new AssertionError("a reader gave nothing");
                }
            } else {
                Pack pack = new CompiledManifest(manifest)
                        .pack(Path.of("manifest.cbor"), name -> Optional.empty(), NONE, PackContents.NONE);
                if (problems.all().isEmpty() && pack.id().isBlank()) {
                    throw new AssertionError("a pack without an id has no problem");
                }
            }
            var unused = manifest.value();
        } catch (EventsException refused) {
            // In words.
        }
    }
}
