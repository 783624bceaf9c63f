package ai.greentic.events.bus;

import ai.greentic.events.Caller;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Marks;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.spi.Consumer;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.Signal;
import ai.greentic.events.telemetry.Telemetry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A subscription with its dispatcher and a leg for each provider. */
sealed class BusSubscription implements Subscription permits BusPullSubscription {
    private static final Logger LOG = LoggerFactory.getLogger(BusSubscription.class);
    private static final Duration CLOSE_GRACE = Duration.ofSeconds(10);
    /** Beyond the handlers' grace time, for what the runner and the provider still have to do. */
    private static final Duration LEAVE_GRACE = Duration.ofSeconds(10);

    private final Engine engine;
    private final Caller caller;
    private final TenantScope scope;
    private final TopicPattern pattern;
    final Dispatcher dispatcher;
    private final List<SubscriptionLeg> legs = new CopyOnWriteArrayList<>();
    private final CompletableFuture<Void> ready = new CompletableFuture<>();
    private final CompletableFuture<Void> terminated = new CompletableFuture<>();
    private final List<Signal> awaitingEnd = new ArrayList<>();

    // Guarded by this.
    private State state = State.ACTIVE;
    private @Nullable EventsException failure;
    private int openLegs;
    private boolean filterSaid;

    BusSubscription(Engine engine, Caller caller, TenantScope scope, TopicPattern pattern, Dispatcher dispatcher) {
        this.engine = engine;
        this.caller = caller;
        this.scope = scope;
        this.pattern = pattern;
        this.dispatcher = dispatcher;
    }

    /** Opens a leg on each provider; if one fails, those before it are closed again. */
    void open(List<Registration> registrations, LegOpener opener) {
        try {
            for (Registration registration : registrations) {
                synchronized (this) {
                    openLegs++;
                }
                try {
                    legs.add(opener.open(registration, this));
                } catch (RuntimeException e) {
                    synchronized (this) {
                        openLegs--;
                    }
                    throw e;
                }
            }
        } catch (RuntimeException e) {
            dispatcher.stop();
            legs.forEach(SubscriptionLeg::start);
            legs.forEach(SubscriptionLeg::close);
            throw e;
        }
        legs.forEach(SubscriptionLeg::start);
        engine.tasks.handle(() -> ready.complete(null));
    }

    boolean isOn(Registration registration) {
        return legs.stream().anyMatch(leg -> leg.registration == registration);
    }

    /** Binds a leg to its provider. */
    interface LegOpener {
        SubscriptionLeg open(Registration registration, BusSubscription subscription);
    }

    /** Whether an event of this address is the subscription's to see; asked for every delivery. */
    boolean admits(TenantTopic address) {
        boolean admitted = scope.includes(address.tenant())
                && pattern.matches(address.topic())
                && engine.access
                        .decide(
                                caller,
                                address.tenant(),
                                AccessAction.SUBSCRIBE,
                                address.topic().value())
                        .allowed();
        if (!admitted) {
            sayFiltered(address);
        }
        return admitted;
    }

    /** A broker's filter may be wider than the pattern, so this is no alarm; once is enough. */
    private synchronized void sayFiltered(TenantTopic address) {
        if (!filterSaid) {
            filterSaid = true;
            LOG.info("subscription {} filters deliveries that are not its to see, the first one of {}", this, address);
        }
    }

    /** Whether an event with marks is the subscription's to see: the copy of a dead letter, or one that is put back for a group. */
    boolean isFor(Marks marks) {
        Marks.Redrive redrive = marks.redrive().orElse(null);
        return (!marks.deadLetter() || pattern.isLiteral())
                && (redrive == null
                        || redrive.group() == null
                        || redrive.group().equals(dispatcher.consumption.name()));
    }

    @Nullable
    Consumer consumer(Registration registration) {
        Consumption own = dispatcher.consumption;
        return own.group() ? new Consumer(scope, own.name(), registration.qualifiedName()) : null;
    }

    Telemetry.Place place(Registration registration) {
        return new Telemetry.Place(registration.qualifiedName(), registration.transport, pattern.value());
    }

