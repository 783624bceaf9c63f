package ai.greentic.events.pack;

import ai.greentic.events.EventsException;
import ai.greentic.events.ProviderDescriptor;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.pack.Finding.Severity;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Says everything that is wrong with packs, and how bad it is. One set of rules for all layouts, with the codes of the original's two
 * validators; each finding comes once. For one thread.
 */
public final class PackValidator {
    static final String UNREADABLE = "EVT_PACK_UNREADABLE";
    static final String MANIFEST_INVALID = "EVT_MANIFEST_INVALID";
    static final String DUPLICATE_PROVIDER = "EVT_DUPLICATE_PROVIDER";
    static final String OVERRIDE_INVALID = "EVT_OVERRIDE_INVALID";
    static final String INVALID_TOPIC = "EVT_INVALID_TOPIC";
    private static final String NOT_EVENTS = "EVT_NOT_AN_EVENTS_PACK";
    private static final String ARCHIVE_FAILED = "EVT_ARCHIVE_FAILED";
    private static final String ARCHIVE_UNTRUSTED = "EVT_ARCHIVE_UNTRUSTED";
    private static final String PROVIDER_SCHEMA_EMPTY = "EVT_PROVIDER_SCHEMA_EMPTY";
    private static final String PROVIDER_NO_OPS = "EVT_PROVIDER_NO_OPS";
    private static final String PROVIDER_NO_TOPICS = "EVT_PROVIDER_NO_TOPICS";
    private static final String SCHEMA_MISSING = "EVT_SCHEMA_MISSING";
    private static final String FLOW_FILE_MISSING = "EVT_FLOW_FILE_MISSING";
    private static final String ENTRY_FLOW_MISSING = "EVT_ENTRY_FLOW_MISSING";
    private static final String HANDLER_FLOW_MISSING = "EVT_HANDLER_FLOW_MISSING";
    private static final String SUSPECT_TYPE_FORMAT = "EVT_SUSPECT_TYPE_FORMAT";
    private static final String SUSPECT_TOPIC = "EVT_SUSPECT_TOPIC";
    private static final String ROUTE_SHADOWED = "EVT_ROUTE_SHADOWED";

    private static final Pattern TOPIC = Pattern.compile("[a-z0-9]+(\\.[a-z0-9_-]+)+");
    private static final Pattern TOPIC_PATTERN = Pattern.compile("[a-z0-9*?]+(\\.[a-z0-9_*?-]+)*");
    private static final List<String> TYPES = List.of("com.", "org.", "ai.greentic.");
    private static final String FLOW_SCHEMA = "flow-v1";

    /** A pack and what was found in it; without the pack if nothing of it could be read. */
    public record Report(Path location, Optional<Pack> pack, List<Finding> findings) {
        public Report {
            findings = List.copyOf(findings);
        }

        /** How many findings are so bad. */
        public long count(Severity severity) {
            return findings.stream()
                    .filter(finding -> finding.severity() == severity)
                    .count();
        }
    }

    private final PackTrust trust;
    private final Set<Finding> findings = new LinkedHashSet<>();
    private final Map<String, String> entryFlows = new HashMap<>();

    private PackValidator(PackTrust trust) {
        this.trust = trust;
    }

    /**
     * Validates the pack at a place, or every pack below it, and those together.
     *
     * @param trust whom archives may be signed by; where it is strict, others are errors and not warnings
     * @throws EventsException {@code INVALID_PACK} if there is no pack
     */
    public static List<Report> validate(List<Path> locations, PackTrust trust) {
        List<Report> reports = new ArrayList<>();
        for (Path location : locations) {
            for (Path pack : PackReader.find(location)) {
                reports.add(new PackValidator(trust).report(pack));
            }
        }
        return withDuplicates(reports);
    }

    /** Names that several packs use: they stay apart, but settings for one name mean all of them. */
    private static List<Report> withDuplicates(List<Report> reports) {
        Map<String, Set<String>> packs = new HashMap<>();
        reports.forEach(report -> report.pack()
                .ifPresent(pack -> pack.providers()
                        .forEach(provider -> packs.computeIfAbsent(provider.name(), any -> new TreeSet<>())
                                .add(pack.location().toString()))));
        return reports.stream().map(report -> withDuplicates(report, packs)).toList();
    }

