package ai.greentic.events.pack;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Makes archives of packs that stand in directories, and signs them. The archives are of the legacy compiled model, the one that carries
 * an events section. The same files give the same bytes, on every machine. Thread-safe.
 */
public final class PackBuilder {
    /** Directories of a pack whose files go along. */
    private static final Set<String> DIRECTORIES = Set.of("assets", "components", "fixtures", "flows", "schemas");

    private static final String FLOW_SUFFIX = ".ygtc";

    private final Path directory;
    private final List<String> problems = new ArrayList<>();
    private final SortedMap<String, byte[]> files = new TreeMap<>();
    private long bytes;

    private PackBuilder(Path directory) {
        this.directory = directory;
    }

    /**
     * Builds the pack in a directory with a {@code pack.yaml} in layout A. Along go the files below {@code flows}, {@code components},
     * {@code schemas}, {@code fixtures} and {@code assets}, within the limits of {@link Pack#open(Path, PackTrust)}.
     *
     * @param archive is replaced if it is there, when all went well
     * @throws EventsException {@code INVALID_PACK} with every problem
     */
    public static void build(Path directory, Path archive) {
        new PackBuilder(directory).build(archive);
    }

    private void build(Path archive) {
        Pack pack = PackReader.read(directory, PackTrust.lenient());
        if (pack.layout() != Pack.Layout.A) {
            throw new EventsException(
                    ErrorCode.INVALID_PACK,
                    "pack " + directory + " is of layout " + pack.layout()
                            + (pack.layout() == Pack.Layout.B
                                    ? ", which is the input of the pack compiler; packs of layout A are built here"
                                    : ", which is built already"));
        }
        collect();
        Map<String, Map<String, Object>> flows = flows();
        List<String> entryFlows = entryFlows(pack, flows.keySet());
        if (!problems.isEmpty()) {
            throw EventsException.several(ErrorCode.INVALID_PACK, "pack " + directory + " cannot be built", problems);
        }
        Problems ignored = new Problems();
        Tree source = YamlFile.read(directory.resolve("pack.yaml"), ignored);
        Map<String, Object> manifest = new LinkedHashMap<>();
        manifest.put("meta", meta(pack, source, entryFlows));
        manifest.put("flows", List.copyOf(flows.values()));
        manifest.put("components", components());
        files.put(ArchiveReader.MANIFEST, Documents.cbor(manifest));
        files.put("manifest.json", Documents.json(manifest));
        files.put("provenance.json", Documents.json(Map.of("builder", "greentic-events")));
        SortedMap<String, byte[]> all = new TreeMap<>(files);
        all.put("sbom.json", ArchiveWriter.list(files));
        ArchiveWriter.write(all, archive);
    }

    /** Takes the files of the pack's directories. */
    private void collect() {
        for (String name : new TreeSet<>(DIRECTORIES)) {
            Path below = directory.resolve(name);
            if (Files.isDirectory(below, LinkOption.NOFOLLOW_LINKS)) {
                try {
                    Files.walkFileTree(below, new Collector());
                } catch (IOException e) {
                    problems.add(below + " cannot be read: " + e.getMessage());
                }
            }
        }
    }

