package ai.greentic.events.config;

import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.PrettyPrinter;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.DefaultIndenter;
import tools.jackson.core.util.DefaultPrettyPrinter;
import tools.jackson.core.util.Separators;

/** How settings are shown: JSON in upstream's shapes, text for people, and the reference page. */
final class SettingsText {
    private static final JsonFactory JSON = new JsonFactory();
    private static final PrettyPrinter PRETTY = new DefaultPrettyPrinter(
                    Separators.createDefaultInstance().withObjectNameValueSpacing(Separators.Spacing.AFTER))
            .withObjectIndenter(new DefaultIndenter("  ", "\n"))
            .withArrayIndenter(new DefaultIndenter("  ", "\n"));

    private SettingsText() {}

    static String show(Settings settings) {
        return json(tree(settings));
    }

    static String list(Settings settings) {
        List<String> lines = new ArrayList<>();
        settings.values().forEach((path, value) -> lines.add(path + " = " + Value.shown(path, value.value())));
        return String.join("\n", lines);
    }

    static String explainJson(Settings settings) {
        Map<String, Object> provenance = new TreeMap<>();
        Map<String, Object> origins = new TreeMap<>();
        settings.values().forEach((path, value) -> {
            provenance.put(path.toString(), value.layer().word());
            origins.put(path.toString(), value.origin());
        });
        Map<String, @Nullable Object> all = new TreeMap<>();
        all.put("config", sorted(tree(settings)));
        all.put("provenance", provenance);
        all.put("origins", origins);
        all.put("warnings", settings.warnings());
        return json(all);
    }

    static String explain(Settings settings) {
        List<String> lines = new ArrayList<>();
        lines.add("Configuration:");
        line(lines, settings, "schema_version", false);
        for (String path : List.of(
                "environment.env_id",
                "paths.state_dir",
                "telemetry.exporter",
                "network.tls_mode",
                "deployer.base_domain",
                "services.events.url")) {
            line(lines, settings, path, true);
        }
        for (String service : Keys.SERVICES) {
            for (String part : List.of(
                    "bind_addr",
                    "port",
                    "public_base_url",
                    "metrics.enabled",
                    "metrics.bind_addr",
                    "metrics.port",
                    "metrics.path")) {
                line(lines, settings, "services." + service + ".service." + part, true);
            }
        }
        line(lines, settings, "runtime.admin_endpoints.secrets_explain_enabled", true);
        line(lines, settings, "events.backoff.initial_ms", true);
        line(lines, settings, "events.reconnect.enabled", true);
        settings.values().forEach((path, value) -> {
            boolean listed = lines.stream().anyMatch(line -> line.startsWith("- " + path + ":"));
            if (!listed && value.layer() != Layer.DEFAULT) {
                lines.add("- " + path + ": " + Value.shown(path, value.value()) + " ("
                        + value.layer().word() + ", " + value.origin() + ")");
            }
        });
        if (!settings.warnings().isEmpty()) {
            lines.add("Warnings:");
            settings.warnings().forEach(warning -> lines.add("  - " + warning));
        }
        return String.join("\n", lines);
    }

    private static void line(List<String> lines, Settings settings, String path, boolean withSource) {
        settings.value(path)
                .ifPresent(value -> lines.add("- " + path + ": " + Value.shown(Path.of(path), value.value())
                        + (withSource ? " (" + value.layer().word() + ")" : "")));
    }

    /** The settings as upstream nests them; what is empty is null, or left out where upstream leaves it out. */
    private static Map<String, @Nullable Object> tree(Settings settings) {
        Map<String, @Nullable Object> root = new LinkedHashMap<>();
        for (String section : List.of(
                "schema_version",
                "environment",
                "paths",
                "packs",
                "services",
                "events",
                "runtime",
                "telemetry",
                "network",
                "deployer",
                "secrets",
                "dev")) {
            root.put(section, null);
        }
        for (Key key : Keys.all()) {
            Value value = settings.values().get(key.path());
            if (value == null && isLeftOut(key.path())) {
                continue;
            }
            place(root, key.path(), value == null ? null : Value.shown(key.path(), value.value()));
        }
        settings.values().forEach((path, value) -> {
            if (Keys.at(path).isEmpty()) {
                place(root, path, Value.shown(path, value.value()));
            }
        });
        collapse(root, settings);
        return root;
    }

