package ai.greentic.events.bus;

import ai.greentic.events.Caller;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Nearest;
import ai.greentic.events.PatternIndex;
import ai.greentic.events.PayloadMapper;
import ai.greentic.events.ProviderDescriptor.Ordering;
import ai.greentic.events.Tenant;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.bridge.EventToMessages;
import ai.greentic.events.bridge.MessageToEvents;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.delivery.CircuitPolicy;
import ai.greentic.events.delivery.ProviderOverrides;
import ai.greentic.events.memory.MemoryAttemptStore;
import ai.greentic.events.memory.MemoryIdempotencyStore;
import ai.greentic.events.routing.RouteTable;
import ai.greentic.events.spi.AttemptStore;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.IdempotencyStore;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderFactory;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.SettingsSchema;
import ai.greentic.events.spi.StateStore;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import ai.greentic.events.telemetry.Telemetry;
import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns a builder's collection into a bus: first every check, then, if nothing is wrong, the providers. */
final class BusAssembly {
    /** The setting that takes a provider to another transport than its pack names. */
    private static final String TRANSPORT = "transport";

    private static final Logger LOG = LoggerFactory.getLogger(BusAssembly.class);
    private static final int LANES = 4;

    final List<String> problems = new ArrayList<>();
    final Factories factories = new Factories();
    ClassLoader classLoader = BusAssembly.class.getClassLoader();

    @Nullable
    String fallback;

    AccessPolicy access = AccessPolicy.open();

    final DeadLetterPlace deadLetterPlace = new DeadLetterPlace();

    @Nullable
    AttemptStore attempts;

    final HostStore hostStore = new HostStore();

    @Nullable
    IdempotencyStore idempotency;

    @Nullable
    OpenTelemetry openTelemetry;

    final List<Interceptor> interceptors = new ArrayList<>();
    final Map<String, MessageToEvents> messageToEvents = new TreeMap<>();
    final Map<String, EventToMessages> eventToMessages = new TreeMap<>();
    final Map<Tenant, TenantLimits> limitsOfTenants = new HashMap<>();
    TenantLimits tenantLimits = TenantLimits.NONE;
    CircuitPolicy circuit = CircuitPolicy.STANDARD;
    boolean deadLetterCopies = true;
    String host = hostName();

    @Nullable
    PayloadMapper payloadMapper;

    EnvelopeCodec codec = EnvelopeCodec.STANDARD;

    @Nullable
    Executor handlerExecutor;

    @Nullable
    Executor receiptExecutor;

    Time time = Time.system();

    @Nullable
    Tasks tasks;

    Duration publishTimeout = Duration.ofSeconds(30);
    int publishQueue = 4096;
    boolean conventionalTopics = true;

    private final List<Candidate> candidates = new ArrayList<>();
    private final Map<Scope, Map<String, Object>> settings = new LinkedHashMap<>();
    private final Map<EventBus.Source, Map<Scope, ProviderOverrides>> overrides = new EnumMap<>(EventBus.Source.class);
    private final List<ExplicitRoute> routes = new ArrayList<>();

    private record Candidate(
            ProviderDeclaration declaration, @Nullable EventProvider given, Set<Capability> givenCapabilities) {
        String qualifiedName() {
            String pack = declaration.pack();
            return (pack == null ? "" : pack + "/") + declaration.descriptor().name();
        }

        String where() {
            String pack = declaration.pack();
            return "events." + (pack == null ? "" : "packs." + pack + ".") + "providers."
                    + declaration.descriptor().name();
        }
    }

    /** A provider's name, in one pack or, without a pack, in all. */
    private record Scope(@Nullable String pack, String provider) {
        boolean covers(ProviderDeclaration declaration) {
            return provider.equals(declaration.descriptor().name())
                    && (pack == null || pack.equals(declaration.pack()));
        }

        @Override
        public String toString() {
            return pack == null ? provider : pack + "/" + provider;
        }
    }

    private record ExplicitRoute(TopicPattern pattern, String provider) {}

    /** A candidate that passed every check. */
    private record Plan(
            Candidate candidate,
            String transport,
            @Nullable ProviderFactory factory,
            @Nullable ProviderSettings settings,
            Set<Capability> capabilities,
            ProviderOverrides overrides) {}

    void add(ProviderDeclaration declaration, @Nullable EventProvider given, Set<Capability> capabilities) {
        candidates.add(new Candidate(declaration, given, capabilities));
    }

