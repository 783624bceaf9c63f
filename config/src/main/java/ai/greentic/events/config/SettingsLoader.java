package ai.greentic.events.config;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Nearest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Finds the layers, merges them, and checks the result. Not thread-safe. */
public final class SettingsLoader {
    /** Sections whose variables are ours to know; other {@code GREENTIC_*} variables belong to other programs. */
    private static final List<String> OWN_VARIABLES = List.of(
            "GREENTIC_ENVIRONMENT_",
            "GREENTIC_PATHS_",
            "GREENTIC_SERVICES_",
            "GREENTIC_RUNTIME_",
            "GREENTIC_TELEMETRY_",
            "GREENTIC_NETWORK_",
            "GREENTIC_SECRETS_",
            "GREENTIC_DEV_",
            "GREENTIC_PACKS_",
            "GREENTIC_EVENTS_RECONNECT_",
            "GREENTIC_EVENTS_BACKOFF_");

    private Map<String, String> environment = System.getenv();
    private Path workingDirectory = Path.of("").toAbsolutePath();
    private @Nullable Path projectRoot;
    private @Nullable Path configFile;
    private final Map<String, Object> commandLine = new LinkedHashMap<>();
    private boolean strict;
    private boolean allowDev;

    private final Map<ai.greentic.events.config.Path, Value> values = new TreeMap<>();
    private final List<String> warnings = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();

    SettingsLoader() {}

    /** Variables to use instead of the process's. */
    public SettingsLoader environment(Map<String, String> variables) {
        this.environment = Map.copyOf(variables);
        return this;
    }

    /** Directory from which the project root is searched upwards; default the process's. */
    public SettingsLoader workingDirectory(Path directory) {
        this.workingDirectory = directory.toAbsolutePath().normalize();
        return this;
    }

    /** The project root, so that it is not searched. */
    public SettingsLoader projectRoot(Path directory) {
        this.projectRoot = directory.toAbsolutePath().normalize();
        return this;
    }

    /** A file of the highest layer; it must exist. In a directory {@code .greentic} it also tells the project root. */
    public SettingsLoader configFile(Path file) {
        this.configFile = file.toAbsolutePath().normalize();
        return this;
    }

    /** A value of the highest layer, by dotted path. */
    public SettingsLoader set(String path, Object value) {
        commandLine.put(path, value);
        return this;
    }

    /** Whether warnings about unknown keys and unusable variables are errors. */
    public SettingsLoader strict(boolean on) {
        this.strict = on;
        return this;
    }

    /** Whether development settings are allowed outside a development environment. */
    public SettingsLoader allowDev(boolean on) {
        this.allowDev = on;
        return this;
    }

    /**
     * Loads the settings.
     *
     * @throws EventsException {@code INVALID_CONFIGURATION} with every problem
     */
    public Settings load() {
        Path root = root();
        defaults();
        Path user = userFile();
        if (user != null && Files.isRegularFile(user)) {
            file(user, Layer.USER);
        }
        Path project = root.resolve(".greentic").resolve("config.toml");
        if (Files.isRegularFile(project)) {
            file(project, Layer.PROJECT);
        }
        variables();
        if (configFile != null) {
            if (!Files.isRegularFile(configFile)) {
                throw new EventsException(
                        ErrorCode.INVALID_CONFIGURATION,
                        "settings file " + configFile + " does not exist; --config names a file");
            }
            file(configFile, Layer.CLI);
        }
        commandLine.forEach(
                (path, value) -> put(ai.greentic.events.config.Path.of(path), value, Layer.CLI, "command line"));
        derivePaths(root);
        Settings settings = new Settings(values);
        SettingsCheck check = new SettingsCheck(settings, allowDev, problems, warnings);
        check.run();
        if (!problems.isEmpty()) {
            throw EventsException.several(ErrorCode.INVALID_CONFIGURATION, "the settings cannot be used", problems);
        }
        return settings.with(warnings);
    }

    private void defaults() {
        for (Key key : Keys.all()) {
            if (key.defaultValue() != null) {
                values.put(key.path(), new Value(key.defaultValue(), Layer.DEFAULT, "defaults"));
            }
        }
    }

    private Path root() {
        if (projectRoot != null) {
            return projectRoot;
        }
        if (configFile != null
                && configFile.getParent() != null
                && configFile.getParent().endsWith(".greentic")
                && configFile.getParent().getParent() != null) {
            return configFile.getParent().getParent();
        }
        for (Path at = workingDirectory; at != null; at = at.getParent()) {
            if (Files.isDirectory(at.resolve(".greentic"))
                    || Files.isDirectory(at.resolve(".git"))
                    || Files.isRegularFile(at.resolve("Cargo.toml"))) {
                return at;
            }
        }
        return workingDirectory;
    }

