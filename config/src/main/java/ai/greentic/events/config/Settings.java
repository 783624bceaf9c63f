package ai.greentic.events.config;

import ai.greentic.events.EventsException;
import ai.greentic.events.Nearest;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.access.AccessRule;
import ai.greentic.events.bus.BusConfigurer;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.EventBusBuilder;
import ai.greentic.events.delivery.Backoff;
import ai.greentic.events.delivery.ProviderOverrides;
import ai.greentic.events.delivery.RetryPolicy;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The settings in force, each with its origin. Configures a bus with provider settings, overrides, routes and access rules. Immutable.
 * What {@link #explain} shows is what the program uses; what may be a secret is hidden.
 */
public final class Settings implements BusConfigurer {
    private static final Duration LONGEST = Duration.ofDays(365);

    private static final Set<String> RULE_KEYS = Set.of(
            "effect",
            "actions",
            "topic",
            "caller",
            "env",
            "tenant",
            "team",
            "user",
            "tenant_pattern",
            "topic_pattern",
            "allow_publish",
            "allow_subscribe");

    private final Map<Path, Value> values;
    private final List<String> warnings;

    Settings(Map<Path, Value> values) {
        this(values, List.of());
    }

    private Settings(Map<Path, Value> values, List<String> warnings) {
        this.values = new TreeMap<>(values);
        this.warnings = List.copyOf(warnings);
    }

    Settings with(List<String> found) {
        return new Settings(values, found);
    }

    /** The settings of this process: its working directory and environment. */
    public static Settings load() {
        return loader().load();
    }

    public static SettingsLoader loader() {
        return new SettingsLoader();
    }

    /** What is odd but usable. */
    public List<String> warnings() {
        return warnings;
    }

    /** A value by dotted path. */
    public Optional<Value> value(String path) {
        return Optional.ofNullable(values.get(Path.of(path)));
    }

    public Optional<String> text(String path) {
        return value(path).map(value -> value.value().toString());
    }

    long number(String path) {
        return (Long) value(path).orElseThrow().value();
    }

    BigDecimal decimal(String path) {
        return (BigDecimal) value(path).orElseThrow().value();
    }

    boolean flag(String path) {
        return (Boolean) value(path).orElseThrow().value();
    }

    boolean hasBelow(String path) {
        String[] prefix = path.split("\\.");
        return values.keySet().stream().anyMatch(key -> key.startsWith(prefix));
    }

    Map<Path, Value> values() {
        return values;
    }

    /** Environment that events belong to. */
    public String env() {
        return text("environment.env_id").orElse("dev");
    }

    @Override
    public void configure(EventBusBuilder builder) {
        List<String> problems = new ArrayList<>();
        providers().forEach((provider, raw) -> {
            Map<String, Object> connection = new LinkedHashMap<>(raw);
            ProviderOverrides overrides = ProviderOverrides.take(connection, provider.where(), problems);
            if (!connection.isEmpty()) {
                builder.providerSettings(provider.pack, provider.name, connection);
            }
            if (!overrides.equals(ProviderOverrides.NONE)) {
                builder.override(EventBus.Source.SETTINGS, provider.pack, provider.name, overrides);
            }
        });
        values.forEach((path, value) -> {
            if (path.startsWith("events", "routes") && path.segments().size() == 3) {
                try {
                    builder.route(path.last(), value.value().toString());
                } catch (EventsException e) {
                    problems.add(path + " (" + value.origin() + "): " + e.getMessage());
                }
            }
        });
        store(builder, problems);
        text("events.dead_letters.provider").ifPresent(builder::deadLettersOn);
        text("events.dead_letters.scope").ifPresent(scope -> builder.deadLettersStayLocal());
        AccessPolicy policy = accessPolicy(problems);
        if (policy != null) {
            builder.access(policy);
        }
        problems.forEach(builder::problem);
    }

    /** Passes the store's settings on; only {@code events.store.enabled} has the bus open it. */
    private void store(EventBusBuilder builder, List<String> problems) {
        builder.storeSettings(storeSettings());
        Object enabled = value("events.store.enabled").map(Value::value).orElse(false);
        if (Boolean.TRUE.equals(enabled)) {
            builder.stateDirectory(stateDirectory());
        } else if (!Boolean.FALSE.equals(enabled)) {
            problems.add("events.store.enabled is '" + enabled + "'; it must be true or false");
        }
    }

    /** What is set under {@code events.store}, but for {@code enabled}, with dotted keys below it. */
    public Map<String, Object> storeSettings() {
        Map<String, Object> raw = new LinkedHashMap<>();
        values.forEach((path, value) -> {
            List<String> at = path.segments();
            if (path.startsWith("events", "store") && at.size() > 2) {
                raw.put(String.join(".", at.subList(2, at.size())), value.value());
            }
        });
        raw.remove("enabled");
        return raw;
    }

    /** Where durable state is kept. */
    public java.nio.file.Path stateDirectory() {
        return java.nio.file.Path.of(text("paths.state_dir").orElse(".greentic"));
    }

    private record Provider(@Nullable String pack, String name) {
        String where() {
            return "events." + (pack == null ? "" : "packs." + pack + ".") + "providers." + name;
        }
    }

    /** Raw settings of each provider that has some, dotted keys below the provider's name. */
    private Map<Provider, Map<String, Object>> providers() {
        Map<Provider, Map<String, Object>> found = new LinkedHashMap<>();
        values.forEach((path, value) -> {
            List<String> at = path.segments();
            if (path.startsWith("events", "providers") && at.size() > 3) {
                found.computeIfAbsent(new Provider(null, at.get(2)), any -> new LinkedHashMap<>())
                        .put(String.join(".", at.subList(3, at.size())), value.value());
            } else if (path.startsWith("events", "packs")
                    && at.size() > 5
                    && at.get(3).equals("providers")) {
                found.computeIfAbsent(new Provider(at.get(2), at.get(4)), any -> new LinkedHashMap<>())
                        .put(String.join(".", at.subList(5, at.size())), value.value());
            }
        });
        return found;
    }

    void overridesProblems(List<String> problems) {
        providers()
                .forEach((provider, raw) ->
                        ProviderOverrides.take(new LinkedHashMap<>(raw), provider.where(), problems));
    }

    /** The configured access policy, or null if there are no rules and no default. */
    @Nullable
    AccessPolicy accessPolicy(Collection<? super String> problems) {
        Object raw = value("events.access.rules").map(Value::value).orElse(null);
        String byDefault = text("events.access.default").orElse(null);
        if (raw == null && byDefault == null) {
            return null;
        }
        List<AccessRule> rules = new ArrayList<>();
        int number = 0;
        for (Object item : raw == null ? List.of() : (Collection<?>) raw) {
            number++;
            String where = "events.access.rules[" + number + "]";
            if (item instanceof Map<?, ?> map) {
                rule(map, where, problems).ifPresent(rules::add);
            } else {
                problems.add(
                        where
                                + " must be a table such as {effect = \"allow\", actions = [\"publish\"], topic = \"orders.*\"}");
            }
        }
        return "allow".equals(byDefault) ? AccessPolicy.allowingByDefault(rules) : AccessPolicy.of(rules);
    }

    /** A rule of ours, or of upstream's shape: {@code tenant_pattern, topic_pattern, allow_publish, allow_subscribe}. */
    private static Optional<AccessRule> rule(Map<?, ?> map, String where, Collection<? super String> problems) {
        int before = problems.size();
        for (Object key : map.keySet()) {
            if (!RULE_KEYS.contains(key)) {
                problems.add(
                        where + "." + key + " is not a known setting" + Nearest.hint(String.valueOf(key), RULE_KEYS));
            }
        }
        boolean upstream = map.containsKey("allow_publish") || map.containsKey("allow_subscribe");
        Set<AccessAction> actions = upstream
                ? EnumSet.of(AccessAction.PUBLISH, AccessAction.SUBSCRIBE)
                : actions(map.get("actions"), where, problems);
        String effect = upstream ? upstreamEffect(map, where, problems) : String.valueOf(map.get("effect"));
        if (!effect.equals("allow") && !effect.equals("deny")) {
            problems.add(where + ".effect is '" + effect + "'; it must be allow or deny");
        }
        if (problems.size() > before) {
            return Optional.empty();
        }
        try {
            AccessRule.Builder rule = AccessRule.of(
                            effect.equals("allow") ? AccessRule.Effect.ALLOW : AccessRule.Effect.DENY, actions)
                    .topics(pattern(map, "topic", "topic_pattern"))
                    .tenant(pattern(map, "tenant", "tenant_pattern"));
            rule.caller(pattern(map, "caller", "caller")).env(pattern(map, "env", "env"));
            rule.team(pattern(map, "team", "team")).user(pattern(map, "user", "user"));
            return Optional.of(rule.build());
        } catch (EventsException e) {
            problems.add(where + ": " + e.getMessage());
            return Optional.empty();
        }
    }

    private static String upstreamEffect(Map<?, ?> map, String where, Collection<? super String> problems) {
        Object publish = map.get("allow_publish");
        Object subscribe = map.get("allow_subscribe");
        if (!(publish instanceof Boolean) || !publish.equals(subscribe)) {
            problems.add(
                    where + ": allow_publish and allow_subscribe must both be given and be equal; write two rules with"
                            + " effect and actions to treat them differently");
        }
        return Boolean.TRUE.equals(publish) ? "allow" : "deny";
    }

    private static String pattern(Map<?, ?> map, String name, String upstreamName) {
        Object given = map.get(name) != null ? map.get(name) : map.get(upstreamName);
        return given == null ? "*" : given.toString();
    }

    private static Set<AccessAction> actions(
            @Nullable Object given, String where, Collection<? super String> problems) {
        Set<AccessAction> actions = EnumSet.noneOf(AccessAction.class);
        List<String> known = java.util.Arrays.stream(AccessAction.values())
                .map(action -> action.name().toLowerCase(Locale.ROOT))
                .toList();
        if (!(given instanceof Collection<?> names) || names.isEmpty()) {
            problems.add(where + ".actions must be a list of some of " + String.join(", ", known));
            return actions;
        }
        for (Object name : names) {
            if (known.contains(String.valueOf(name))) {
                actions.add(AccessAction.valueOf(String.valueOf(name).toUpperCase(Locale.ROOT)));
            } else {
                problems.add(where + ".actions has '" + name + "'" + Nearest.hint(String.valueOf(name), known));
            }
        }
        return actions;
    }

    /**
     * How sources, sinks and the subscriptions of installs are tried again when their provider fails, as {@code events.reconnect} and
     * {@code events.backoff} say; not at all where that is switched off. Publishing has {@code retry} of its provider, and nothing of this.
     */
    public RetryPolicy reconnection() {
        double multiplier = decimal("events.backoff.multiplier").doubleValue();
        return RetryPolicy.STANDARD
                .maxRetries(
                        flag("events.reconnect.enabled")
                                ? (int) Math.min(Integer.MAX_VALUE, number("events.reconnect.max_retries"))
                                : 0)
                .delays(millis("events.backoff.initial_ms"), millis("events.backoff.max_ms"))
                .backoff(
                        multiplier == 1
                                ? Backoff.FIXED
                                : flag("events.backoff.jitter") ? Backoff.EXPONENTIAL_WITH_JITTER : Backoff.EXPONENTIAL)
                .multiplier(multiplier)
                // The number of tries is the limit.
                .budget(LONGEST);
    }

    private Duration millis(String path) {
        return Duration.ofMillis(Math.min(number(path), LONGEST.toMillis()));
    }

    /** The access policy that these settings make. */
    public AccessPolicy accessPolicy() {
        AccessPolicy policy = accessPolicy(new ArrayList<>());
        return policy == null ? AccessPolicy.open() : policy;
    }

    /** The settings as JSON, in order, indented; empty sections written as upstream does. */
    public String show() {
        return SettingsText.show(this);
    }

    /** The settings that have a value, one a line. */
    public String list() {
        return SettingsText.list(this);
    }

    /** Every value that a layer set with its origin, and the warnings, as JSON with sorted keys. */
    public String explainJson() {
        return SettingsText.explainJson(this);
    }

    /** The same for people. */
    public String explain() {
        return SettingsText.explain(this);
    }

    /** The table of all settings, in Markdown; the source of {@code docs/settings.md}. */
    public static String reference() {
        return SettingsText.reference();
    }
}