    void settings(@Nullable String pack, String provider, Map<String, ?> values) {
        settings.computeIfAbsent(new Scope(pack, provider), scope -> new LinkedHashMap<>())
                .putAll(values);
    }

    void override(EventBus.Source source, @Nullable String pack, String provider, ProviderOverrides values) {
        overrides
                .computeIfAbsent(source, any -> new LinkedHashMap<>())
                .merge(new Scope(pack, provider), values, (earlier, later) -> later.over(earlier));
    }

    void route(TopicPattern pattern, String provider) {
        routes.add(new ExplicitRoute(pattern, provider));
    }

    <T> void bridge(Map<String, T> bridges, String name, T bridge) {
        if (bridges.put(name, bridge) != null) {
            problems.add("bridge " + name + " is given twice in the same direction; rename one of them");
        }
    }

    EventBus build() {
        factories.find(classLoader);
        List<Plan> plans = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (Candidate candidate : candidates) {
            ProviderDeclaration declaration = candidate.declaration;
            if (!names.add(declaration.pack() + "/" + declaration.descriptor().name())) {
                problems.add("provider " + declaration.descriptor().name() + " is registered twice"
                        + (declaration.pack() == null ? "" : " in pack " + declaration.pack())
                        + "; rename one of them");
                continue;
            }
            Plan plan = plan(candidate);
            if (plan != null) {
                plans.add(plan);
            }
        }
        reportStrayScopes();
        hostStore.check(classLoader, problems);
        deadLetterPlace.check(problems);
        Map<String, String> targets = new LinkedHashMap<>();
        routes.forEach(route -> targets.put(route.provider, "a route leads to provider "));
        if (deadLetterPlace.provider != null) {
            targets.put(deadLetterPlace.provider, DeadLetterPlace.SETTING + " names provider ");
        }
        targets.forEach((target, use) -> {
            long found = candidates.stream()
                    .filter(c -> isTarget(c.declaration, target))
                    .count();
            if (found != 1) {
                problems.add(use + target + ", of which there are " + found
                        + (found == 0
                                ? Nearest.hint(
                                        target,
                                        candidates.stream()
                                                .map(c -> c.declaration
                                                        .descriptor()
                                                        .name())
                                                .toList())
                                : "; write pack/name"));
            }
        });
        if (!problems.isEmpty()) {
            throw EventsException.several(
                    ErrorCode.INVALID_CONFIGURATION,
                    problems.size() == 1
                            ? "the configuration has a problem"
                            : "the configuration has " + problems.size() + " problems",
                    problems);
        }
        return start(plans);
    }

    private @Nullable Plan plan(Candidate candidate) {
        ProviderDeclaration declaration = candidate.declaration;
        ProviderOverrides merged = mergedOverrides(declaration);
        if (candidate.given != null) {
            checkMinimum(candidate, candidate.givenCapabilities);
            return new Plan(candidate, "custom", null, null, candidate.givenCapabilities, merged);
        }
        Map<String, Object> raw = new LinkedHashMap<>();
        settings.forEach((scope, values) -> {
            if (scope.pack == null && scope.covers(declaration)) {
                raw.putAll(values);
            }
        });
        settings.forEach((scope, values) -> {
            if (scope.pack != null && scope.covers(declaration)) {
                raw.putAll(values);
            }
        });
        Object chosen = raw.remove(TRANSPORT);
        String transport = chosen == null ? declaration.descriptor().transport() : chosen.toString();
        ProviderFactory factory = factories.get(transport);
        if (fallback != null && chosen == null && (factory == null || raw.isEmpty() && needsSettings(factory))) {
            transport = fallback;
            factory = factories.get(fallback);
        }
        if (!declaration.descriptor().kind().publishes()
                && !declaration.descriptor().kind().subscribes()) {
            return null;
        }
        if (factory == null) {
            problems.add(candidate.where() + " wants transport '" + transport
                    + "', which no provider on the class path offers" + Nearest.hint(transport, factories.transports())
                    + ", or add the provider's jar");
            return null;
        }
        int before = problems.size();
        boolean foreign =
                chosen == null && !transport.equals(declaration.descriptor().transport());
        ProviderSettings parsed = factory.settings().parse(foreign ? Map.of() : raw, candidate.where(), problems);
        if (problems.size() > before) {
            return null;
        }
        Set<Capability> capabilities = factory.capabilities(parsed);
        checkMinimum(candidate, capabilities);
        return new Plan(candidate, transport, factory, parsed, capabilities, merged);
    }

