package ai.greentic.events.pack;

import ai.greentic.events.EventsException;
import ai.greentic.events.Nearest;
import ai.greentic.events.ProviderDescriptor;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.delivery.ProviderOverrides;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the events section of a manifest, and the annotations beside it that change guarantees of its providers. */
final class EventsSection {
    private static final String OVERRIDES = "events.providers.";

    private final Problems problems;

    private EventsSection(Problems problems) {
        this.problems = problems;
    }

    /** The providers in order; what is wrong with them is reported. */
    static List<PackProvider> read(Tree manifest, Problems problems) {
        return new EventsSection(problems).read(manifest);
    }

    private List<PackProvider> read(Tree manifest) {
        Map<String, ProviderOverrides> overrides = new LinkedHashMap<>();
        List<Tree> declared =
                manifest.at("events").map(events -> events.items("providers")).orElse(List.of());
        Set<String> names = new HashSet<>();
        declared.forEach(provider -> provider.text("name").ifPresent(names::add));
        Optional.ofNullable(manifest.entries().get("annotations")).ifPresent(annotations -> {
            if (annotations.isNull()) {
                annotations.problem("is null; leave it out, or write {}");
            } else {
                overrides.putAll(overrides(annotations, names));
            }
        });
        List<PackProvider> providers = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        for (Tree provider : declared) {
            provider(provider, seen, overrides).ifPresent(providers::add);
        }
        return providers;
    }

    private static Optional<PackProvider> provider(
            Tree yaml, Set<String> seen, Map<String, ProviderOverrides> overrides) {
        if (!yaml.isMapping()) {
            yaml.problem("is not a mapping; a provider has name, kind and component");
            return Optional.empty();
        }
        String name = yaml.required("name");
        String component = yaml.required("component");
        if (!name.isEmpty() && !seen.add(name)) {
            yaml.problem(
                    PackValidator.DUPLICATE_PROVIDER,
                    "repeats the provider name '" + name + "'; names are unique within a pack");
        }
        if (yaml.at("kind").isEmpty()) {
            yaml.problem("lacks kind; it is one of broker, source, sink, bridge");
        }
        ProviderDescriptor.Kind kind =
                yaml.word("kind", ProviderDescriptor.Kind.class).orElse(ProviderDescriptor.Kind.BROKER);
        Optional<Tree> capabilities = yaml.at("capabilities");
        ProviderDescriptor descriptor = new ProviderDescriptor(
                name,
                kind,
                capabilities.flatMap(EventsSection::transport).orElse("unspecified"),
                capabilities
                        .flatMap(c -> c.word("reliability", ProviderDescriptor.Reliability.class))
                        .orElse(ProviderDescriptor.Reliability.AT_MOST_ONCE),
                capabilities
                        .flatMap(c -> c.word("ordering", ProviderDescriptor.Ordering.class))
                        .orElse(ProviderDescriptor.Ordering.NONE),
                null,
                List.of(kind.word()));
        List<TopicPattern> topics = new ArrayList<>();
        for (Tree topic : capabilities.map(c -> c.items("topics")).orElse(List.of())) {
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

    private static Optional<TopicPattern> pattern(Tree yaml, String text) {
        try {
            return Optional.of(TopicPattern.of(text));
        } catch (EventsException e) {
            yaml.problem(PackValidator.INVALID_TOPIC, "cannot be used: " + e.getMessage());
            return Optional.empty();
        }
    }

    /** The transport is open: any text is one, a number or a mapping is none. */
    private static Optional<String> transport(Tree capabilities) {
        return capabilities.at("transport").flatMap(yaml -> {
            if (yaml.value() instanceof String text && !text.isBlank()) {
                return Optional.of(text);
            }
            yaml.problem("must be the name of a transport, such as nats");
            return Optional.empty();
        });
    }

    /** Overrides by provider. A provider's name may have dots, so the longest declared name that fits is meant. */
    private Map<String, ProviderOverrides> overrides(Tree annotations, Set<String> names) {
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
                value.problem(
                        PackValidator.OVERRIDE_INVALID,
                        "names a provider that this pack does not have" + Nearest.hint(guess, names));
            } else if (given == null) {
                value.problem(PackValidator.OVERRIDE_INVALID, "is null; leave it out");
            } else {
                raw.computeIfAbsent(name.get(), any -> new LinkedHashMap<>())
                        .put(rest.substring(name.get().length() + 1), given);
            }
        });
        Map<String, ProviderOverrides> overrides = new LinkedHashMap<>();
        raw.forEach((name, values) -> {
            List<String> found = new ArrayList<>();
            overrides.put(name, ProviderOverrides.take(values, "annotations." + OVERRIDES + name, found));
            for (String sentence : found) {
                // Each begins with the key.
                int end = sentence.indexOf(' ');
                problems.add(PackValidator.OVERRIDE_INVALID, sentence.substring(0, end), sentence.substring(end + 1));
            }
            values.keySet()
                    .forEach(stray -> problems.add(
                            PackValidator.OVERRIDE_INVALID,
                            "annotations." + OVERRIDES + name + "." + stray,
                            "is not a known annotation" + Nearest.hint(stray, ProviderOverrides.KEYS)));
        });
        return overrides;
    }
}
