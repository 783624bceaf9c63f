package ai.greentic.events.bus;

import ai.greentic.events.Caller;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.PatternIndex;
import ai.greentic.events.PayloadMapper;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantScope;
import ai.greentic.events.Topic;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessDecision;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.routing.RouteTable;
import ai.greentic.events.spi.AttemptStore;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import ai.greentic.events.telemetry.Telemetry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a bus is made of, shared by its views, and its life: subscriptions come and go, and in the end everything is closed. */
final class Engine {
    private static final Logger LOG = LoggerFactory.getLogger(Engine.class);
    private static final int RUNNERS = 2;
    private static final int MAX_SUBSCRIPTIONS = 10_000;

    final Time time;
    final Tasks tasks;
    final EnvelopeCodec codec;
    final @Nullable PayloadMapper payloadMapper;
    final AccessPolicy access;
    final DeadLetterOffice deadLetters;
    final Claims claims;
    final AttemptStore attempts;
    final Interceptors interceptors;
    final Telemetry telemetry;
    /** Where this bus runs, for the history of attempts. */
    final String host;

    final RouteTable<Registration> routes;
    final List<Registration> registrations;
    private final HostStore hostStore;

    private final List<SubscriptionRunner> runners = new ArrayList<>();
    private final Set<BusSubscription> subscriptions = new LinkedHashSet<>();
    private final AtomicBoolean closing = new AtomicBoolean();
    /** Handlers may still publish while their subscriptions drain; this comes after. */
    private volatile boolean publishingEnded;

    Engine(
            BusAssembly assembly,
            PublishContext context,
            AttemptStore attempts,
            Telemetry telemetry,
            RouteTable<Registration> routes,
            List<Registration> registrations) {
        this.time = context.time;
        this.tasks = context.tasks;
        this.codec = assembly.codec;
        this.payloadMapper = assembly.payloadMapper;
        this.access = assembly.access;
        this.deadLetters = context.deadLetters;
        this.claims = context.claims;
        this.attempts = attempts;
        this.hostStore = assembly.hostStore;
        this.interceptors = new Interceptors(assembly.interceptors);
        this.telemetry = telemetry;
        this.host = context.host;
        this.routes = routes;
        this.registrations = List.copyOf(registrations);
    }

    /** A number in [0, 1). */
    double chance() {
        return (time.randomBits() >>> 11) * 0x1p-53;
    }

    /** What spans say about a topic on a provider. */
    Telemetry.Place place(Registration registration, Topic topic) {
        PatternIndex.Entry<Registration> deciding = routes.deciding(topic);
        return new Telemetry.Place(
                registration.qualifiedName(),
                registration.transport,
                deciding == null || deciding.value() != registration
                        ? null
                        : deciding.pattern().value());
    }

    void refuseToPublishIfClosed() {
        if (publishingEnded) {
            throw new EventsException(ErrorCode.CLOSED, "the bus is closed; nothing can be published");
        }
    }

    private void refuseToSubscribeIfClosing() {
        if (closing.get()) {
            throw new EventsException(ErrorCode.CLOSED, "the bus is closed; nothing can be subscribed to");
        }
    }

    // Subscribing.

    <S extends BusSubscription> S open(
            S subscription, Caller caller, TenantScope scope, TopicPattern pattern, SubscribeOptions options) {
        try {
            List<Registration> sources = sources(caller, scope, pattern, options);
            start(subscription, sources, scope, pattern, options);
            for (Registration source : sources) {
                telemetry.subscribed(scope, pattern.value(), subscription.place(source), null);
            }
            return subscription;
        } catch (EventsException e) {
            telemetry.subscribed(scope, pattern.value(), new Telemetry.Place("none", "none", pattern.value()), e);
            throw e;
        }
    }

    /** The providers of a subscription that its caller may open. */
    private List<Registration> sources(
            Caller caller, TenantScope scope, TopicPattern pattern, SubscribeOptions options) {
        refuseToSubscribeIfClosing();
        authorise(caller, scope, AccessAction.SUBSCRIBE, pattern);
        if (!options.startAt().equals(StartAt.NEW)) {
            authorise(caller, scope, AccessAction.REPLAY, pattern);
        }
        List<Registration> sources = sources(pattern);
        for (Registration source : sources) {
            source.provider();
            require(source, pattern, options);
            refuseSecondMember(source, options);
        }
        return sources;
    }