    private static Report withDuplicates(Report report, Map<String, Set<String>> packs) {
        Set<Finding> all = new LinkedHashSet<>(report.findings());
        report.pack().map(Pack::providers).orElse(List.of()).forEach(provider -> {
            Set<String> others = new TreeSet<>(packs.getOrDefault(provider.name(), Set.of()));
            others.remove(report.location().toString());
            if (!others.isEmpty()) {
                all.add(new Finding(
                        Severity.WARN,
                        DUPLICATE_PROVIDER,
                        "events.providers." + provider.name(),
                        "provider name '" + provider.name() + "' is also one of " + String.join(", ", others),
                        "settings and routes must say pack/name; better, give it a name of its own"));
            }
        });
        return new Report(report.location(), report.pack(), List.copyOf(all));
    }

    private Report report(Path location) {
        Problems problems = new Problems();
        Pack pack;
        try {
            pack = PackReader.examine(location, trust, problems);
        } catch (EventsException e) {
            addAll(problems);
            error(UNREADABLE, location.toString(), String.valueOf(e.getMessage()), "repair or build the pack anew");
            return new Report(location, Optional.empty(), List.copyOf(findings));
        }
        addAll(problems);
        origin(pack);
        if (isEventsPack(pack)) {
            declared(pack);
            extensions(pack);
            flows(pack);
        } else if (problems.found().isEmpty()) {
            add(
                    Severity.INFO,
                    NOT_EVENTS,
                    pack.id(),
                    "the pack has no events section, no event extension and no id of greentic.events",
                    "nothing else was checked; if events are meant, declare events.providers");
        }
        return new Report(location, Optional.of(pack), List.copyOf(findings));
    }

    private void add(Severity severity, String code, String path, String message, String hint) {
        findings.add(new Finding(severity, code, path, message, hint));
    }

    private void error(String code, String path, String message, String hint) {
        add(Severity.ERROR, code, path, message, hint);
    }

    private void warn(String code, String path, String message, String hint) {
        add(Severity.WARN, code, path, message, hint);
    }

    private void addAll(Problems problems) {
        problems.found()
                .forEach(problem -> error(
                        problem.code(),
                        problem.path(),
                        problem.sentence(),
                        switch (problem.code()) {
                            case DUPLICATE_PROVIDER -> "give each provider of a pack a name of its own";
                            case OVERRIDE_INVALID -> "see docs/guide.md for the annotations of a provider";
                            case INVALID_TOPIC -> "write for example orders.* or orders.created";
                            default -> "see the layout of packs in docs/guide.md";
                        }));
    }

    private void origin(Pack pack) {
        PackVerification verification = pack.verification();
        Severity severity = trust.isStrict() ? Severity.ERROR : Severity.WARN;
        switch (verification.status()) {
            case FAILED ->
                verification
                        .warnings()
                        .forEach(warning ->
                                add(severity, ARCHIVE_FAILED, "archive", warning, "build and sign the archive anew"));
            case UNSIGNED, UNTRUSTED ->
                verification
                        .warnings()
                        .forEach(warning -> add(
                                severity,
                                ARCHIVE_UNTRUSTED,
                                "archive",
                                warning,
                                "sign it with pack sign, and name the signer with --trust"));
            case DIRECTORY -> {
                if (!trust.takesDirectories()) {
                    error(
                            ARCHIVE_UNTRUSTED,
                            "archive",
                            "it is a directory, and signatures are required",
                            "build and sign an archive");
                }
            }
            case TRUSTED -> {}
        }
    }

