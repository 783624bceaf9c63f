package ai.greentic.events.harness;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What is to be provisioned for a pack. As {@link Requirements}, in the documented shape and in the one that packs have. Holds names
 * alone: what is configured is nobody's business here, and secrets less so.
 *
 * @param configKeys dotted keys that it sets
 * @param secretKeys secrets that it sets
 * @param subscriptions topics or ids of subscriptions that it makes, changes or removes
 * @param webhooks the same of webhooks
 */
record Plan(Set<String> configKeys, Set<String> secretKeys, List<String> subscriptions, List<String> webhooks) {
    private static final Set<String> KEYS =
            Set.of("config_patch", "secrets_patch", "subscriptions", "subscription_ops", "webhooks", "webhook_ops");
    private static final Set<String> ACTIONS = Set.of("create", "update", "delete", "upsert", "ensure", "remove");

    static boolean isPlan(Map<?, ?> document) {
        return document.keySet().stream().anyMatch(KEYS::contains);
    }

    /** Reads either shape; empty if it is neither. */
    static Optional<Plan> read(@Nullable Object document, String what, List<String> problems) {
        if (!(document instanceof Map<?, ?> fields) || !isPlan(fields)) {
            problems.add(what + " is no provisioning plan; one has some of " + new TreeSet<>(KEYS));
            return Optional.empty();
        }
        int before = problems.size();
        Set<String> config = new TreeSet<>();
        flatten("", object(fields, "config_patch", what, problems), config);
        Map<?, ?> secrets = object(fields, "secrets_patch", what, problems);
        Set<String> secretKeys = new TreeSet<>();
        Map<?, ?> set = secrets.get("set") instanceof Map<?, ?> below ? below : secrets;
        set.keySet().forEach(key -> secretKeys.add(String.valueOf(key)));
        Plan plan = new Plan(
                config,
                secretKeys,
                operations(
                        fields, List.of("subscriptions", "subscription_ops"), List.of("topic", "id"), what, problems),
                operations(fields, List.of("webhooks", "webhook_ops"), List.of("name", "id"), what, problems));
        return problems.size() == before ? Optional.of(plan) : Optional.empty();
    }

    /** The plan of somebody who sets what is required to what was answered. */
    static Plan ofAnswers(Map<?, ?> answers, Requirements requirements) {
        Set<String> answered = new TreeSet<>();
        flatten("", answers, answered);
        Set<String> config = new TreeSet<>(requirements.configKeys());
        config.removeIf(key -> !has(answered, key));
        Set<String> secrets = new TreeSet<>(requirements.secretKeys());
        secrets.removeIf(key -> !has(answered, key));
        return new Plan(config, secrets, List.of(), List.of());
    }

    private static boolean has(Set<String> keys, String key) {
        return keys.contains(key) || keys.stream().anyMatch(one -> one.startsWith(key + "."));
    }

    private static void flatten(String prefix, Map<?, ?> values, Set<String> keys) {
        values.forEach((key, value) -> {
            String path = prefix + key;
            if (value instanceof Map<?, ?> below && !below.isEmpty()) {
                flatten(path + ".", below, keys);
            } else {
                keys.add(path);
            }
        });
    }

    private static Map<?, ?> object(Map<?, ?> fields, String key, String what, List<String> problems) {
        Object value = fields.get(key);
        if (value != null && !(value instanceof Map<?, ?>)) {
            problems.add(what + ": " + key + " must be an object");
        }
        return value instanceof Map<?, ?> map ? map : Map.of();
    }

    private static List<String> operations(
            Map<?, ?> fields, List<String> keys, List<String> names, String what, List<String> problems) {
        List<String> found = new ArrayList<>();
        for (String key : keys) {
            Object value = fields.get(key);
            if (value != null && !(value instanceof List<?>)) {
                problems.add(what + ": " + key + " must be a list");
            }
            for (Object item : value instanceof List<?> list ? list : List.of()) {
                String name = name(item, names);
                String action = name(item, List.of("action", "op"));
                if (name == null || action == null || !ACTIONS.contains(action)) {
                    problems.add(what + ": an item of " + key + " lacks " + String.join(" or ", names)
                            + ", or its action is not one of " + new TreeSet<>(ACTIONS));
                } else {
                    found.add(name);
                }
            }
        }
        return found;
    }

    /** The first of these fields that is a text. */
    static @Nullable String name(@Nullable Object item, List<String> fields) {
        if (item instanceof Map<?, ?> map) {
            for (String field : fields) {
                if (map.get(field) instanceof String text && !text.isBlank()) {
                    return text;
                }
            }
        }
        return null;
    }

    /** What is required and not in the plan. */
    List<String> lacks(Requirements requirements) {
        List<String> missing = new ArrayList<>();
        requirements.configKeys().stream()
                .filter(key -> !has(configKeys, key))
                .forEach(key -> missing.add("the plan does not set the required configuration key " + key));
        requirements.secretKeys().stream()
                .filter(key -> !has(secretKeys, key))
                .forEach(key -> missing.add("the plan does not set the required secret " + key));
        if (requirements.subscriptionsRequired() && subscriptions.isEmpty()) {
            missing.add("subscriptions are required, and the plan has none");
        }
        if (requirements.webhooksRequired() && webhooks.isEmpty()) {
            missing.add("webhooks are required, and the plan has none");
        }
        return missing;
    }

    String summary() {
        Map<String, Integer> counts = new LinkedHashMap<>();
        counts.put("configuration keys", configKeys.size());
        counts.put("secrets", secretKeys.size());
        counts.put("subscriptions", subscriptions.size());
        counts.put("webhooks", webhooks.size());
        return counts.entrySet().stream()
                .map(one -> one.getValue() + " " + one.getKey())
                .collect(java.util.stream.Collectors.joining(", "));
    }
}
