package ai.greentic.events.pack;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Reads a pack from an archive, or from what was unpacked from one: first whether its files are those of its list and who signed them, then its manifest, of which there are
 * two models. Every problem is collected.
 */
final class ArchiveReader {
    static final String MANIFEST = "manifest.cbor";
    static final String LIST_FORMAT = "greentic-sbom-v1";
    private static final Set<String> SCHEMAS = new TreeSet<>(Set.of("pack-v1", "greentic.pack-manifest.v1"));

    private final PackFiles archive;
    private final PackTrust trust;
    private final Problems problems;
    private final List<String> warnings = new ArrayList<>();

    private ArchiveReader(PackFiles archive, PackTrust trust, Problems problems) {
        this.archive = archive;
        this.trust = trust;
        this.problems = problems;
    }

    static Pack read(Path location, PackTrust trust) {
        Problems problems = new Problems();
        Pack pack = examine(location, trust, problems);
        PackVerification verification = pack.verification();
        if (trust.isStrict() && verification.status() != PackVerification.Status.TRUSTED) {
            throw refused(
                    location,
                    verification.warnings().isEmpty() ? List.of("it is not trusted") : verification.warnings());
        }
        if (!problems.all().isEmpty()) {
            throw refused(location, problems.all());
        }
        return pack;
    }

    /** Reads what can be read, and reports the rest. */
    static Pack examine(Path location, PackTrust trust, Problems problems) {
        try (PackFiles archive = open(location)) {
            return new ArchiveReader(archive, trust, problems).read();
        }
    }

    static PackFiles open(Path location) {
        return Files.isDirectory(location) ? UnpackedArchive.open(location) : Archive.open(location);
    }

    private Pack read() {
        byte[] bytes = archive.bytes(MANIFEST).orElseThrow(() -> refused(List.of("it has no " + MANIFEST)));
        Tree manifest = JacksonDocument.read(bytes, name(MANIFEST), problems);
        Optional<Tree> meta = manifest.at("meta").filter(Tree::isMapping);
        PackVerification verification = verify(bytes, manifest, meta.isPresent());
        Set<String> paths = Set.copyOf(archive.files().keySet());
        PackContents contents = new PackContents(meta.orElse(manifest), PackContents.flows(manifest), paths::contains);
        return meta.isPresent()
                ? legacy(meta.get(), verification, contents)
                : new CompiledManifest(manifest).pack(archive.location(), this::beside, verification, contents);
    }

    private String name(String path) {
        return archive.location() + "!" + path;
    }

    private EventsException refused(List<String> why) {
        return refused(archive.location(), why);
    }

    private static EventsException refused(Path location, List<String> why) {
        return EventsException.several(ErrorCode.INVALID_PACK, "archive " + location + " cannot be used", why);
    }

    private Optional<Tree> beside(String path) {
        return archive.bytes(path)
                .or(() -> archive.bytes("assets/" + path))
                .map(bytes -> JacksonDocument.read(bytes, name(path), problems));
    }

    private Pack legacy(Tree meta, PackVerification verification, PackContents contents) {
        PackReader.checkVersion(meta);
        return new Pack(
                archive.location(),
                meta.required("pack_id"),
                meta.required("version"),
                Pack.Layout.C,
                EventsSection.read(meta, problems),
                new ExtrasReader(this::beside).read(meta),
                verification,
                contents);
    }

    /** Where an archive lists its files. */
    static String listName(PackFiles archive) {
        return archive.files().containsKey("sbom.cbor") ? "sbom.cbor" : "sbom.json";
    }

    /**
     * @param legacy whether the files must be those of the list even if nobody asks for a signature, as readers of this model always had it
     */
    private PackVerification verify(byte[] bytes, Tree manifest, boolean legacy) {
        String listName = listName(archive);
        Optional<byte[]> list = archive.bytes(listName);
        if (list.isEmpty()) {
            warnings.add("it has no list of its files (sbom.cbor or sbom.json)");
        } else {
            compare(JacksonDocument.read(list.get(), name(listName), problems), listName);
        }
        if (!warnings.isEmpty()) {
            if (legacy) {
                throw refused(warnings);
            }
            return new PackVerification(PackVerification.Status.FAILED, null, warnings);
        }
        manifest.text("schema_version")
                .filter(version -> !legacy && !SCHEMAS.contains(version))
                .ifPresent(
                        version -> warnings.add("its schema_version is '" + version + "'; those known are " + SCHEMAS));
        SortedMap<String, String> hashes = new TreeMap<>();
        Set<String> listed = listed(listName);
        archive.files().forEach((path, file) -> {
            if (listed.contains(path)) {
                hashes.put(path, file.blake3());
            }
        });
        return PackSignature.verify(
                archive.bytes(PackSignature.FILE)
                        .map(signature -> JacksonDocument.json(signature, name(PackSignature.FILE), problems))
                        .orElse(null),
                archive.bytes(PackSignature.CHAIN).orElse(null),
                PackSignature.digest(bytes, list.orElseThrow(), hashes),
                trust,
                warnings);
    }

    /** The files that a list must have: all but itself and the signature. */
    private Set<String> listed(String listName) {
        Set<String> paths = new TreeSet<>(archive.files().keySet());
        paths.removeAll(Set.of(listName, PackSignature.FILE, PackSignature.CHAIN));
        return paths;
    }

    private void compare(Tree list, String listName) {
        if (!list.isMapping() || !list.text("format").orElse("").equals(LIST_FORMAT)) {
            warnings.add(listName + " is not of format " + LIST_FORMAT);
            return;
        }
        Set<String> missing = listed(listName);
        for (Tree item : list.items("files")) {
            String path = item.isMapping() ? item.text("path").orElse("") : "";
            PackFiles.File file = archive.files().get(path);
            if (file == null) {
                warn(listName + " has '" + path + "', the archive has not");
            } else if (!missing.remove(path)) {
                warn(listName + " has '" + path + "' twice, or must not have it");
            } else if (!item.text("hash_blake3").orElse("").equals(file.blake3())) {
                warn("'" + path + "' is not what " + listName + " says; its BLAKE3 is " + file.blake3());
            } else if (!item.text("size").orElse("").equals(Long.toString(file.size()))) {
                warn("'" + path + "' has " + file.size() + " bytes, not as " + listName + " says");
            }
        }
        missing.forEach(path -> warn("'" + path + "' is not in " + listName));
    }

    private void warn(String warning) {
        if (warnings.size() < 100) {
            warnings.add(warning);
        }
    }
}
