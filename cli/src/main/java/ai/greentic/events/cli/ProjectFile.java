package ai.greentic.events.cli;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Nearest;
import ai.greentic.events.pack.Pack;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** {@code greentic.yaml}: which providers of which packs a project uses. Its keys are those that the original documents. */
final class ProjectFile {
    static final String NAME = "greentic.yaml";
    private static final int MAX_BYTES = 1 << 20;
    private static final Set<String> KEYS = Set.of("name", "pack", "enabled", "mode", "mock");
    private static final Set<String> MODES = Set.of("webhook", "poll");

    private final Path file;
    private final List<String> problems = new ArrayList<>();

    /**
     * A provider that is used.
     *
     * @param provider its name in the pack
     * @param pack where the pack is: a path, or a reference of a registry
     * @param mode how a source gets its events, if the file says
     * @param mock whether it runs on the embedded store, whatever its transport
     */
    record Use(String provider, String pack, @Nullable String mode, boolean mock) {}

    private ProjectFile(Path file) {
        this.file = file;
    }

    /** The nearest one, in a directory or above it. */
    static Optional<Path> find(Path from) {
        for (Path at = from.toAbsolutePath().normalize(); at != null; at = at.getParent()) {
            Path file = at.resolve(NAME);
            if (Files.isRegularFile(file)) {
                return Optional.of(file);
            }
        }
        return Optional.empty();
    }

    /**
     * What it uses, without what it has switched off.
     *
     * @throws EventsException {@code INVALID_CONFIGURATION} with every problem
     */
    static List<Use> read(Path file) {
        return new ProjectFile(file).read();
    }

    private List<Use> read() {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(MAX_BYTES + 1);
        } catch (IOException e) {
            throw new EventsException(
                    ErrorCode.INVALID_CONFIGURATION,
                    file + " cannot be read: " + e.getClass().getSimpleName(),
                    e);
        }
        List<Use> uses = new ArrayList<>();
        Object providers = Pack.document(file.toString(), bytes) instanceof Map<?, ?> root
                        && root.get("events") instanceof Map<?, ?> events
                ? events.get("providers")
                : null;
        if (providers instanceof List<?> list) {
            for (int i = 0; i < list.size(); i++) {
                use("events.providers[" + i + "]", list.get(i)).ifPresent(uses::add);
            }
        } else {
            problems.add("events.providers must be a list of providers, each with name and pack");
        }
        if (problems.isEmpty() && uses.isEmpty()) {
            problems.add("events.providers uses none");
        }
        if (!problems.isEmpty()) {
            throw EventsException.several(ErrorCode.INVALID_CONFIGURATION, file + " cannot be used", problems);
        }
        return uses;
    }

    private Optional<Use> use(String at, @Nullable Object item) {
        if (!(item instanceof Map<?, ?> fields)) {
            problems.add(at + " is not a mapping with name and pack");
            return Optional.empty();
        }
        for (Object key : fields.keySet()) {
            if (!KEYS.contains(String.valueOf(key))) {
                problems.add(at + "." + key + " is not known" + Nearest.hint(String.valueOf(key), KEYS));
            }
        }
        String name = text(at, fields, "name");
        String pack = text(at, fields, "pack");
        boolean enabled = flag(at, fields, "enabled", true);
        boolean mock = flag(at, fields, "mock", false);
        String mode = fields.get("mode") == null ? null : text(at, fields, "mode");
        if (mode != null && !mode.isEmpty() && !MODES.contains(mode)) {
            problems.add(at + ".mode is '" + mode + "'; it must be one of " + new TreeSet<>(MODES));
        }
        if (!enabled || name.isEmpty() || pack.isEmpty()) {
            return Optional.empty();
        }
        Path beside = file.toAbsolutePath().resolveSibling(pack);
        return Optional.of(new Use(name, Fetching.isReference(pack) ? pack : beside.toString(), mode, mock));
    }

    private String text(String at, Map<?, ?> fields, String key) {
        if (fields.get(key) instanceof String text && !text.isBlank()) {
            return text;
        }
        problems.add(at + "." + key + (fields.get(key) == null ? " is missing" : " must be a text"));
        return "";
    }

    private boolean flag(String at, Map<?, ?> fields, String key, boolean byDefault) {
        Object value = fields.get(key);
        if (value != null && !(value instanceof Boolean)) {
            problems.add(at + "." + key + " must be true or false");
        }
        return value instanceof Boolean flag ? flag : byDefault;
    }
}