    /** Where keys must stay in order, and the provider spreads a key's events over the members of a group, there can be but one. */
    private void refuseSecondMember(Registration source, SubscribeOptions options) {
        String group = options.group().orElse(null);
        if (group == null || !source.keepsKeyOrder() || source.capabilities.contains(Capability.KEY_AFFINITY)) {
            return;
        }
        boolean taken =
                subscriptions().stream().anyMatch(other -> other.dispatcher.isMemberOf(group) && other.isOn(source));
        if (taken) {
            throw new EventsException(
                    ErrorCode.UNSUPPORTED_CAPABILITY,
                    "group " + group + " on provider " + source + " (" + source.transport
                            + ") already has a member here;"
                            + " the pack asks for order per key, and this provider does not keep a key with one member"
                            + " (KEY_AFFINITY): use one member with more concurrency");
        }
    }

    private void start(
            BusSubscription subscription,
            List<Registration> sources,
            TenantScope scope,
            TopicPattern pattern,
            SubscribeOptions options) {
        synchronized (subscriptions) {
            if (subscriptions.size() >= MAX_SUBSCRIPTIONS) {
                throw new EventsException(
                        ErrorCode.TOO_MANY_SUBSCRIPTIONS,
                        "the bus has " + MAX_SUBSCRIPTIONS + " subscriptions; close some, or use wider patterns");
            }
            subscriptions.add(subscription);
        }
        try {
            subscription.open(sources, (registration, owner) -> leg(registration, owner, scope, pattern, options));
        } catch (RuntimeException e) {
            ended(subscription);
            throw e;
        }
        if (closing.get()) {
            subscription.close();
            refuseToSubscribeIfClosing();
        }
    }

    private SubscriptionLeg leg(
            Registration registration,
            BusSubscription owner,
            TenantScope scope,
            TopicPattern pattern,
            SubscribeOptions options) {
        SubscriptionRunner runner = leastBusyRunner();
        return new SubscriptionLeg(
                registration, owner, runner, self -> bind(registration, self, scope, pattern, options));
    }

    private static ProviderSubscription bind(
            Registration registration,
            SubscriptionLeg leg,
            TenantScope scope,
            TopicPattern pattern,
            SubscribeOptions options) {
        return registration
                .provider()
                .subscribe(new SubscribeRequest(
                        List.of(new SubscribeRequest.Filter(scope, pattern)),
                        options.group().orElse(null),
                        startFor(registration, options.startAt()),
                        leg));
    }

    private static StartAt startFor(Registration registration, StartAt start) {
        if (start instanceof StartAt.After after) {
            var own = after.positions().get(registration.name());
            return own == null ? StartAt.NEW : StartAt.after(Map.of(registration.name(), own));
        }
        return start;
    }

    private synchronized SubscriptionRunner leastBusyRunner() {
        if (runners.size() < RUNNERS) {
            SubscriptionRunner runner = new SubscriptionRunner(tasks);
            runners.add(runner);
            runner.start(runners.size());
            return runner;
        }
        return runners.stream()
                .min(java.util.Comparator.comparingInt(SubscriptionRunner::legs))
                .orElseThrow();
    }

    private List<Registration> sources(TopicPattern pattern) {
        List<Registration> found = new ArrayList<>();
        for (Registration registration : registrations) {
            if (registration.subscribes()
                    && registration.topics.stream().anyMatch(topics -> topics.intersects(pattern))) {
                found.add(registration);
            }
        }
        if (found.isEmpty()) {
            throw new EventsException(
                    ErrorCode.NO_ROUTE,
                    "no broker or source carries a topic of the pattern " + pattern + "; configured: "
                            + carried(false));
        }
        return found;
    }

    /** The patterns that can be published to, or subscribed to; for messages. */
    String carried(boolean publish) {
        String patterns = registrations.stream()
                .filter(registration -> publish ? registration.publishes() : registration.subscribes())
                .limit(20)
                .map(registration -> registration + " "
                        + registration.topics.stream()
                                .limit(20)
                                .map(TopicPattern::value)
                                .toList())
                .collect(java.util.stream.Collectors.joining(", "));
        return patterns.isEmpty() ? "nothing" : patterns;
    }