    private @Nullable Path userFile() {
        String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
        String home = environment.get("HOME");
        if (system.contains("win")) {
            String roaming = environment.get("APPDATA");
            return roaming == null ? null : Path.of(roaming, "greentic", "greentic", "config", "config.toml");
        }
        if (system.contains("mac")) {
            return home == null
                    ? null
                    : Path.of(home, "Library", "Application Support", "com.greentic.greentic", "config.toml");
        }
        String configHome = environment.get("XDG_CONFIG_HOME");
        if (configHome != null && !configHome.isEmpty()) {
            return Path.of(configHome, "greentic", "config.toml");
        }
        return home == null ? null : Path.of(home, ".config", "greentic", "config.toml");
    }

    private void file(Path file, Layer layer) {
        SettingsFile.read(file).forEach((path, value) -> put(path, value, layer, file.toString()));
    }

    private void put(ai.greentic.events.config.Path path, Object given, Layer layer, String origin) {
        Key key = Keys.at(path).orElse(null);
        if (key == null) {
            if (Keys.isFree(path) || path.segments().contains("headers")) {
                values.put(path, new Value(given, layer, origin));
            } else {
                complain(path + " (" + origin + ") is not a known setting" + hint(path));
            }
            return;
        }
        try {
            values.put(path, new Value(key.convert(given), layer, origin));
        } catch (IllegalArgumentException e) {
            boolean soft = path.toString().equals("telemetry.exporter")
                    || path.toString().equals("network.tls_mode");
            String sentence =
                    path + " (" + origin + ") is '" + Value.shown(path, given) + "'; it must be " + key.rule();
            if (soft && !strict) {
                warnings.add(sentence + "; using " + key.defaultValue());
                values.put(
                        path,
                        new Value(java.util.Objects.requireNonNull(key.defaultValue()), Layer.DEFAULT, "defaults"));
            } else {
                problems.add(sentence);
            }
        }
    }

    private void complain(String sentence) {
        (strict ? problems : warnings).add(sentence);
    }

    private static String hint(ai.greentic.events.config.Path path) {
        return Nearest.hint(
                path.toString(),
                Keys.all().stream().map(key -> key.path().toString()).toList());
    }

    private void variables() {
        Map<String, Key> known = new LinkedHashMap<>();
        Keys.all().forEach(key -> {
            if (key.variable() != null) {
                known.put(key.variable(), key);
            }
        });
        known.forEach((variable, key) -> {
            String text = environment.get(variable);
            if (text != null && !text.isEmpty()) {
                try {
                    values.put(key.path(), new Value(key.convert(text), Layer.ENV, variable));
                } catch (IllegalArgumentException e) {
                    complain("variable " + variable + " is '" + Value.shown(key.path(), text) + "'; it must be "
                            + key.rule() + (strict ? "" : "; it is not used"));
                }
            }
        });
        for (String variable : new TreeMap<>(environment).keySet()) {
            if (variable.equals("GREENTIC_ENVIRONMENT_DEPLOYMENT")) {
                complain("variable " + variable + " cannot hold a table; set environment.deployment.* in a file");
            } else if (!known.containsKey(variable) && OWN_VARIABLES.stream().anyMatch(variable::startsWith)) {
                complain("variable " + variable + " is not known" + Nearest.hint(variable, known.keySet()));
            }
        }
    }

    /** Paths that nobody set follow from others; relative ones are below the root. */
    private void derivePaths(Path root) {
        Path base = path("paths.greentic_root", root, root);
        Path state = path("paths.state_dir", base.resolve(".greentic"), root);
        Path cache = path("paths.cache_dir", base.resolve(".greentic").resolve("cache"), root);
        path("paths.logs_dir", base.resolve(".greentic").resolve("logs"), root);
        path("packs.cache_dir", cache.resolve("packs"), root);
        Value type = values.get(ai.greentic.events.config.Path.of("packs.source.type"));
        if (type != null && type.value().equals("local_index")) {
            path("packs.source.path", state.resolve("packs").resolve("index.json"), root);
        }
    }

    private Path path(String key, Path byDefault, Path root) {
        ai.greentic.events.config.Path place = ai.greentic.events.config.Path.of(key);
        Value given = values.get(place);
        Path path = given == null
                ? byDefault
                : root.resolve(given.value().toString()).normalize();
        values.put(
                place,
                given == null
                        ? new Value(path.toString(), Layer.DEFAULT, "defaults")
                        : new Value(path.toString(), given.layer(), given.origin()));
        return path;
    }
}
