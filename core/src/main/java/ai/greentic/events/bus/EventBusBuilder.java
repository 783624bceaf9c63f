package ai.greentic.events.bus;

import ai.greentic.events.EventsException;
import ai.greentic.events.PayloadMapper;
import ai.greentic.events.ProviderDescriptor;
import ai.greentic.events.Tenant;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.bridge.EventToMessages;
import ai.greentic.events.bridge.MessageToEvents;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.delivery.CircuitPolicy;
import ai.greentic.events.delivery.ProviderOverrides;
import ai.greentic.events.spi.AttemptStore;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.IdempotencyStore;
import ai.greentic.events.spi.ProviderFactory;
import ai.greentic.events.spi.StateStore;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** Collects what a bus is made of. {@link #build()} reports every problem at once. Not thread-safe. */
public final class EventBusBuilder {
    final BusAssembly assembly = new BusAssembly();

    EventBusBuilder() {}

    /** Lets a pack, settings or a set of defaults add to this builder. */
    public EventBusBuilder with(BusConfigurer configurer) {
        configurer.configure(this);
        return this;
    }

    /**
     * Adds a provider made by the host; the bus closes it. It is taken to publish and subscribe with patterns; say more with the other
     * method.
     */
    public EventBusBuilder provider(String name, EventProvider provider, String... topics) {
        return provider(
                name, provider, EnumSet.of(Capability.PUBLISH, Capability.SUBSCRIBE, Capability.WILDCARD), topics);
    }

    /** Adds a provider made by the host, with what it can do; the bus closes it. */
    public EventBusBuilder provider(
            String name, EventProvider provider, Set<Capability> capabilities, String... topics) {
        assembly.add(declaration(name, "custom", topics), provider, capabilities);
        return this;
    }

    /** Adds a provider of a transport, for example {@code memory}, as a broker. */
    public EventBusBuilder provider(String name, String transport, String... topics) {
        return declare(declaration(name, transport, topics));
    }

    private ProviderDeclaration declaration(String name, String transport, String... topics) {
        return new ProviderDeclaration(
                null,
                new ProviderDescriptor(
                        name,
                        ProviderDescriptor.Kind.BROKER,
                        transport,
                        ProviderDescriptor.Reliability.AT_LEAST_ONCE,
                        ProviderDescriptor.Ordering.NONE,
                        null,
                        List.of()),
                Arrays.stream(topics).map(TopicPattern::of).toList(),
                ProviderOverrides.NONE);
    }

    /** Adds a provider as a pack declares it. */
    public EventBusBuilder declare(ProviderDeclaration declaration) {
        assembly.add(declaration, null, Set.of());
        return this;
    }

    /** Adds a factory beside those that {@link java.util.ServiceLoader} finds; it wins over one of the same transport. */
    public EventBusBuilder providerFactory(ProviderFactory factory) {
        assembly.factories.add(factory);
        return this;
    }

    /** Where {@link java.util.ServiceLoader} looks for factories; default this library's class loader. */
    public EventBusBuilder classLoader(ClassLoader loader) {
        assembly.classLoader = Objects.requireNonNull(loader);
        return this;
    }

    /**
     * Connection settings of a provider, raw, key by key; later calls win.
     *
     * @param pack id of the pack, or null for the provider of that name in every pack
     */
    public EventBusBuilder providerSettings(@Nullable String pack, String provider, Map<String, ?> settings) {
        assembly.settings(pack, provider, settings);
        return this;
    }

    /** What code changes about the guarantees of the provider of that name, in whatever pack. */
    public EventBusBuilder override(String provider, ProviderOverrides overrides) {
        return override(EventBus.Source.CODE, null, provider, overrides);
    }

    /** What a source changes about the guarantees of a provider; {@code pack} null means in every pack. */
    public EventBusBuilder override(
            EventBus.Source source, @Nullable String pack, String provider, ProviderOverrides overrides) {
        assembly.override(source, pack, provider, overrides);
        return this;
    }

    /** Routes matching topics to a provider, before any registered pattern; {@code pack/name} where names are not unique. */
    public EventBusBuilder route(String pattern, String provider) {
        assembly.route(TopicPattern.of(pattern), provider);
        return this;
    }

    /**
     * Providers whose transport has no factory here, or needs settings where none are given, run on this one instead. Without it they are
     * a problem.
     */
    public EventBusBuilder fallbackTransport(String transport) {
        assembly.fallback = transport;
        return this;
    }

    /** Who may do what; default {@link AccessPolicy#open()}. */
    public EventBusBuilder access(AccessPolicy policy) {
        assembly.access = Objects.requireNonNull(policy);
        return this;
    }

    /**
     * Keeps durable state in a directory, which is made if it is missing: idempotency keys, dead letters, attempts, events that wait for
     * their providers, and the events of embedded providers without a directory of their own. The bus opens it and closes it. Needs a
     * state store on the class path, which {@code greentic-events-embedded} is. A store given for one purpose goes before it.
     */
    public EventBusBuilder stateDirectory(Path directory) {
        assembly.hostStore.directory = Objects.requireNonNull(directory);
        return this;
    }

    /** As {@link #stateDirectory}, with a store that the host has opened and closes after the bus. */
    public EventBusBuilder stateStore(StateStore store) {
        assembly.hostStore.given = Objects.requireNonNull(store);
        return this;
    }

    /** Settings of the state store that {@link #stateDirectory} opens; later ones go before earlier ones. */
    public EventBusBuilder storeSettings(Map<String, ?> values) {
        assembly.hostStore.settings.putAll(values);
        return this;
    }

    /** Where events go that could not be delivered; default in memory, bounded. */
    public EventBusBuilder deadLetters(DeadLetterStore store) {
        assembly.deadLetterPlace.given = Objects.requireNonNull(store);
        return this;
    }

    /**
     * Keeps dead letters on the transport of one of the providers, so that every host that reaches it sees them; its transport must be able
     * to.
     *
     * @param provider name, or {@code pack/name}
     */
    public EventBusBuilder deadLettersOn(String provider) {
        assembly.deadLetterPlace.provider = Objects.requireNonNull(provider);
        return this;
    }

    /** Says that dead letters are meant to stay with this host although a transport could keep them for all; without it the log says so. */
    public EventBusBuilder deadLettersStayLocal() {
        assembly.deadLetterPlace.local = true;
        return this;
    }

    /** What is remembered of idempotency keys; default in memory, 36 hours, a million keys. */
    public EventBusBuilder idempotency(IdempotencyStore store) {
        assembly.idempotency = Objects.requireNonNull(store);
        return this;
    }

    /** What is remembered of attempts over restarts; default in memory. */
    public EventBusBuilder attempts(AttemptStore store) {
        assembly.attempts = Objects.requireNonNull(store);
        return this;
    }

    /** Whether a copy of each dead letter is published on {@code <topic>.dlq}, or the provider's {@code dlq_topic}; default true. */
    public EventBusBuilder deadLetterCopies(boolean publish) {
        assembly.deadLetterCopies = publish;
        return this;
    }

    /** Adds an interceptor behind those that are there. */
    public EventBusBuilder intercept(Interceptor interceptor) {
        assembly.interceptors.add(Objects.requireNonNull(interceptor));
        return this;
    }

    /** Adds a bridge from channel messages to events, for {@link EventBus#receive}. */
    public EventBusBuilder messageToEvents(String name, MessageToEvents bridge) {
        assembly.bridge(assembly.messageToEvents, name, bridge);
        return this;
    }

    /** Adds a bridge from events to channel messages, for {@link EventBus#render}. */
    public EventBusBuilder eventToMessages(String name, EventToMessages bridge) {
        assembly.bridge(assembly.eventToMessages, name, bridge);
        return this;
    }

    /** What each tenant may publish that has no limits of its own; default {@link TenantLimits#NONE}. */
    public EventBusBuilder tenantLimits(TenantLimits limits) {
        assembly.tenantLimits = Objects.requireNonNull(limits);
        return this;
    }

    /** What one tenant may publish. */
    public EventBusBuilder tenantLimits(Tenant tenant, TenantLimits limits) {
        assembly.limitsOfTenants.put(tenant, Objects.requireNonNull(limits));
        return this;
    }

    /** When calls of a provider that does not answer stop for a while; default {@link CircuitPolicy#STANDARD}. */
    public EventBusBuilder circuitBreaker(CircuitPolicy policy) {
        assembly.circuit = Objects.requireNonNull(policy);
        return this;
    }

    /** Where spans and metrics go; default the global one, if the host has set it before the bus is built. */
    public EventBusBuilder openTelemetry(OpenTelemetry api) {
        assembly.openTelemetry = Objects.requireNonNull(api);
        return this;
    }

    /** Reads and writes payloads that are not plain; default what the class path has. */
    public EventBusBuilder payloadMapper(PayloadMapper mapper) {
        assembly.payloadMapper = Objects.requireNonNull(mapper);
        return this;
    }

    /** The wire form and its limits; default {@link EnvelopeCodec#STANDARD}. */
    public EventBusBuilder codec(EnvelopeCodec codec) {
        assembly.codec = Objects.requireNonNull(codec);
        return this;
    }

    /** Where handlers run; default virtual threads where the JDK has them, else 20 threads. Stays the host's to close. */
    public EventBusBuilder handlerExecutor(Executor executor) {
        assembly.handlerExecutor = Objects.requireNonNull(executor);
        return this;
    }

    /**
     * Where the futures of {@link EventBus#publishAsync} complete; default where handlers run. {@code Runnable::run} completes them on the
     * thread that brings the provider's answer, which spares a change of threads for each event; what depends on them must then return
     * soon and never wait, since that thread serves everybody. Stays the host's to close.
     */
    public EventBusBuilder receiptExecutor(Executor executor) {
        assembly.receiptExecutor = Objects.requireNonNull(executor);
        return this;
    }

    /** Clocks and threads; default the machine's. For tests and simulation. The bus closes the tasks. */
    public EventBusBuilder seams(Time time, Tasks tasks) {
        assembly.time = Objects.requireNonNull(time);
        assembly.tasks = Objects.requireNonNull(tasks);
        return this;
    }

    /** How long a publish waits if the event has no earlier deadline; default 30 s. */
    public EventBusBuilder publishTimeout(Duration timeout) {
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("publishTimeout is " + timeout + "; it must be positive");
        }
        assembly.publishTimeout = timeout;
        return this;
    }

    /** Publishes that may wait in one of a provider's four lanes; default 4,096. */
    public EventBusBuilder publishQueue(int events) {
        if (events < 1) {
            throw new IllegalArgumentException("publishQueue is " + events + "; it must be at least 1");
        }
        assembly.publishQueue = events;
        return this;
    }

    /** Allows every well-formed topic to be published, not just dot-separated segments of letters, digits, '_' and '-'. */
    public EventBusBuilder anyTopic() {
        assembly.conventionalTopics = false;
        return this;
    }

    /** Reports a problem: {@link #build()} will refuse and name it beside all others. For configurers. */
    public EventBusBuilder problem(String sentence) {
        assembly.problems.add(sentence);
        return this;
    }

    /**
     * Makes the bus. A provider that fails to start is logged, shown by {@link EventBus#providers()}, and refused when an event is
     * routed to it; the others go on.
     *
     * @throws EventsException {@code INVALID_CONFIGURATION} with every problem; nothing has been started then
     */
    public EventBus build() {
        return assembly.build();
    }
}
