package ai.greentic.events.bus;

import ai.greentic.events.Caller;
import ai.greentic.events.ChannelMessage;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventId;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.PublishResult;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.Topic;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessDecision;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
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
    private final Bridges bridges;
    private final Caller caller;
    private final boolean owner;

    EventBus(Engine engine, PublishPipeline pipeline, Bridges bridges, Caller caller, boolean owner) {
        this.engine = engine;
        this.pipeline = pipeline;
        this.bridges = bridges;
        this.caller = caller;
        this.owner = owner;
    }

    public static EventBusBuilder builder() {
        return new EventBusBuilder();
    }

    /** A view that acts with this caller's rights. Closing a view does nothing. */
    public EventBus as(Caller who) {
        return new EventBus(engine, pipeline, bridges, who, false);
    }

    // Publishing.

    /**
     * Publishes and waits until the provider has accepted the event, retries included, the event's deadline has passed, or 30 s (the
     * builder's {@code publishTimeout}). An event with an idempotency key that was accepted before answers with the first receipt.
     *
     * @throws EventsException kind {@code CANCELLED}: not sent; {@code OUTCOME_UNKNOWN}: sent, no answer in time. An event that was tried
     *     and given up is a dead letter, too
     */
    public PublishReceipt publish(EventEnvelope event) {
        return pipeline.publish(event, PublishOptions.NONE, caller);
    }

    /** As {@link #publish(EventEnvelope)}, with a time to live, a delivery time, a priority or an idempotency key. */
    public PublishReceipt publish(EventEnvelope event, PublishOptions options) {
        return pipeline.publish(event, options, caller);
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
        return publishAsync(event, PublishOptions.NONE);
    }

    /** As {@link #publishAsync(EventEnvelope)}, with options. */
    public CompletableFuture<PublishReceipt> publishAsync(EventEnvelope event, PublishOptions options) {
        try {
            return pipeline.publishAsync(event, options, caller);
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
        return publishAll(events, PublishOptions.NONE);
    }

    /** As {@link #publishAll(Collection)}, each event with these options. */
    public List<PublishResult> publishAll(Collection<EventEnvelope> events, PublishOptions options) {
        return pipeline.publishAll(events, options, caller, 0);
    }

    /** Validates, authorises and routes an event without sending it; {@link #release} does that, now or later. */
    public PreparedEvent prepare(EventEnvelope event) {
        return prepare(event, PublishOptions.NONE);
    }

    /** As {@link #prepare(EventEnvelope)}, with options; times count from now. */
    public PreparedEvent prepare(EventEnvelope event, PublishOptions options) {
        return pipeline.prepare(event, options, caller);
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

    // Bridges.

    /**
     * Has a bridge turn a channel message into events and publishes them; one result for each, in order.
     *
     * @throws EventsException {@code BRIDGE_NOT_FOUND}, {@code BRIDGE_FAILED}, {@code TENANT_MISMATCH} or {@code TOO_MANY_HOPS}; nothing
     *     has been published then
     */
    public List<PublishResult> receive(String bridge, ChannelMessage message) {
        return bridges.receive(bridge, message, caller);
    }

    /** Has a bridge turn an event into channel messages; sending them is the host's. Throws as {@link #receive} does. */
    public List<ChannelMessage> render(String bridge, EventEnvelope event) {
        return bridges.render(bridge, event);
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
        Dispatcher dispatcher =
                new Dispatcher(engine, options, Consumption.of(scope, topics, options), handler, asyncHandler);
        return engine.open(
                new BusSubscription(engine, caller, scope, topics, dispatcher), caller, scope, topics, options);
    }

    /** Subscribes for fetching; every delivery must be settled. */
    public PullSubscription pull(TenantScope scope, String pattern, SubscribeOptions options) {
        TopicPattern topics = TopicPattern.of(pattern);
        Dispatcher dispatcher = new Dispatcher(engine, options, Consumption.of(scope, topics, options), null, null);
        return engine.open(
                new BusPullSubscription(engine, caller, scope, topics, dispatcher), caller, scope, topics, options);
    }

    // Looking.

    /** A tenant's dead letters: to read, group, put back and delete. */
    public DeadLetters deadLetters(TenantContext tenant) {
        return new DeadLetters(engine, pipeline, caller, tenant.tenant());
    }

    /** How the bus, its providers and its subscriptions are. */
    public BusHealth health() {
        return new Explanations(engine).health();
    }

    /** The providers in order of registration. */
    public List<ProviderStatus> providers() {
        return engine.registrations.stream().map(Registration::status).toList();
    }

    /** Where a published topic would go. */
    public RouteExplanation explainRoute(Topic topic) {
        return new Explanations(engine).route(topic);
    }

    /** Patterns that never decide because an earlier one covers them, one sentence each. Compares all pairs. */
    public List<String> shadowedPatterns() {
        return new Explanations(engine).shadowedPatterns();
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
}