    private static void require(Registration source, TopicPattern pattern, SubscribeOptions options) {
        source.require(Capability.SUBSCRIBE, "subscriptions");
        if (!pattern.isLiteral()) {
            source.require(Capability.WILDCARD, "topic patterns");
        }
        if (options.group().isPresent()) {
            source.require(Capability.GROUP, "groups");
        }
        if (options.onExhausted() == SubscribeOptions.OnExhausted.HOLD_KEY) {
            source.require(Capability.KEY_ORDER, "holding keys");
            source.require(Capability.KEY_AFFINITY, "holding keys");
        }
        StartAt start = options.startAt();
        if (start instanceof StartAt.Earliest) {
            source.require(Capability.REPLAY_EARLIEST, "starting at the earliest event");
        } else if (start instanceof StartAt.At) {
            source.require(Capability.REPLAY_TIME, "starting at a time");
        } else if (start instanceof StartAt.After) {
            source.require(Capability.REPLAY_POSITION, "starting after a position");
        }
    }

    private void authorise(Caller caller, TenantScope scope, AccessAction action, TopicPattern pattern) {
        AccessDecision decision = access.decide(caller, scope, action, pattern);
        if (!decision.allowed()) {
            throw denied(caller, action, pattern.value(), scope.toString(), decision);
        }
    }

    static EventsException denied(
            Caller caller, AccessAction action, String topics, String whose, AccessDecision decision) {
        return new EventsException(
                ErrorCode.ACCESS_DENIED,
                caller + " may not " + action.name().toLowerCase(java.util.Locale.ROOT) + " " + topics + " of " + whose
                        + ": " + decision.reason());
    }

    void ended(BusSubscription subscription) {
        synchronized (subscriptions) {
            subscriptions.remove(subscription);
        }
    }

    boolean isClosing() {
        return closing.get();
    }

    List<BusSubscription> subscriptions() {
        synchronized (subscriptions) {
            return List.copyOf(subscriptions);
        }
    }

    // The end.

    /** Closes everything within about the grace time; returns whether nothing had to be cut short. */
    boolean close(Duration grace) throws InterruptedException {
        if (!closing.compareAndSet(false, true)) {
            return true;
        }
        long deadline = time.nanos() + grace.toNanos();
        boolean clean = true;
        boolean interrupted = false;
        List<BusSubscription> open = subscriptions();
        open.forEach(subscription -> subscription.dispatcher.stop());
        try {
            for (BusSubscription subscription : open) {
                clean &= subscription.drain(left(deadline));
            }
            endPublishing();
            for (Registration registration : registrations) {
                for (PublishLane lane : registration.lanes()) {
                    clean &= lane.awaitIdle(deadline);
                }
            }
        } catch (InterruptedException e) {
            interrupted = true;
            clean = false;
        }
        endPublishing();
        registrations.forEach(Engine::endForwarding);
        registrations.forEach(registration -> registration.lanes().forEach(PublishLane::giveUp));
        synchronized (this) {
            runners.forEach(SubscriptionRunner::close);
        }
        for (Registration registration : registrations) {
            closeProvider(registration);
        }
        tasks.close(Duration.ofSeconds(5));
        hostStore.close();
        if (interrupted) {
            throw new InterruptedException();
        }
        return clean;
    }

    private void endPublishing() {
        publishingEnded = true;
        registrations.forEach(registration -> registration.lanes().forEach(PublishLane::refuse));
    }

    private Duration left(long deadline) {
        return Duration.ofNanos(Math.max(0, deadline - time.nanos()));
    }

    private static void endForwarding(Registration registration) {
        Forwarder forwarder = registration.forwarder();
        if (forwarder != null) {
            forwarder.close();
        }
    }

    private static void closeProvider(Registration registration) {
        if (registration.started()) {
            try {
                registration.provider().close();
            } catch (RuntimeException e) {
                LOG.warn("provider {} failed to close", registration, e);
            }
        }
    }
}
