package ai.greentic.events.pack;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Nearest;
import ai.greentic.events.ProviderDescriptor;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.delivery.ProviderOverrides;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads {@code pack.yaml} of both layouts, and {@code pack.json} beside it. Collects every problem before it gives up. */
final class PackReader {
    private static final String OVERRIDES = "events.providers.";

    private final Path directory;
    private final Problems problems = new Problems();

    private PackReader(Path directory) {
        this.directory = directory;
    }

    static Pack read(Path directory) {
        return new PackReader(directory).read();
    }

    private Pack read() {
        Path manifest = directory.resolve("pack.yaml");
        if (!Files.isRegularFile(manifest)) {
            throw new EventsException(ErrorCode.INVALID_PACK, missing());
        }
        Yaml root = YamlFile.read(manifest, problems);
        Pack pack = root.isMapping() ? pack(root) : null;
        if (pack == null) {
            root.problem("is not a mapping; a pack begins with id and version");
        }
        if (pack == null || !problems.all().isEmpty()) {
            throw EventsException.several(
                    ErrorCode.INVALID_PACK, "pack " + manifest + " cannot be used", problems.all());
        }
        return pack;
    }

    private String missing() {
        if (Files.isDirectory(directory)) {
            return "directory " + directory + " has no pack.yaml; --pack names the directory that holds it";
        }
        return Files.exists(directory)
                ? directory
                        + " is a file; --pack names the directory that holds a pack.yaml (archives are not read yet)"
                : "pack " + directory + " does not exist";
    }

    private Pack pack(Yaml root) {
        boolean build = root.at("id").isEmpty() && root.at("pack_id").isPresent();
        String id = root.required(build ? "pack_id" : "id");
        String version = root.required("version");
        root.at("packVersion").ifPresent(value -> {
            Object number = value.value();
            if (!Long.valueOf(1).equals(number)) {
                value.problem("is " + number + "; only 1 is known");
            }
        });
        Map<String, ProviderOverrides> overrides = new LinkedHashMap<>();
        List<Yaml> declared =
                root.at("events").map(events -> events.items("providers")).orElse(List.of());
        Set<String> names = new HashSet<>();
        declared.forEach(provider -> provider.text("name").ifPresent(names::add));
        Optional.ofNullable(root.entries().get("annotations")).ifPresent(annotations -> {
            if (annotations.isNull()) {
                annotations.problem("is null; leave it out, or write {}");
            } else {
                overrides.putAll(overrides(annotations, names));
            }
        });
        List<PackProvider> providers = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        for (Yaml provider : declared) {
            provider(provider, seen, overrides).ifPresent(providers::add);
        }
        return new Pack(
                directory,
                id,
                version,
                build ? Pack.Layout.B : Pack.Layout.A,
                providers,
                new ExtrasReader(directory, problems).read(root));
    }

    private static Optional<PackProvider> provider(
            Yaml yaml, Set<String> seen, Map<String, ProviderOverrides> overrides) {
        if (!yaml.isMapping()) {
            yaml.problem("is not a mapping; a provider has name, kind and component");
            return Optional.empty();
        }
        String name = yaml.required("name");
        String component = yaml.required("component");
        if (!name.isEmpty() && !seen.add(name)) {
            yaml.problem("repeats the provider name '" + name + "'; names are unique within a pack");
        }
        if (yaml.at("kind").isEmpty()) {
            yaml.problem("lacks kind; it is one of broker, source, sink, bridge");
        }
        ProviderDescriptor.Kind kind =
                yaml.word("kind", ProviderDescriptor.Kind.class).orElse(ProviderDescriptor.Kind.BROKER);
        Optional<Yaml> capabilities = yaml.at("capabilities");
        ProviderDescriptor descriptor = new ProviderDescriptor(
                name,
                kind,
                capabilities.flatMap(PackReader::transport).orElse("unspecified"),
                capabilities
                        .flatMap(c -> c.word("reliability", ProviderDescriptor.Reliability.class))
                        .orElse(ProviderDescriptor.Reliability.AT_MOST_ONCE),
                capabilities
                        .flatMap(c -> c.word("ordering", ProviderDescriptor.Ordering.class))
                        .orElse(ProviderDescriptor.Ordering.NONE),
                null,
                List.of(kind.word()));
        List<TopicPattern> topics = new ArrayList<>();
        for (Yaml topic : capabilities.map(c -> c.items("topics")).orElse(List.of())) {
            topic.text().ifPresent(text -> pattern(topic, text).ifPresent(topics::add));
        }
        return Optional.of(new PackProvider(
                descriptor,
                component,
                nullable(yaml.text("default_flow")),
                nullable(yaml.text("custom_flow")),
                topics,
                overrides.getOrDefault(name, ProviderOverrides.NONE)));
    }

    private static @Nullable String nullable(Optional<String> text) {
        return text.orElse(null);
    }

    private static Optional<TopicPattern> pattern(Yaml yaml, String text) {
        try {
            return Optional.of(TopicPattern.of(text));
        } catch (EventsException e) {
            yaml.problem("cannot be used: " + e.getMessage());
            return Optional.empty();
        }
    }

    /** The transport is open: any text is one, a number or a mapping is none. */
    private static Optional<String> transport(Yaml capabilities) {
        return capabilities.at("transport").flatMap(yaml -> {
            if (yaml.value() instanceof String text && !text.isBlank()) {
                return Optional.of(text);
            }
            yaml.problem("must be the name of a transport, such as nats");
            return Optional.empty();
        });
    }

    /** Overrides by provider. A provider's name may have dots, so the longest declared name that fits is meant. */
    private Map<String, ProviderOverrides> overrides(Yaml annotations, Set<String> names) {
        Map<String, Map<String, Object>> raw = new LinkedHashMap<>();
        annotations.entries().forEach((key, value) -> {
            if (!key.startsWith(OVERRIDES)) {
                return;
            }
            String rest = key.substring(OVERRIDES.length());
            Optional<String> name = names.stream()
                    .filter(candidate -> rest.startsWith(candidate + "."))
                    .max(Comparator.comparingInt(String::length));
            Object given = value.value();
            if (name.isEmpty()) {
                String guess = rest.contains(".") ? rest.substring(0, rest.indexOf('.')) : rest;
                value.problem("names a provider that this pack does not have" + Nearest.hint(guess, names));
            } else if (given == null) {
                value.problem("is null; leave it out");
            } else {
                raw.computeIfAbsent(name.get(), any -> new LinkedHashMap<>())
                        .put(rest.substring(name.get().length() + 1), given);
            }
        });
        Map<String, ProviderOverrides> overrides = new LinkedHashMap<>();
        raw.forEach((name, values) -> {
            List<String> found = new ArrayList<>();
            overrides.put(name, ProviderOverrides.take(values, "annotations." + OVERRIDES + name, found));
            values.keySet()
                    .forEach(stray -> found.add("annotations." + OVERRIDES + name + "." + stray
                            + " is not a known annotation" + Nearest.hint(stray, ProviderOverrides.KEYS)));
            found.forEach(problems::add);
        });
        return overrides;
    }
}
