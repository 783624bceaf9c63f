package ai.greentic.events.bus;

import ai.greentic.events.Caller;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventId;
import ai.greentic.events.EventsException;
import ai.greentic.events.PatternIndex;
import ai.greentic.events.Payload;
import ai.greentic.events.PayloadMapper;
import ai.greentic.events.ProviderDescriptor;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.PublishResult;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.Topic;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessDecision;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.delivery.ProviderOverrides;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.ProviderFactory;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The event fabric of a process: publish to a tenant's topic, subscribe to topics of a tenant or of all tenants, over whatever providers
 * the topics are routed to. Thread-safe. Close it when done.
 *
 * <p>Every method may throw an {@link EventsException}; its {@link EventsException#kind() kind} says whether trying again can help and
 * whether the event may have been accepted nevertheless.
 */
public final class EventBus implements AutoCloseable {
    private static final Duration CLOSE_GRACE = Duration.ofSeconds(10);
    private static final char[] ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789".toCharArray();

    private final Engine engine;
    private final PublishPipeline pipeline;
    private final Caller caller;
    private final boolean owner;

    EventBus(Engine engine, PublishPipeline pipeline, Caller caller, boolean owner) {
        this.engine = engine;
        this.pipeline = pipeline;
        this.caller = caller;
        this.owner = owner;
    }

    public static Builder builder() {
        return new Builder();
    }

    /** A view that acts with this caller's rights. Closing a view does nothing. */
    public EventBus as(Caller who) {
        return new EventBus(engine, pipeline, who, false);
    }

    // Publishing.

    /**
     * Publishes and waits until the provider has accepted the event, the event's deadline has passed, or 30 s (the builder's
     * {@code publishTimeout}).
     *
     * @throws EventsException kind {@code CANCELLED}: not sent; {@code OUTCOME_UNKNOWN}: sent, no answer in time
     */
    public PublishReceipt publish(EventEnvelope event) {
        return pipeline.release(pipeline.prepare(event, caller));
    }

    /** Publishes a payload (see {@link Payload#of}) in an envelope with a new id, the current time and generic type and source. */
    public PublishReceipt publish(TenantContext tenant, String topic, @Nullable Object payload) {
        return publish(envelope(tenant, topic, payload));
    }

    /**
     * Publishes without waiting: no I/O on this thread. Nothing operational is thrown; a refusal, for instance {@code OVERLOADED},
     * fails the future, and so does the end of its time, a second late at most. The future completes on a handler thread.
     */
    public CompletableFuture<PublishReceipt> publishAsync(EventEnvelope event) {
        try {
            return pipeline.releaseAsync(pipeline.prepare(event, caller));
        } catch (EventsException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** @see #publish(TenantContext, String, Object) */
    public CompletableFuture<PublishReceipt> publishAsync(
            TenantContext tenant, String topic, @Nullable Object payload) {
        try {
            return publishAsync(envelope(tenant, topic, payload));
        } catch (EventsException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** Publishes many in batches and waits for all; one result for each, in order. Events of one key keep their order. */
    public List<PublishResult> publishAll(Collection<EventEnvelope> events) {
        return pipeline.publishAll(events, caller);
    }

    /** Validates, authorises and routes an event without sending it; {@link #release} does that, now or later. */
    public PreparedEvent prepare(EventEnvelope event) {
        return pipeline.prepare(event, caller);
    }

    /** Sends a prepared event; waits as {@link #publish(EventEnvelope)} does. */
    public PublishReceipt release(PreparedEvent event) {
        return pipeline.release(event);
    }

    /** Starts an envelope with a new id and the current time. */
    public EventEnvelope.Builder newEvent(TenantContext tenant, String topic) {
        return EventEnvelope.builder(tenant, topic).id(newId()).time(engine.time.now());
    }

    private EventEnvelope envelope(TenantContext tenant, String topic, @Nullable Object payload) {
        return newEvent(tenant, topic)
                .payload(Payload.of(payload, engine.payloadMapper))
                .build();
    }

    private EventId newId() {
        char[] id = "evt-............".toCharArray();
        long bits = engine.time.randomBits();
        for (int i = 4; i < id.length; i++) {
            id[i] = ID_ALPHABET[(int) Long.remainderUnsigned(bits, 36)];
            bits = Long.divideUnsigned(bits, 36);
        }
        return new EventId(new String(id));
    }

    // Subscribing.

    /** Subscribes without group: every matching event from now on, acked when the handler returns. */
    public Subscription subscribe(TenantScope scope, String pattern, EventHandler handler) {
        return subscribe(scope, pattern, SubscribeOptions.ephemeral(), handler);
    }

    /** Subscribes; events accepted after the return are delivered. */
    public Subscription subscribe(TenantScope scope, String pattern, SubscribeOptions options, EventHandler handler) {
        Objects.requireNonNull(handler, "handler");
        return push(scope, pattern, options, handler, null);
    }

    /** Subscribes with the payload read as a type. */
    public <T> Subscription subscribe(
            TenantScope scope, String pattern, Class<T> type, SubscribeOptions options, PayloadHandler<T> handler) {
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(handler, "handler");
        return push(scope, pattern, options, delivery -> handler.handle(delivery.payload(type), delivery), null);
    }

    /** Subscribes with a handler that ends later. */
    public Subscription subscribeAsync(
            TenantScope scope, String pattern, SubscribeOptions options, AsyncEventHandler handler) {
        Objects.requireNonNull(handler, "handler");
        return push(scope, pattern, options, null, handler);
    }

    private Subscription push(
            TenantScope scope,
            String pattern,
            SubscribeOptions options,
            @Nullable EventHandler handler,
            @Nullable AsyncEventHandler asyncHandler) {
        TopicPattern topics = TopicPattern.of(pattern);
        Dispatcher dispatcher = new Dispatcher(engine, options, name(topics, options), handler, asyncHandler);
        return engine.open(
                new BusSubscription(engine, caller, scope, topics, dispatcher), caller, scope, topics, options);
    }

    /** Subscribes for fetching; every delivery must be settled. */
    public PullSubscription pull(TenantScope scope, String pattern, SubscribeOptions options) {
        TopicPattern topics = TopicPattern.of(pattern);
        Dispatcher dispatcher = new Dispatcher(engine, options, name(topics, options), null, null);
        return engine.open(
                new BusPullSubscription(engine, caller, scope, topics, dispatcher), caller, scope, topics, options);
    }

    private static String name(TopicPattern topics, SubscribeOptions options) {
        return options.group().orElse(topics.value());
    }

    // Looking.

    /** The tenant's dead letters, oldest first; an access action of its own, {@code DLQ_READ}, on each letter's topic. */
    public List<DeadLetter> deadLetters(TenantContext tenant, int max) {
        return engine.deadLetters.list(tenant.tenant(), max).stream()
                .filter(letter -> engine.access
                        .decide(
                                caller,
                                tenant.tenant(),
                                AccessAction.DLQ_READ,
                                letter.address().topic().value())
                        .allowed())
                .toList();
    }

    /** The providers in order of registration. */
    public List<ProviderStatus> providers() {
        return engine.registrations.stream().map(Registration::status).toList();
    }

    /** Where a published topic would go. */
    public RouteExplanation explainRoute(Topic topic) {
        PatternIndex.Entry<Registration> deciding = engine.routes.deciding(topic);
        List<String> others = engine.registrations.stream()
                .filter(registration -> registration.publishes()
                        && (deciding == null || registration != deciding.value())
                        && registration.topics.stream().anyMatch(pattern -> pattern.matches(topic)))
                .map(Registration::qualifiedName)
                .toList();
        return deciding == null
                ? new RouteExplanation(topic.value(), null, null, false, others)
                : new RouteExplanation(
                        topic.value(),
                        deciding.value().qualifiedName(),
                        deciding.pattern().value(),
                        !deciding.value().topics.contains(deciding.pattern()),
                        others);
    }

    /** Patterns that never decide because an earlier one covers them, one sentence each. Compares all pairs. */
    public List<String> shadowedPatterns() {
        return engine.routes.shadowed().stream()
                .map(shadowed -> "pattern " + shadowed.pattern() + " of " + shadowed.route() + " never decides: "
                        + shadowed.by() + " of " + shadowed.byRoute() + " comes first and covers it")
                .toList();
    }

    /** Why this caller may or may not do something. */
    public AccessDecision explainAccess(TenantScope scope, AccessAction action, String pattern) {
        return engine.access.decide(caller, scope, action, TopicPattern.of(pattern));
    }

    // Ending.

    /**
     * Stops fetching, lets handlers finish, which may still publish, then ends publishing, waits for what is on its way, and closes the
     * bus.
     *
     * @return whether everything finished within the grace time
     */
    public boolean drain(Duration grace) throws InterruptedException {
        return !owner || engine.close(grace);
    }

    /** Drains with a grace time of 10 s; idempotent, returns in bounded time, leaves no thread. */
    @Override
    public void close() {
        try {
            drain(CLOSE_GRACE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Where a value comes from when several say something: the later one wins, field by field. */
    public enum Source {
        PACK,
        SETTINGS,
        CODE
    }

    /** Collects what a bus is made of. {@link #build()} reports every problem at once. Not thread-safe. */
    public static final class Builder {
        final BusAssembly assembly = new BusAssembly();

        private Builder() {}

        /** Lets a pack, settings or a set of defaults add to this builder. */
        public Builder with(BusConfigurer configurer) {
            configurer.configure(this);
            return this;
        }

        /**
         * Adds a provider made by the host; the bus closes it. It is taken to publish and subscribe with patterns; say more with the other
         * method.
         */
        public Builder provider(String name, EventProvider provider, String... topics) {
            return provider(
                    name, provider, EnumSet.of(Capability.PUBLISH, Capability.SUBSCRIBE, Capability.WILDCARD), topics);
        }

        /** Adds a provider made by the host, with what it can do; the bus closes it. */
        public Builder provider(String name, EventProvider provider, Set<Capability> capabilities, String... topics) {
            assembly.add(declaration(name, "custom", topics), provider, capabilities);
            return this;
        }

        /** Adds a provider of a transport, for example {@code memory}, as a broker. */
        public Builder provider(String name, String transport, String... topics) {
            return declare(declaration(name, transport, topics));
        }

        private ProviderDeclaration declaration(String name, String transport, String... topics) {
            return new ProviderDeclaration(
                    null,
                    new ProviderDescriptor(
                            name,
                            ProviderDescriptor.Kind.BROKER,
                            transport,
                            ProviderDescriptor.Reliability.AT_MOST_ONCE,
                            ProviderDescriptor.Ordering.NONE,
                            null,
                            List.of()),
                    Arrays.stream(topics).map(TopicPattern::of).toList(),
                    ProviderOverrides.NONE);
        }

        /** Adds a provider as a pack declares it. */
        public Builder declare(ProviderDeclaration declaration) {
            assembly.add(declaration, null, Set.of());
            return this;
        }

        /** Adds a factory beside those that {@link java.util.ServiceLoader} finds; it wins over one of the same transport. */
        public Builder providerFactory(ProviderFactory factory) {
            assembly.factories.put(factory.transport(), factory);
            return this;
        }

        /** Where {@link java.util.ServiceLoader} looks for factories; default this library's class loader. */
        public Builder classLoader(ClassLoader loader) {
            assembly.classLoader = Objects.requireNonNull(loader);
            return this;
        }

        /**
         * Connection settings of a provider, raw, key by key; later calls win.
         *
         * @param pack id of the pack, or null for the provider of that name in every pack
         */
        public Builder providerSettings(@Nullable String pack, String provider, Map<String, ?> settings) {
            assembly.settings(pack, provider, settings);
            return this;
        }

        /** What code changes about the guarantees of the provider of that name, in whatever pack. */
        public Builder override(String provider, ProviderOverrides overrides) {
            return override(Source.CODE, null, provider, overrides);
        }

        /** What a source changes about the guarantees of a provider; {@code pack} null means in every pack. */
        public Builder override(Source source, @Nullable String pack, String provider, ProviderOverrides overrides) {
            assembly.override(source, pack, provider, overrides);
            return this;
        }

        /** Routes matching topics to a provider, before any registered pattern; {@code pack/name} where names are not unique. */
        public Builder route(String pattern, String provider) {
            assembly.route(TopicPattern.of(pattern), provider);
            return this;
        }

        /** Providers whose transport has no factory here run on this one instead. Without it they are a problem. */
        public Builder fallbackTransport(String transport) {
            assembly.fallback = transport;
            return this;
        }

        /** Who may do what; default {@link AccessPolicy#open()}. */
        public Builder access(AccessPolicy policy) {
            assembly.access = Objects.requireNonNull(policy);
            return this;
        }

        /** Where events go that could not be delivered; default in memory, bounded. */
        public Builder deadLetters(DeadLetterStore store) {
            assembly.deadLetters = Objects.requireNonNull(store);
            return this;
        }

        /** Reads and writes payloads that are not plain; default what the class path has. */
        public Builder payloadMapper(PayloadMapper mapper) {
            assembly.payloadMapper = Objects.requireNonNull(mapper);
            return this;
        }

        /** The wire form and its limits; default {@link EnvelopeCodec#STANDARD}. */
        public Builder codec(EnvelopeCodec codec) {
            assembly.codec = Objects.requireNonNull(codec);
            return this;
        }

        /** Where handlers run; default virtual threads where the JDK has them, else 20 threads. Stays the host's to close. */
        public Builder handlerExecutor(Executor executor) {
            assembly.handlerExecutor = Objects.requireNonNull(executor);
            return this;
        }

        /** Clocks and threads; default the machine's. For tests and simulation. The bus closes the tasks. */
        public Builder seams(Time time, Tasks tasks) {
            assembly.time = Objects.requireNonNull(time);
            assembly.tasks = Objects.requireNonNull(tasks);
            return this;
        }

        /** How long a publish waits if the event has no earlier deadline; default 30 s. */
        public Builder publishTimeout(Duration timeout) {
            if (timeout.isNegative() || timeout.isZero()) {
                throw new IllegalArgumentException("publishTimeout is " + timeout + "; it must be positive");
            }
            assembly.publishTimeout = timeout;
            return this;
        }

        /** Publishes that may wait in one of a provider's four lanes; default 4,096. */
        public Builder publishQueue(int events) {
            if (events < 1) {
                throw new IllegalArgumentException("publishQueue is " + events + "; it must be at least 1");
            }
            assembly.publishQueue = events;
            return this;
        }

        /** Allows every well-formed topic to be published, not just dot-separated segments of letters, digits, '_' and '-'. */
        public Builder anyTopic() {
            assembly.conventionalTopics = false;
            return this;
        }

        /** Reports a problem: {@link #build()} will refuse and name it beside all others. For configurers. */
        public Builder problem(String sentence) {
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
}
