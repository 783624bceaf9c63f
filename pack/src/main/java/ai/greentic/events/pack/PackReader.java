package ai.greentic.events.pack;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** Reads packs from directories: {@code pack.yaml} of both layouts, unpacked archives, and packs anywhere below. Collects every problem of a pack. */
final class PackReader {
    static final String ARCHIVE_SUFFIX = ".gtpack";
    private static final int MAX_PACKS = 1_000;
    private static final int MAX_DEPTH = 16;

    private static final PackVerification NOTHING =
            new PackVerification(PackVerification.Status.DIRECTORY, null, List.of());

    private PackReader() {}

    static Pack read(Path location, PackTrust trust) {
        Path manifest = location.resolve("pack.yaml");
        if (Files.isRegularFile(location) || isUnpacked(location)) {
            return ArchiveReader.read(location, trust);
        }
        if (!Files.isRegularFile(manifest)) {
            throw new EventsException(ErrorCode.INVALID_PACK, missing(location));
        }
        if (!trust.takesDirectories()) {
            throw new EventsException(
                    ErrorCode.INVALID_PACK,
                    "pack " + location
                            + " is a directory, which nobody can sign, and signatures are required; build and sign an archive");
        }
        Problems problems = new Problems();
        Pack pack = examine(location, problems);
        if (!problems.all().isEmpty()) {
            throw EventsException.several(
                    ErrorCode.INVALID_PACK, "pack " + manifest + " cannot be used", problems.all());
        }
        return pack;
    }

    /** Reads what can be read of a pack, and reports the rest. */
    static Pack examine(Path location, PackTrust trust, Problems problems) {
        if (Files.isRegularFile(location) || isUnpacked(location)) {
            return ArchiveReader.examine(location, trust, problems);
        }
        if (!Files.isRegularFile(location.resolve("pack.yaml"))) {
            throw new EventsException(ErrorCode.INVALID_PACK, missing(location));
        }
        return examine(location, problems);
    }

    private static Pack examine(Path directory, Problems problems) {
        Tree root = YamlFile.read(directory.resolve("pack.yaml"), problems);
        if (!root.isMapping()) {
            root.problem("is not a mapping; a pack begins with id and version");
            return new Pack(directory, "", "", Pack.Layout.A, List.of(), PackExtras.NONE, NOTHING, PackContents.NONE);
        }
        return pack(directory, root, problems);
    }

    /** The pack at a place, or those below it; in the order of their paths. */
    static List<Path> find(Path location) {
        if (Files.isRegularFile(location) || Files.isDirectory(location) && isPack(location)) {
            return List.of(location);
        }
        if (!Files.isDirectory(location)) {
            throw new EventsException(ErrorCode.INVALID_PACK, missing(location));
        }
        List<Path> packs = packsBelow(location);
        if (packs.isEmpty()) {
            throw new EventsException(ErrorCode.INVALID_PACK, missing(location));
        }
        return packs;
    }

    private static boolean isPack(Path directory) {
        return Files.isRegularFile(directory.resolve("pack.yaml")) || isUnpacked(directory);
    }

    private static boolean isUnpacked(Path directory) {
        return !Files.exists(directory.resolve("pack.yaml"))
                && Files.isRegularFile(directory.resolve(ArchiveReader.MANIFEST));
    }

    static List<Pack> readAll(Path location, PackTrust trust) {
        return find(location).stream().map(pack -> read(pack, trust)).toList();
    }