    /** Single services, what depends on a kind, and our own keys appear only when set. */
    private static boolean isLeftOut(Path path) {
        return path.startsWith("services") && !path.startsWith("services", "events")
                || path.startsWith("runtime", "admin_endpoints")
                || path.startsWith("packs", "source")
                || path.startsWith("packs", "trust")
                || path.startsWith("events", "access")
                || path.startsWith("dev")
                || path.toString().endsWith(".headers");
    }

    /** A section of which nothing is set is null as a whole. */
    @SuppressWarnings("unchecked")
    private static void collapse(Map<String, @Nullable Object> root, Settings settings) {
        for (String path : List.of("environment.deployment", "services.events", "deployer.provider")) {
            if (!settings.hasBelow(path)) {
                place(root, Path.of(path), null);
            }
        }
        if (!settings.hasBelow("services")) {
            root.put("services", null);
        }
        if (!settings.hasBelow("packs.trust")) {
            ((Map<String, @Nullable Object>) java.util.Objects.requireNonNull(root.get("packs"))).put("trust", null);
        }
    }

    @SuppressWarnings("unchecked")
    private static void place(Map<String, @Nullable Object> root, Path path, @Nullable Object value) {
        Map<String, @Nullable Object> at = root;
        for (String segment : path.segments().subList(0, path.segments().size() - 1)) {
            Object next = at.get(segment);
            if (!(next instanceof Map)) {
                next = new LinkedHashMap<String, @Nullable Object>();
                at.put(segment, next);
            }
            at = (Map<String, @Nullable Object>) next;
        }
        at.put(path.last(), value);
    }

    @SuppressWarnings("unchecked")
    private static Object sorted(Map<String, @Nullable Object> tree) {
        Map<String, @Nullable Object> sorted = new TreeMap<>();
        tree.forEach((key, value) ->
                sorted.put(key, value instanceof Map<?, ?> map ? sorted((Map<String, @Nullable Object>) map) : value));
        return sorted;
    }

    private static String json(Object value) {
        StringWriter out = new StringWriter();
        try (JsonGenerator generator = JSON.createGenerator(
                new ObjectWriteContext.Base() {
                    @Override
                    public PrettyPrinter getPrettyPrinter() {
                        return PRETTY;
                    }

                    @Override
                    public boolean hasPrettyPrinter() {
                        return true;
                    }
                },
                out)) {
            write(generator, value);
        }
        return out.toString();
    }

    private static void write(JsonGenerator generator, @Nullable Object value) {
        if (value == null) {
            generator.writeNull();
        } else if (value instanceof Map<?, ?> map) {
            generator.writeStartObject();
            map.forEach((key, item) -> {
                generator.writeName(String.valueOf(key));
                write(generator, item);
            });
            generator.writeEndObject();
        } else if (value instanceof Collection<?> list) {
            generator.writeStartArray();
            list.forEach(item -> write(generator, item));
            generator.writeEndArray();
        } else if (value instanceof Boolean flag) {
            generator.writeBoolean(flag);
        } else if (value instanceof Number) {
            generator.writeRawValue(value.toString());
        } else {
            generator.writeString(value.toString());
        }
    }

    static String reference() {
        StringBuilder page =
                new StringBuilder("| Setting | Value | Default | Variable | Meaning |\n|---|---|---|---|---|\n");
        for (Key key : Keys.all()) {
            page.append("| `").append(key.path()).append("` | ");
            page.append(key.oneOf().isEmpty() ? key.type().words : key.rule()).append(" | ");
            page.append(key.defaultValue() == null ? "" : "`" + key.defaultValue() + "`")
                    .append(" | ");
            page.append(key.variable() == null ? "" : "`" + key.variable() + "`")
                    .append(" | ");
            page.append(key.doc()).append(" |\n");
        }
        return page.toString();
    }
}