    /** How the subscription is. */
    BusHealth.Component health() {
        String name = "subscription " + this;
        State now = state();
        String cause = failure().map(Throwable::getMessage).orElse("");
        if (now == State.FAILED || now == State.RECONNECTING) {
            return new BusHealth.Component(name, BusHealth.State.DOWN, now + ": " + cause);
        }
        int blocked = dispatcher.blockedKeys();
        if (blocked > 0) {
            return new BusHealth.Component(
                    name,
                    BusHealth.State.DEGRADED,
                    ErrorCode.KEY_BLOCKED + ": more than " + Parking.MAX_FOLLOWERS + " events wait behind each of "
                            + blocked + " failing keys, which pause, or their shards with them");
        }
        if (dispatcher.isParkedFull()) {
            return new BusHealth.Component(
                    name,
                    BusHealth.State.DEGRADED,
                    "as many deliveries wait for another attempt as maxParked allows; nothing more is fetched");
        }
        return new BusHealth.Component(name, BusHealth.State.UP, "");
    }

    EventEnvelope decode(InboundDelivery delivery) {
        return engine.codec.decode(java.util.Objects.requireNonNull(delivery.encoded()));
    }

    @Override
    public synchronized State state() {
        return state;
    }

    @Override
    public synchronized Optional<EventsException> failure() {
        return Optional.ofNullable(failure);
    }

    @Override
    public CompletableFuture<Void> ready() {
        return ready.copy();
    }

    @Override
    public CompletableFuture<Void> terminated() {
        return terminated.copy();
    }

    synchronized void reconnecting(EventsException cause) {
        if (state == State.ACTIVE || state == State.RECONNECTING) {
            state = State.RECONNECTING;
            failure = cause;
        }
    }

    synchronized void reconnected() {
        if (state == State.RECONNECTING) {
            state = State.ACTIVE;
            failure = null;
        }
    }

    /** One leg cannot go on, so the subscription as a whole would be missing events: it ends. */
    void failed(EventsException cause) {
        synchronized (this) {
            if (state == State.CLOSED || state == State.FAILED) {
                return;
            }
            state = State.FAILED;
            failure = cause;
        }
        dispatcher.stop();
        legs.forEach(SubscriptionLeg::close);
    }

    void legEnded() {
        EventsException cause;
        List<Signal> waiting;
        synchronized (this) {
            if (--openLegs > 0) {
                return;
            }
            if (state != State.FAILED) {
                state = State.CLOSED;
            }
            cause = state == State.FAILED ? failure : null;
            waiting = List.copyOf(awaitingEnd);
        }
        waiting.forEach(Signal::raise);
        engine.ended(this);
        engine.tasks.handle(() -> {
            if (cause == null) {
                terminated.complete(null);
            } else {
                terminated.completeExceptionally(cause);
            }
        });
    }

    @Override
    public boolean drain(Duration grace) throws InterruptedException {
        Signal end = engine.tasks.signal();
        synchronized (this) {
            if (openLegs == 0) {
                return true;
            }
            if (state != State.FAILED) {
                state = State.DRAINING;
            }
            awaitingEnd.add(end);
        }
        dispatcher.stop();
        boolean idle = dispatcher.awaitIdle(grace);
        legs.forEach(SubscriptionLeg::close);
        if (!end.await(LEAVE_GRACE)) {
            LOG.warn("subscription {} did not leave its providers within {}", this, LEAVE_GRACE);
        }
        return idle;
    }

    /** How long {@link #close} waits for what is in hand. */
    Duration closeGrace() {
        return CLOSE_GRACE;
    }

    @Override
    public void close() {
        try {
            Duration grace = closeGrace();
            if (!drain(grace) && !grace.isZero()) {
                LOG.warn(
                        "handlers of subscription {} still ran {} after it was closed; their events will come again",
                        this,
                        grace);
            }
        } catch (InterruptedException e) {
            legs.forEach(SubscriptionLeg::close);
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String toString() {
        return dispatcher.subscription() + " of " + scope;
    }
}
