package ai.greentic.events.cli;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.ProviderDescriptor;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.pack.Pack;
import ai.greentic.events.pack.PackExtras;
import ai.greentic.events.pack.PackProvider;
import ai.greentic.events.pack.PackVerification;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "inspect",
        description = "Show what packs contain: providers, bridges, handlers, secrets, flows. Reads no settings.",
        mixinStandardHelpOptions = true)
final class InspectCommand implements Callable<Integer> {
    private static final List<String> KNOWN_TRANSPORTS = List.of("nats", "kafka", "sqs", "webhook", "email");

    @Spec
    private CommandSpec spec;

    @Mixin
    private PackOptions packs;

    @Option(names = "--json", description = "Print JSON instead of text.")
    private boolean json;

    @SuppressWarnings("NullAway.Init")
    InspectCommand() {}

    @Override
    public Integer call() {
        List<Pack> opened = packs.open(Main.common(spec), spec.commandLine().getErr());
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            Map<String, Object> all = new LinkedHashMap<>();
            all.put("packs", opened.stream().map(InspectCommand::tree).toList());
            all.put("duplicates", duplicates(opened));
            out.println(Payload.of(all).json());
            return 0;
        }
        out.println("Providers:");
        for (Pack pack : opened) {
            pack.providers().stream().filter(provider -> !isBridge(provider)).forEach(provider -> line(out, provider));
        }
        opened.forEach(pack -> details(out, pack));
        duplicates(opened)
                .forEach(name -> spec.commandLine()
                        .getErr()
                        .println("warning: provider name " + name
                                + " stands in more than one pack; write pack/name to tell them apart"));
        return 0;
    }

    private static boolean isBridge(PackProvider provider) {
        return provider.descriptor().kind() == ProviderDescriptor.Kind.BRIDGE;
    }

    /** Names that more than one pack uses; they stay apart, but a name alone no longer says which is meant. */
    private static List<String> duplicates(List<Pack> packs) {
        Map<String, Long> counts = packs.stream()
                .flatMap(pack -> pack.providers().stream())
                .collect(Collectors.groupingBy(PackProvider::name, TreeMap::new, Collectors.counting()));
        return counts.entrySet().stream()
                .filter(entry -> entry.getValue() > 1)
                .map(Map.Entry::getKey)
                .toList();
    }

    private static void line(PrintWriter out, PackProvider provider) {
        ProviderDescriptor descriptor = provider.descriptor();
        out.println("- " + provider.name() + " (" + camel(descriptor.kind().word()) + ", transport="
                + transportName(descriptor.transport()) + ", reliability="
                + camel(descriptor.reliability().word()) + ", ordering="
                + camel(descriptor.ordering().word()) + ")");
    }

    private static String transportName(String transport) {
        return KNOWN_TRANSPORTS.contains(transport) ? camel(transport) : "Other(\"" + transport + "\")";
    }

    /** {@code at_least_once} as {@code AtLeastOnce}. */
    private static String camel(String word) {
        return Arrays.stream(word.split("_"))
                .map(part -> part.substring(0, 1).toUpperCase(Locale.ROOT) + part.substring(1))
                .collect(Collectors.joining());
    }

    private static void details(PrintWriter out, Pack pack) {
        out.println();
        out.println("Pack " + pack.id() + " " + pack.version() + " (layout " + pack.layout() + ", "
                + worth(pack.verification()) + ")");
        pack.verification().warnings().forEach(warning -> out.println("  warning: " + warning));
        for (PackProvider provider : pack.providers()) {
            out.println("  " + provider.descriptor().kind().word() + " " + provider.name() + ": topics "
                    + (provider.topics().isEmpty()
                            ? "none, so nothing is routed to it"
                            : provider.topics().stream()
                                    .map(TopicPattern::value)
                                    .collect(Collectors.joining(", ")))
                    + "; component " + provider.component() + suffix("default flow", provider.defaultFlow())
                    + suffix("custom flow", provider.customFlow()));
            provider.overrides().written().forEach((key, value) -> out.println("    " + key + " = " + value));
        }
        PackExtras extras = pack.extras();
        extras.extensionProviders()
                .forEach(provider -> out.println("  extension provider " + provider.providerType() + ": ops "
                        + String.join(", ", provider.ops()) + "; component " + provider.componentRef()));
        extras.ingressHandlers()
                .forEach(handler -> out.println("  ingress " + handler.handlerId() + ": " + handler.method() + " "
                        + handler.path() + (handler.opId().isEmpty() ? "" : " -> " + handler.opId())));
        extras.capabilityOffers()
                .forEach(offer -> out.println(
                        "  offers " + offer.capId() + " as " + offer.offerId() + suffix("priority", offer.priority())));
        extras.timers().forEach(timer -> out.println("  timer " + timer));
        extras.secrets()
                .forEach(secret ->
                        out.println("  secret " + secret.key() + (secret.required() ? " (required)" : " (optional)")
                                + (secret.description().isEmpty() ? "" : ": " + secret.description())));
        extras.entryFlows().forEach((purpose, flow) -> out.println("  entry flow " + purpose + ": " + flow));
    }

    private static String worth(PackVerification verification) {
        String signer = verification.signer() == null ? "" : " with key " + verification.signer();
        return switch (verification.status()) {
            case DIRECTORY -> "a directory: nothing to verify";
            case FAILED -> "an archive that FAILED verification";
            case UNSIGNED -> "an archive, unsigned";
            case UNTRUSTED -> "an archive, signed" + signer + ", which is not trusted";
            case TRUSTED -> "an archive, signed" + signer + ", trusted";
        };
    }

    private static String suffix(String name, @Nullable String value) {
        return value == null || value.isEmpty() ? "" : "; " + name + " " + value;
    }

    private static void put(Map<String, Object> map, String key, @Nullable Object value) {
        if (value != null) {
            map.put(key, value);
        }
    }

    private static Map<String, Object> tree(Pack pack) {
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("id", pack.id());
        tree.put("version", pack.version());
        tree.put("layout", pack.layout().name());
        PackVerification verification = pack.verification();
        tree.put("verification", verification.status().name().toLowerCase(Locale.ROOT));
        put(tree, "signer", verification.signer());
        tree.put("warnings", verification.warnings());
        tree.put(
                "providers", pack.providers().stream().map(InspectCommand::tree).toList());
        PackExtras extras = pack.extras();
        tree.put(
                "extension_providers",
                extras.extensionProviders().stream()
                        .map(p -> fields(
                                "provider_type", p.providerType(),
                                "capabilities", p.capabilities(),
                                "ops", p.ops(),
                                "component_ref", p.componentRef()))
                        .toList());
        tree.put(
                "ingress_handlers",
                extras.ingressHandlers().stream()
                        .map(h -> fields(
                                "handler_id", h.handlerId(), "method", h.method(), "path", h.path(), "op_id", h.opId()))
                        .toList());
        tree.put(
                "capability_offers",
                extras.capabilityOffers().stream()
                        .map(o -> fields("offer_id", o.offerId(), "cap_id", o.capId(), "priority", o.priority()))
                        .toList());
        tree.put("timers", extras.timers());
        tree.put(
                "secrets",
                extras.secrets().stream()
                        .map(s -> fields("key", s.key(), "required", s.required(), "description", s.description()))
                        .toList());
        tree.put("entry_flows", extras.entryFlows());
        return tree;
    }

    private static Map<String, Object> tree(PackProvider provider) {
        ProviderDescriptor descriptor = provider.descriptor();
        String transport = descriptor.transport();
        Map<String, Object> tree = fields(
                "name", provider.name(),
                "kind", descriptor.kind().word(),
                "transport", KNOWN_TRANSPORTS.contains(transport) ? transport : Map.of("other", transport),
                "reliability", descriptor.reliability().word(),
                "ordering", descriptor.ordering().word(),
                "tags", descriptor.tags(),
                "component", provider.component(),
                "topics", provider.topics().stream().map(TopicPattern::value).toList(),
                "overrides", provider.overrides().written());
        put(tree, "default_flow", provider.defaultFlow());
        put(tree, "custom_flow", provider.customFlow());
        return tree;
    }

    /** Names and values in turn. */
    private static Map<String, Object> fields(Object... namesAndValues) {
        if (namesAndValues.length % 2 != 0) {
            throw new EventsException(ErrorCode.INTERNAL_ERROR, "a field without a value");
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        List<Object> list = new ArrayList<>(List.of(namesAndValues));
        for (int i = 0; i < list.size(); i += 2) {
            fields.put((String) list.get(i), list.get(i + 1));
        }
        return fields;
    }
}
