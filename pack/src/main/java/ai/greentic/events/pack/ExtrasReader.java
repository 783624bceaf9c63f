package ai.greentic.events.pack;

import ai.greentic.events.pack.PackExtras.CapabilityOffer;
import ai.greentic.events.pack.PackExtras.ExtensionProvider;
import ai.greentic.events.pack.PackExtras.IngressHandler;
import ai.greentic.events.pack.PackExtras.Secret;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** Reads what a pack says beside its events section. JSON is YAML enough to be read the same way. */
final class ExtrasReader {
    private static final String SECRETS = "assets/secret-requirements.json";

    private final Function<String, Optional<Tree>> beside;

    /**
     * @param beside another document of the pack by its path, if it is there
     */
    ExtrasReader(Function<String, Optional<Tree>> beside) {
        this.beside = beside;
    }

    PackExtras read(Tree root) {
        List<ExtensionProvider> providers = new ArrayList<>();
        List<IngressHandler> handlers = new ArrayList<>();
        List<CapabilityOffer> offers = new ArrayList<>();
        List<String> timers = new ArrayList<>();
        root.at("extensions")
                .ifPresent(extensions -> extensions.entries().forEach((key, extension) -> {
                    Tree inline = extension.isMapping() ? extension.at("inline").orElse(null) : null;
                    if (inline == null || !inline.isMapping()) {
                        return;
                    }
                    inline.items("providers").forEach(provider -> providers.add(extensionProvider(provider)));
                    if (key.equals("greentic.events.ingress-http.v1")) {
                        inline.items("handlers").forEach(handler -> handlers.add(ingressHandler(handler)));
                    }
                    if (key.equals("greentic.ext.capabilities.v1")) {
                        inline.items("offers").forEach(offer -> offers.add(offer(offer)));
                    }
                    for (String list : List.of("timer_handlers", "timers")) {
                        inline.items(list).forEach(timer -> timers.add(timerName(timer)));
                    }
                }));
        return new PackExtras(providers, handlers, offers, timers, secrets(root), entryFlows(root));
    }

    private static ExtensionProvider extensionProvider(Tree yaml) {
        return new ExtensionProvider(
                yaml.required("provider_type"),
                texts(yaml.items("capabilities")),
                texts(yaml.items("ops")),
                yaml.at("runtime", "component_ref").flatMap(Tree::text).orElse(""));
    }

    private static IngressHandler ingressHandler(Tree yaml) {
        return new IngressHandler(
                yaml.required("handler_id"),
                yaml.text("method").orElse("POST"),
                yaml.required("path"),
                yaml.text("op_id").orElse(""));
    }

    private static CapabilityOffer offer(Tree yaml) {
        return new CapabilityOffer(
                yaml.required("offer_id"),
                yaml.required("cap_id"),
                yaml.text("priority").orElse(""));
    }

    private static String timerName(Tree timer) {
        if (!timer.isMapping()) {
            return timer.text().orElse("");
        }
        return timer.text("handler_id")
                .or(() -> timer.text("id"))
                .or(() -> timer.text("name"))
                .orElse("unnamed");
    }

    private static List<String> texts(List<Tree> items) {
        List<String> texts = new ArrayList<>();
        items.forEach(item -> item.text().ifPresent(texts::add));
        return texts;
    }

    /** Secrets of all components and of the pack, each key once; required if anything requires it. */
    private List<Secret> secrets(Tree root) {
        List<Tree> declared = new ArrayList<>(root.items("secret_requirements"));
        beside.apply(SECRETS).ifPresent(list -> declared.addAll(list.items()));
        for (Tree component : root.items("components")) {
            if (!component.isMapping()) {
                component.problem("is not a mapping; a component has id and version");
                continue;
            }
            component
                    .at("capabilities", "host", "secrets", "required")
                    .ifPresent(list -> declared.addAll(list.items()));
        }
        Map<String, Secret> byKey = new LinkedHashMap<>();
        for (Tree secret : declared) {
            if (!secret.isMapping()) {
                secret.problem("is not a mapping; a secret has a key");
                continue;
            }
            boolean required = !secret.text("required").orElse("true").equals("false");
            Secret found = new Secret(
                    secret.required("key"), required, secret.text("description").orElse(""));
            byKey.merge(
                    found.key(), found, (a, b) -> new Secret(a.key(), a.required() || b.required(), a.description()));
        }
        return new ArrayList<>(byKey.values());
    }

    /** From {@code meta.entry_flows} of the manifest or of {@code pack.json}, or the manifest's own list. */
    private Map<String, String> entryFlows(Tree root) {
        Map<String, String> flows = new LinkedHashMap<>();
        beside.apply("pack.json")
                .flatMap(json -> json.at("meta", "entry_flows"))
                .ifPresent(value -> collect(value, flows));
        root.at("meta", "entry_flows").ifPresent(value -> collect(value, flows));
        root.at("entry_flows").ifPresent(value -> collect(value, flows));
        return flows;
    }

    /** A map of purpose to flow, or a list of flows. */
    static void collect(Tree value, Map<String, String> flows) {
        if (value.isMapping()) {
            value.entries().forEach((purpose, flow) -> flow.text().ifPresent(id -> flows.put(purpose, id)));
        } else {
            texts(value.items()).forEach(id -> flows.put(id, id));
        }
    }
}