    private static boolean needsSettings(ProviderFactory factory) {
        return factory.settings().settings().stream().anyMatch(SettingsSchema.Setting::required);
    }

    private ProviderOverrides mergedOverrides(ProviderDeclaration declaration) {
        ProviderOverrides merged = declaration.overrides();
        for (EventBus.Source source : EventBus.Source.values()) {
            Map<Scope, ProviderOverrides> layer = overrides.getOrDefault(source, Map.of());
            for (boolean scoped : new boolean[] {false, true}) {
                for (Map.Entry<Scope, ProviderOverrides> entry : layer.entrySet()) {
                    if ((entry.getKey().pack != null) == scoped
                            && entry.getKey().covers(declaration)) {
                        merged = entry.getValue().over(merged);
                    }
                }
            }
        }
        return merged;
    }

    /** What a pack asks for is a minimum. */
    private void checkMinimum(Candidate candidate, Set<Capability> capabilities) {
        Ordering ordering = candidate.declaration.descriptor().ordering();
        if (ordering == Ordering.PER_KEY && !capabilities.contains(Capability.KEY_ORDER)) {
            problems.add(
                    candidate.where() + " asks for ordering per_key, which the provider does not offer (KEY_ORDER)");
        }
        if (ordering == Ordering.GLOBAL && !capabilities.contains(Capability.GLOBAL_ORDER)) {
            problems.add(
                    candidate.where() + " asks for ordering global, which the provider does not offer (GLOBAL_ORDER)");
        }
    }

    private void reportStrayScopes() {
        List<String> known = candidates.stream()
                .map(candidate -> candidate.declaration.descriptor().name())
                .toList();
        Set<Scope> used = new HashSet<>(settings.keySet());
        overrides.values().forEach(layer -> used.addAll(layer.keySet()));
        for (Scope scope : used) {
            if (candidates.stream().noneMatch(candidate -> scope.covers(candidate.declaration))) {
                problems.add("settings or overrides name provider " + scope + ", which is not registered"
                        + Nearest.hint(scope.provider, known));
            }
        }
    }

    private static boolean isTarget(ProviderDeclaration declaration, String target) {
        String name = declaration.descriptor().name();
        return target.equals(name) || target.equals(declaration.pack() + "/" + name);
    }

    private EventBus start(List<Plan> plans) {
        StateStore state = hostStore.open(time);
        try {
            return start(plans, state);
        } catch (RuntimeException | Error e) {
            hostStore.close();
            throw e;
        }
    }

    /** A provider that a plan led to, or why it did not. */
    private record Started(
            @Nullable EventProvider provider, @Nullable EventsException failure) {}

    private EventBus start(List<Plan> plans, @Nullable StateStore state) {
        Tasks threads = tasks != null
                ? tasks
                : handlerExecutor != null ? Tasks.threads("events", handlerExecutor) : Tasks.threads("events");
        Map<Plan, Started> started = new LinkedHashMap<>();
        plans.forEach(plan -> started.put(plan, start(plan, threads, state)));
        try {
            return start(started, threads, state);
        } catch (RuntimeException | Error e) {
            started.values().stream()
                    .map(Started::provider)
                    .filter(Objects::nonNull)
                    .forEach(EventProvider::close);
            threads.close(Duration.ZERO);
            throw e;
        }
    }