    private static boolean isEventsPack(Pack pack) {
        Tree manifest = pack.contents().manifest();
        return pack.id().startsWith("greentic.events.")
                || pack.id().startsWith("events-")
                || manifest.at("events").isPresent()
                || !pack.extras().ingressHandlers().isEmpty()
                || !pack.extras().timers().isEmpty()
                || pack.extras().capabilityOffers().stream()
                        .anyMatch(offer -> offer.capId().contains(".events."))
                || pack.extras().extensionProviders().stream()
                        .anyMatch(provider -> provider.providerType().startsWith("events."));
    }

    // The events section.

    private void declared(Pack pack) {
        List<PackProvider> before = new ArrayList<>();
        for (PackProvider provider : pack.providers()) {
            String path = "events.providers." + provider.name();
            for (TopicPattern topics : provider.topics()) {
                if (!TOPIC_PATTERN.matcher(topics.value()).matches()) {
                    warn(
                            SUSPECT_TOPIC,
                            path + ".capabilities.topics",
                            "'" + topics + "' is not of lower-case segments joined by dots",
                            "write for example orders.created or orders.*");
                }
            }
            if (provider.topics().isEmpty() && provider.descriptor().kind() != ProviderDescriptor.Kind.BRIDGE) {
                warn(
                        PROVIDER_NO_TOPICS,
                        path + ".capabilities.topics",
                        "no topic is routed to it",
                        "name its topics, such as orders.*");
            }
            flowFile(pack, path + ".default_flow", provider.defaultFlow());
            flowFile(pack, path + ".custom_flow", provider.customFlow());
            shadowed(provider, before, path);
            if (publishes(provider)) {
                before.add(provider);
            }
        }
    }

    private void flowFile(Pack pack, String path, @org.jspecify.annotations.Nullable String flow) {
        if (flow != null && !pack.contents().flows().containsKey(flow) && !isThere(pack, flow)) {
            warn(
                    FLOW_FILE_MISSING,
                    path,
                    "'" + flow + "' is neither a file nor a flow of the pack",
                    "add the flow, or leave the key out");
        }
    }

    private static boolean publishes(PackProvider provider) {
        ProviderDescriptor.Kind kind = provider.descriptor().kind();
        return kind == ProviderDescriptor.Kind.BROKER || kind == ProviderDescriptor.Kind.SINK;
    }

    /** The first registration whose patterns match gets an event, so a later pattern within an earlier one never does. */
    private void shadowed(PackProvider provider, List<PackProvider> before, String path) {
        if (!publishes(provider)) {
            return;
        }
        for (TopicPattern topics : provider.topics()) {
            for (PackProvider earlier : before) {
                if (earlier.topics().stream().anyMatch(wider -> wider.contains(topics))) {
                    warn(
                            ROUTE_SHADOWED,
                            path + ".capabilities.topics",
                            "'" + topics + "' never gets an event: provider " + earlier.name()
                                    + " stands before it and takes them",
                            "put the narrower provider first, or set events.routes");
                }
            }
        }
    }

    // Extensions.

    private void extensions(Pack pack) {
        pack.contents()
                .manifest()
                .at("extensions")
                .filter(Tree::isMapping)
                .ifPresent(extensions -> extensions.entries().forEach((key, extension) -> {
                    Optional<Tree> inline =
                            extension.isMapping() ? extension.at("inline").filter(Tree::isMapping) : Optional.empty();
                    inline.ifPresent(payload -> extension(pack, key, payload));
                }));
    }

    private void extension(Pack pack, String key, Tree inline) {
        for (Tree provider : inline.items("providers")) {
            if (provider.isMapping()) {
                provider(
                        pack,
                        "extensions." + key + ".providers."
                                + provider.text("provider_type").orElse("?"),
                        provider);
            }
        }
        annotations(inline, "extensions." + key + ".annotations");
        inline.at("entry_flows").ifPresent(flows -> ExtrasReader.collect(flows, entryFlows));
        inline.at("meta", "entry_flows").ifPresent(flows -> ExtrasReader.collect(flows, entryFlows));
    }