    private final class Collector extends SimpleFileVisitor<Path> {
        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
            String path = directory
                    .relativize(file)
                    .toString()
                    .replace(file.getFileSystem().getSeparator(), "/");
            bytes += attributes.size();
            if (!attributes.isRegularFile()) {
                problems.add(path + " is a link or a special file; only regular files are taken");
            } else if (attributes.size() > PackFiles.MAX_FILE_BYTES) {
                problems.add(path + " is larger than " + PackFiles.MAX_FILE_BYTES + " bytes");
            } else if (bytes > PackFiles.MAX_TOTAL_BYTES || files.size() >= PackFiles.MAX_FILES) {
                problems.add("it has more than " + PackFiles.MAX_TOTAL_BYTES + " bytes or " + PackFiles.MAX_FILES
                        + " files");
                return FileVisitResult.TERMINATE;
            } else {
                // Fixtures are assets, which is where readers look for them.
                files.put(path.startsWith("fixtures/") ? "assets/" + path : path, Files.readAllBytes(file));
            }
            return FileVisitResult.CONTINUE;
        }
    }

    /** The flows by id, each with its JSON beside it. */
    private Map<String, Map<String, Object>> flows() {
        Map<String, Map<String, Object>> flows = new TreeMap<>();
        List<String> sources = files.keySet().stream()
                .filter(path -> path.startsWith("flows/") && path.endsWith(FLOW_SUFFIX))
                .toList();
        for (String source : sources) {
            byte[] yaml = java.util.Objects.requireNonNull(files.remove(source));
            Problems found = new Problems();
            Tree flow = YamlFile.read(directory.resolve(source), found);
            String stem = source.substring(source.lastIndexOf('/') + 1, source.length() - FLOW_SUFFIX.length());
            String id = flow.isMapping() ? flow.text("id").orElse(stem) : stem;
            Map<String, Object> entry = new LinkedHashMap<>();
            if (!flow.isMapping()) {
                problems.add(source + ": " + "it is not a mapping; a flow has an id and nodes");
            } else if (id.isBlank() || id.contains("/") || id.startsWith(".")) {
                problems.add(source + ": " + "its id '" + id + "' cannot be a directory's name");
            } else if (flows.put(id, entry) != null) {
                problems.add(source + ": " + "its id '" + id + "' is that of another flow");
            } else {
                String base = "flows/" + id + "/flow";
                entry.put("id", id);
                entry.put("kind", flow.text("type").orElse("event"));
                entry.put("entry", flow.text("start").or(() -> firstNode(flow)).orElse(id));
                entry.put("file_yaml", base + FLOW_SUFFIX);
                entry.put("file_json", base + ".json");
                entry.put("hash_blake3", Archive.blake3(yaml));
                files.put(base + FLOW_SUFFIX, yaml);
                files.put(base + ".json", Documents.json(java.util.Objects.requireNonNull(flow.value())));
            }
            found.all().forEach(problem -> problems.add(source + ": " + problem));
        }
        return flows;
    }

    private static java.util.Optional<String> firstNode(Tree flow) {
        return flow.at("nodes")
                .filter(Tree::isMapping)
                .flatMap(nodes -> nodes.entries().keySet().stream().findFirst());
    }

    /** Those that the pack names; else all. */
    private List<String> entryFlows(Pack pack, Set<String> flows) {
        Set<String> entries = new TreeSet<>(pack.extras().entryFlows().values());
        for (String entry : entries) {
            if (!flows.contains(entry)) {
                problems.add("entry flow '" + entry + "' is not amongst its flows " + flows);
            }
        }
        return List.copyOf(entries.isEmpty() ? flows : entries);
    }

    private List<Object> components() {
        List<Object> components = new ArrayList<>();
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            String[] parts = file.getKey().split("/", -1);
            int at = parts.length == 3 ? parts[1].lastIndexOf('@') : -1;
            if (at <= 0 || !parts[0].equals("components") || !parts[2].equals("component.wasm")) {
                continue;
            }
            String base = parts[0] + "/" + parts[1];
            String schema = "schemas/" + parts[1] + "/node.schema.json";
            Map<String, @Nullable Object> component = new LinkedHashMap<>();
            component.put("name", parts[1].substring(0, at));
            component.put("version", parts[1].substring(at + 1));
            component.put("file_wasm", file.getKey());
            component.put("hash_blake3", Archive.blake3(file.getValue()));
            component.put("schema_file", files.containsKey(schema) ? schema : null);
            component.put("manifest_file", files.containsKey(base + "/manifest.json") ? base + "/manifest.json" : null);
            component.put("world", null);
            component.put("capabilities", null);
            components.add(component);
        }
        return components;
    }

    private static Map<String, @Nullable Object> meta(Pack pack, Tree source, List<String> entryFlows) {
        Map<String, @Nullable Object> meta = new LinkedHashMap<>();
        meta.put("packVersion", 1);
        meta.put("pack_id", pack.id());
        meta.put("version", pack.version());
        meta.put("name", source.text("name").orElse(pack.id()));
        meta.put("description", source.text("description").orElse(null));
        meta.put("authors", List.of());
        for (String absent : List.of("license", "homepage", "support", "vendor")) {
            meta.put(absent, source.text(absent).orElse(null));
        }
        meta.put("imports", List.of());
        meta.put("entry_flows", entryFlows);
        meta.put("created_at_utc", Instant.EPOCH.toString());
        meta.put(
                "events",
                Map.of(
                        "providers",
                        pack.providers().stream().map(PackBuilder::provider).toList()));
        meta.put("interfaces", List.of());
        meta.put("annotations", source.at("annotations").map(Tree::value).orElse(Map.of()));
        meta.put("components", List.of());
        return meta;
    }

    private static Map<String, Object> provider(PackProvider provider) {
        Map<String, Object> capabilities = new LinkedHashMap<>();
        capabilities.put("transport", provider.descriptor().transport());
        capabilities.put("reliability", provider.descriptor().reliability().word());
        capabilities.put("ordering", provider.descriptor().ordering().word());
        if (!provider.topics().isEmpty()) {
            capabilities.put(
                    "topics",
                    provider.topics().stream().map(topic -> topic.value()).toList());
        }
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("name", provider.name());
        tree.put("kind", provider.descriptor().kind().word());
        tree.put("component", provider.component());
        if (provider.defaultFlow() != null) {
            tree.put("default_flow", provider.defaultFlow());
        }
        if (provider.customFlow() != null) {
            tree.put("custom_flow", provider.customFlow());
        }
        tree.put("capabilities", capabilities);
        return tree;
    }
}
