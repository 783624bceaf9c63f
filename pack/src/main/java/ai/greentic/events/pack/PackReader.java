package ai.greentic.events.pack;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads packs from directories: {@code pack.yaml} of both layouts, unpacked archives, and packs anywhere below. Collects every problem of a pack. */
final class PackReader {
    static final String ARCHIVE_SUFFIX = ".gtpack";
    private static final int MAX_PACKS = 1_000;
    private static final int MAX_DEPTH = 16;

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
        Tree root = YamlFile.read(manifest, problems);
        Pack pack = root.isMapping() ? pack(location, root, problems) : null;
        if (pack == null) {
            root.problem("is not a mapping; a pack begins with id and version");
        }
        if (pack == null || !problems.all().isEmpty()) {
            throw EventsException.several(
                    ErrorCode.INVALID_PACK, "pack " + manifest + " cannot be used", problems.all());
        }
        return pack;
    }

    private static boolean isPack(Path directory) {
        return Files.isRegularFile(directory.resolve("pack.yaml")) || isUnpacked(directory);
    }

    private static boolean isUnpacked(Path directory) {
        return !Files.exists(directory.resolve("pack.yaml"))
                && Files.isRegularFile(directory.resolve(ArchiveReader.MANIFEST));
    }

    /** The pack at a place, or those below it, in the order of their paths. */
    static List<Pack> readAll(Path location, PackTrust trust) {
        if (!Files.isDirectory(location) || isPack(location)) {
            return List.of(read(location, trust));
        }
        List<Path> packs = packsBelow(location);
        if (packs.isEmpty()) {
            throw new EventsException(ErrorCode.INVALID_PACK, missing(location));
        }
        return packs.stream().map(pack -> read(pack, trust)).toList();
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
                new PackVerification(PackVerification.Status.DIRECTORY, null, List.of()));
    }

    private static Optional<Tree> beside(Path directory, String name, Problems problems) {
        Path file = directory.resolve(name);
        return Files.isRegularFile(file) ? Optional.of(YamlFile.read(file, problems)) : Optional.empty();
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