    private void provider(Pack pack, String path, Tree provider) {
        String schema = provider.text("config_schema_ref").orElse("").strip();
        if (schema.isEmpty()) {
            error(
                    PROVIDER_SCHEMA_EMPTY,
                    path + ".config_schema_ref",
                    "the provider names no schema for its configuration",
                    "point it to a file such as schemas/events/webhook/config.schema.json");
        } else {
            schema(pack, path + ".config_schema_ref", schema);
        }
        provider.text("state_schema_ref").ifPresent(state -> schema(pack, path + ".state_schema_ref", state));
        if (provider.items("ops").isEmpty()) {
            warn(PROVIDER_NO_OPS, path + ".ops", "the provider has no operations", "list them, such as publish");
        }
    }

    private void schema(Pack pack, String path, String reference) {
        int at = reference.indexOf("schemas/");
        String file = at < 0 ? reference : reference.substring(at);
        if (!reference.contains("://") && !isThere(pack, file)) {
            error(
                    SCHEMA_MISSING,
                    path,
                    "'" + file + "' is not a file of the pack",
                    "add the file, or correct the reference");
        }
    }

    private static boolean isThere(Pack pack, String path) {
        boolean plain = !path.startsWith("/") && !List.of(path.split("/", -1)).contains("..");
        return plain
                && (pack.contents().hasFile().test(path)
                        || pack.contents().hasFile().test("assets/" + path));
    }

    /** Annotations stand at any depth of what an extension says. */
    private void annotations(Tree tree, String path) {
        if (!tree.isMapping()) {
            return;
        }
        tree.entries().forEach((key, value) -> {
            if (key.equals("annotations") && value.isMapping()) {
                annotation(value, path);
            } else {
                annotations(value, path);
            }
        });
    }

    private void annotation(Tree annotations, String path) {
        annotations
                .at("event.topic")
                .or(() -> annotations.at("events.topic"))
                .flatMap(Tree::text)
                .filter(topic -> !TOPIC.matcher(topic).matches())
                .ifPresent(topic -> error(
                        INVALID_TOPIC,
                        path + ".event.topic",
                        "'" + topic + "' is not of at least two lower-case segments joined by dots",
                        "write for example orders.created"));
        annotations
                .at("event.type")
                .or(() -> annotations.at("events.type"))
                .flatMap(Tree::text)
                .filter(type -> TYPES.stream().noneMatch(type::startsWith))
                .ifPresent(type -> warn(
                        SUSPECT_TYPE_FORMAT,
                        path + ".event.type",
                        "'" + type + "' is not a reverse domain name",
                        "begin it with " + TYPES.stream().collect(Collectors.joining(" or "))
                                + " and end it with a version, as in com.greentic.order.created.v1"));
    }

    // Flows.

    private void flows(Pack pack) {
        Map<String, Optional<String>> flows = pack.contents().flows();
        Set<String> entries = new TreeSet<>(pack.extras().entryFlows().values());
        entries.addAll(entryFlows.values());
        for (String entry : entries) {
            if (!flows.containsKey(entry)) {
                error(
                        ENTRY_FLOW_MISSING,
                        "meta.entry_flows",
                        "entry flow '" + entry + "' is not amongst the flows of the pack "
                                + new TreeSet<>(flows.keySet()),
                        "add the flow, or name one that is there");
            }
        }
        Set<String> handlers = new TreeSet<>(flows.keySet());
        handlers.addAll(entries);
        for (String handler : handlers) {
            if (!handler.startsWith("handle_")) {
                continue;
            }
            Optional<String> schema = flows.getOrDefault(handler, Optional.empty());
            if (!flows.containsKey(handler)) {
                error(
                        HANDLER_FLOW_MISSING,
                        "flows." + handler,
                        "handler flow '" + handler + "' is missing",
                        "add the flow; entry flows that handle events must be in the pack");
            } else if (schema.isPresent() && !schema.get().equals(FLOW_SCHEMA)) {
                error(
                        HANDLER_FLOW_MISSING,
                        "flows." + handler + ".schema_version",
                        "handler flow '" + handler + "' is of schema '" + schema.get() + "'",
                        "make it a flow of schema " + FLOW_SCHEMA);
            }
        }
    }
}