    private static List<Path> packsBelow(Path directory) {
        List<Path> packs = new ArrayList<>();
        try {
            Files.walkFileTree(directory, Set.of(), MAX_DEPTH, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult preVisitDirectory(Path below, BasicFileAttributes attributes) {
                    return isPack(below) ? found(below, FileVisitResult.SKIP_SUBTREE) : FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                    return attributes.isRegularFile() && file.toString().endsWith(ARCHIVE_SUFFIX)
                            ? found(file, FileVisitResult.CONTINUE)
                            : FileVisitResult.CONTINUE;
                }

                private FileVisitResult found(Path pack, FileVisitResult next) {
                    packs.add(pack);
                    if (packs.size() > MAX_PACKS) {
                        throw new EventsException(
                                ErrorCode.INVALID_PACK,
                                "directory " + directory + " has more than " + MAX_PACKS
                                        + " packs below it; name a smaller one");
                    }
                    return next;
                }
            });
        } catch (IOException e) {
            throw new EventsException(
                    ErrorCode.INVALID_PACK, "directory " + directory + " cannot be read: " + e.getMessage(), e);
        }
        Collections.sort(packs);
        return packs;
    }

    private static String missing(Path location) {
        if (Files.isDirectory(location)) {
            return "directory " + location + " has no pack.yaml or " + ArchiveReader.MANIFEST
                    + ", and no pack is below it;" + " name the directory of a pack, or an archive";
        }
        return "pack " + location + " does not exist";
    }

    private static Pack pack(Path directory, Tree root, Problems problems) {
        boolean build = root.at("id").isEmpty() && root.at("pack_id").isPresent();
        String id = root.required(build ? "pack_id" : "id");
        String version = root.required("version");
        checkVersion(root);
        List<PackProvider> providers = EventsSection.read(root, problems);
        PackExtras extras = new ExtrasReader(name -> beside(directory, name, problems)).read(root);
        return new Pack(
                directory,
                id,
                version,
                build ? Pack.Layout.B : Pack.Layout.A,
                providers,
                extras,
                NOTHING,
                new PackContents(
                        root, flows(directory, root, problems), path -> Files.isRegularFile(directory.resolve(path))));
    }

    /** Flows that the manifest or {@code pack.json} lists, and those that stand in the directory. */
    private static Map<String, Optional<String>> flows(Path directory, Tree root, Problems problems) {
        Map<String, Optional<String>> flows = new TreeMap<>(PackContents.flows(root));
        beside(directory, "pack.json", problems).ifPresent(json -> flows.putAll(PackContents.flows(json)));
        Path below = directory.resolve("flows");
        if (Files.isDirectory(below, LinkOption.NOFOLLOW_LINKS)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(below, "*.ygtc")) {
                for (Path file : files) {
                    if (flows.size() < PackFiles.MAX_FILES && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                        flow(file, flows);
                    }
                }
            } catch (IOException e) {
                root.problem("lies beside flows that cannot be read: " + e.getMessage());
            }
        }
        return flows;
    }

    /** A flow that cannot be read is one all the same; whoever runs it will say so. */
    private static void flow(Path file, Map<String, Optional<String>> flows) {
        String name = file.getFileName().toString();
        String id = name.substring(0, name.lastIndexOf('.'));
        Optional<String> schema = Optional.empty();
        try {
            Tree flow = YamlFile.read(file, new Problems());
            if (flow.isMapping()) {
                id = flow.text("id").orElse(id);
                schema = flow.text("schema_version");
            }
        } catch (EventsException unreadable) {
            flows.put(id, schema);
            return;
        }
        flows.put(id, schema);
    }

    private static Optional<Tree> beside(Path directory, String name, Problems problems) {
        Path file = directory.resolve(name);
        return Files.isRegularFile(file) ? Optional.of(YamlFile.read(file, problems)) : Optional.empty();
    }

    static SortedMap<String, byte[]> files(Path location, Collection<String> paths) {
        SortedMap<String, byte[]> found = new TreeMap<>();
        if (Files.isRegularFile(location) || isUnpacked(location)) {
            try (PackFiles files = ArchiveReader.open(location)) {
                paths.forEach(path -> files.bytes(path).ifPresent(bytes -> found.put(path, bytes)));
            }
            return found;
        }
        for (String path : paths) {
            bytes(location, path).ifPresent(bytes -> found.put(path, bytes));
        }
        return found;
    }

    private static Optional<byte[]> bytes(Path directory, String path) {
        try {
            Path file = directory.resolve(path);
            if (!Files.isRegularFile(file)) {
                return Optional.empty();
            }
            if (!file.toRealPath().startsWith(directory.toRealPath())) {
                throw new EventsException(
                        ErrorCode.INVALID_PACK, "pack " + directory + ": " + path + " leads out of it");
            }
            try (InputStream in = Files.newInputStream(file)) {
                byte[] bytes = in.readNBytes(PackFiles.MAX_FILE_BYTES + 1);
                if (bytes.length > PackFiles.MAX_FILE_BYTES) {
                    throw new EventsException(
                            ErrorCode.INVALID_PACK,
                            "pack " + directory + ": " + path + " is larger than " + PackFiles.MAX_FILE_BYTES
                                    + " bytes");
                }
                return Optional.of(bytes);
            }
        } catch (IOException | InvalidPathException e) {
            throw new EventsException(
                    ErrorCode.INVALID_PACK,
                    "pack " + directory + ": " + path + " cannot be read: " + e.getMessage(),
                    e);
        }
    }

    /** That the format is the only one there is. */
    static void checkVersion(Tree manifest) {
        manifest.at("packVersion").ifPresent(value -> {
            Object number = value.value();
            if (!Long.valueOf(1).equals(number)) {
                value.problem("is " + number + "; only 1 is known");
            }
        });
    }
}
