package ai.greentic.events.pack;

import java.util.List;
import java.util.Map;

/**
 * What a pack says beside its events section, for the inspector.
 *
 * @param extensionProviders providers of the provider extension
 * @param ingressHandlers HTTP handlers that events come in through
 * @param capabilityOffers capabilities that the pack offers
 * @param timers handlers that run by the clock
 * @param secrets secrets that its components ask for
 * @param entryFlows flows by purpose
 */
public record PackExtras(
        List<ExtensionProvider> extensionProviders,
        List<IngressHandler> ingressHandlers,
        List<CapabilityOffer> capabilityOffers,
        List<String> timers,
        List<Secret> secrets,
        Map<String, String> entryFlows) {
    static final PackExtras NONE = new PackExtras(List.of(), List.of(), List.of(), List.of(), List.of(), Map.of());

    /**
     * @param providerType for example {@code events.webhook}
     * @param capabilities what it can do
     * @param ops operations it has
     * @param componentRef component that implements it
     */
    public record ExtensionProvider(
            String providerType, List<String> capabilities, List<String> ops, String componentRef) {}

    /**
     * @param handlerId name of the handler
     * @param method HTTP method
     * @param path HTTP path with placeholders
     * @param opId operation that takes the request
     */
    public record IngressHandler(String handlerId, String method, String path, String opId) {}

    /**
     * @param offerId name of the offer
     * @param capId capability that is offered
     * @param priority precedence amongst offers of one capability
     */
    public record CapabilityOffer(String offerId, String capId, String priority) {}

    /**
     * @param key name of the secret
     * @param required whether the component cannot do without
     * @param description what it is for
     */
    public record Secret(String key, boolean required, String description) {}

    public PackExtras {
        extensionProviders = List.copyOf(extensionProviders);
        ingressHandlers = List.copyOf(ingressHandlers);
        capabilityOffers = List.copyOf(capabilityOffers);
        timers = List.copyOf(timers);
        secrets = List.copyOf(secrets);
        entryFlows = java.util.Collections.unmodifiableMap(new java.util.TreeMap<>(entryFlows));
    }

    PackExtras withEntryFlows(Map<String, String> flows) {
        return new PackExtras(extensionProviders, ingressHandlers, capabilityOffers, timers, secrets, flows);
    }
}
