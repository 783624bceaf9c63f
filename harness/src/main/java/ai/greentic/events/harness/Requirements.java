package ai.greentic.events.harness;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a pack needs before it works. Two shapes of it exist: the one that the original harness documents, and the one that packs have,
 * below {@code requirements} and with shorter names.
 *
 * @param configKeys dotted keys that must be configured
 * @param secretKeys names of secrets that must be there
 */
record Requirements(
        List<String> configKeys, List<String> secretKeys, boolean subscriptionsRequired, boolean webhooksRequired) {
    private static final Set<String> DOCUMENTED =
            Set.of("required_config_keys", "required_secret_keys", "subscriptions_required", "webhooks_required");
    private static final Set<String> OF_PACKS =
            Set.of("config_keys", "secret_keys", "subscriptions_required", "webhook_required");

    /**
     * Reads either shape; empty if it is neither, rather than nothing required.
     *
     * @param problems gets what is wrong with it
     */
    static Optional<Requirements> read(@Nullable Object document, String what, List<String> problems) {
        if (!(document instanceof Map<?, ?> root)) {
            problems.add(what + " is not an object");
            return Optional.empty();
        }
        boolean ofPacks = root.get("requirements") instanceof Map<?, ?>;
        Map<?, ?> fields = root.get("requirements") instanceof Map<?, ?> below ? below : root;
        Set<String> known = ofPacks ? OF_PACKS : DOCUMENTED;
        if (!fields.isEmpty() && fields.keySet().stream().noneMatch(known::contains)) {
            problems.add(what + " has " + fields.keySet() + " and none of " + new java.util.TreeSet<>(known)
                    + "; it would require nothing");
            return Optional.empty();
        }
        int before = problems.size();
        Requirements read = new Requirements(
                texts(fields, ofPacks ? "config_keys" : "required_config_keys", what, problems),
                texts(fields, ofPacks ? "secret_keys" : "required_secret_keys", what, problems),
                flag(fields, "subscriptions_required", what, problems),
                flag(fields, ofPacks ? "webhook_required" : "webhooks_required", what, problems));
        return problems.size() == before ? Optional.of(read) : Optional.empty();
    }

    private static List<String> texts(Map<?, ?> fields, String key, String what, List<String> problems) {
        Object value = fields.get(key);
        if (value == null) {
            return List.of();
        }
        if (value instanceof List<?> list
                && list.stream().allMatch(item -> item instanceof String text && !text.isBlank())) {
            return list.stream().map(String.class::cast).toList();
        }
        problems.add(what + ": " + key + " must be a list of texts");
        return List.of();
    }

    private static boolean flag(Map<?, ?> fields, String key, String what, List<String> problems) {
        Object value = fields.get(key);
        if (value != null && !(value instanceof Boolean)) {
            problems.add(what + ": " + key + " must be true or false");
        }
        return Boolean.TRUE.equals(value);
    }
}