    private EventBus start(Map<Plan, Started> started, Tasks threads, @Nullable StateStore state) {
        Telemetry telemetry =
                Telemetry.of(openTelemetry != null ? openTelemetry : GlobalOpenTelemetry.getOrNoop(), time::nanos);
        PublishContext context = new PublishContext(
                time,
                threads,
                receiptExecutor != null ? receiptExecutor : threads::handle,
                new Claims(
                        idempotency != null
                                ? idempotency
                                : state != null ? state.idempotency() : new MemoryIdempotencyStore(time)),
                new DeadLetterOffice(deadLetterStore(started, state), time, codec, telemetry),
                host);
        AttemptStore starts = attempts != null ? attempts : state != null ? state.attempts() : new MemoryAttemptStore();
        TenantLimiter limiter = new TenantLimiter(tenantLimits, limitsOfTenants, time);
        List<Registration> registrations = new ArrayList<>();
        started.forEach((plan, one) -> registrations.add(registration(plan, one, context, limiter, state)));
        List<PatternIndex.Entry<Registration>> explicit = new ArrayList<>();
        for (ExplicitRoute route : routes) {
            registrations.stream()
                    .filter(registration -> route.provider.equals(registration.name())
                            || route.provider.equals(registration.qualifiedName()))
                    .findFirst()
                    .ifPresent(registration -> explicit.add(new PatternIndex.Entry<>(route.pattern, registration)));
        }
        List<PatternIndex.Entry<Registration>> registered = new ArrayList<>();
        for (Registration registration : registrations) {
            if (registration.publishes()) {
                registration.topics.forEach(topics -> registered.add(new PatternIndex.Entry<>(topics, registration)));
            }
        }
        RouteTable<Registration> table = new RouteTable<>(explicit, registered);
        Engine engine = new Engine(this, context, starts, telemetry, table, registrations);
        PublishPipeline pipeline = new PublishPipeline(engine, limiter, publishTimeout, conventionalTopics);
        for (Registration registration : registrations) {
            Forwarder forwarder = registration.forwarder();
            if (forwarder != null) {
                forwarder.start(pipeline::releaseAsync);
            }
        }
        if (deadLetterCopies) {
            context.deadLetters.copyWith(pipeline::publishCopy);
        }
        Bridges bridges = new Bridges(messageToEvents, eventToMessages, pipeline);
        return new EventBus(engine, pipeline, bridges, Caller.HOST, true);
    }

    /** Whether there are events of a provider that wait in the state store: while it is away, or until their time. */
    private static boolean keepsInStore(Plan plan) {
        return plan.overrides.forward() || !plan.capabilities.contains(Capability.SCHEDULE);
    }

    private static String hostName() {
        String named = System.getenv("HOSTNAME");
        return named == null || named.isBlank()
                ? "process " + ProcessHandle.current().pid()
                : named;
    }

    private DeadLetterStore deadLetterStore(Map<Plan, Started> started, @Nullable StateStore state) {
        Map<String, EventProvider> running = new LinkedHashMap<>();
        EventProvider keeper = null;
        for (Map.Entry<Plan, Started> one : started.entrySet()) {
            EventProvider provider = one.getValue().provider;
            Candidate candidate = one.getKey().candidate;
            if (provider != null) {
                running.put(candidate.qualifiedName(), provider);
                if (deadLetterPlace.provider != null && isTarget(candidate.declaration, deadLetterPlace.provider)) {
                    keeper = provider;
                }
            }
        }
        return deadLetterPlace.open(running, keeper, state);
    }

    private Started start(Plan plan, Tasks threads, @Nullable StateStore state) {
        String name = plan.candidate.declaration.descriptor().name();
        if (plan.candidate.given != null || plan.factory == null || plan.settings == null) {
            return new Started(plan.candidate.given, null);
        }
        try {
            return new Started(
                    plan.factory.create(
                            plan.settings,
                            new ProviderContext(
                                    name, time, threads, plan.candidate.qualifiedName(), Optional.ofNullable(state))),
                    null);
        } catch (RuntimeException | LinkageError e) {
            LOG.error("provider {} did not start; the others go on", name, e);
            return new Started(
                    null,
                    e instanceof EventsException known
                            ? known
                            : new EventsException(
                                    ErrorCode.PROVIDER_NOT_STARTED,
                                    "its factory failed with " + e.getClass().getSimpleName() + ": " + e.getMessage(),
                                    e));
        }
    }

    private Registration registration(
            Plan plan, Started started, PublishContext context, TenantLimiter limiter, @Nullable StateStore state) {
        EventProvider provider = started.provider;
        Registration registration = new Registration(
                plan.candidate.declaration,
                plan.transport,
                plan.capabilities,
                plan.overrides,
                provider,
                started.failure);
        if (provider != null) {
            Forwarder forwarder = state == null || !keepsInStore(plan)
                    ? null
                    : new Forwarder(registration, state.forwards(), context, codec);
            Sender sender = new Sender(registration, provider, context, circuit, forwarder);
            List<PublishLane> lanes = new ArrayList<>();
            for (int i = 0; i < (registration.globallyOrdered() ? 1 : LANES); i++) {
                lanes.add(new PublishLane(sender, context, publishQueue, limiter::weight));
            }
            registration.open(sender, lanes, forwarder);
        }
        return registration;
    }
}
