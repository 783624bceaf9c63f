package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.ErrorKind;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Marks;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.OrderingKey;
import ai.greentic.events.spi.Polled;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.Signal;
import ai.greentic.events.telemetry.Telemetry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A subscription's part on one provider. One runner polls and settles it; {@link #wake} may come from anywhere. The outbox and the counts
 * of what is held belong to the dispatcher's lock, except where a method says otherwise.
 */
final class SubscriptionLeg implements Signal {
    private static final Logger LOG = LoggerFactory.getLogger(SubscriptionLeg.class);
    private static final int MAX_POLL = 256;
    /** Settlements that may wait for the runner's next round. */
    private static final int MAX_LAZY = 64;

    /** How long what can neither be handed out nor quarantined stays away. */
    private static final Duration REFUSED_DELAY = Duration.ofSeconds(5);

    /** What the runner should do with the leg next. */
    enum Next {
        /** Run it again soon: there is more. */
        AGAIN,
        /** Poll it now and then: the provider cannot say when it has something. */
        POLL,
        /** Leave it until it is woken. */
        REST,
        /** Forget it. */
        ENDED
    }

    final Registration registration;
    private final BusSubscription subscription;
    private final Dispatcher dispatcher;
    private final Engine engine;
    private final SubscriptionRunner runner;
    private final Function<SubscriptionLeg, ProviderSubscription> binding;
    /** True from the start: until {@link #start} a wake must not let the runner see a leg that is not bound yet. */
    private final AtomicBoolean scheduled = new AtomicBoolean(true);

    // Runner's.
    private volatile @Nullable Signal waitingPoll;
    volatile ProviderSubscription bound;
    private final Set<Shard> draining = new HashSet<>();
    private final Reconnection reconnection = new Reconnection();
    private @Nullable TenantTopic lastAdmitted;

    private Map<OrderingKey, Shard> paused = Map.of();

    final AttemptLog attempts;

    private final Telemetry.Place place;
    private final Settler settler;

    // Shared with the dispatcher.
    private final Map<OrderingKey, Shard> blocks = new HashMap<>();
    private volatile Map<OrderingKey, Shard> blocked = Map.of();
    private volatile boolean leasesDue;
    private final Outbox outbox = new Outbox();
    private volatile Set<Shard> revoking = Set.of();

    private volatile boolean closing;
    /** What is not settled yet will not be: the provider takes it back. */
    private volatile boolean ended;
    /** The runner's, once {@link #ended}. */
    private long lastAnswersBy;

    private final Reconnection lastTries = new Reconnection();
    private boolean leaving;

    SubscriptionLeg(
            Registration registration,
            BusSubscription subscription,
            SubscriptionRunner runner,
            Function<SubscriptionLeg, ProviderSubscription> binding) {
        this.registration = registration;
        this.subscription = subscription;
        this.dispatcher = subscription.dispatcher;
        this.engine = dispatcher.engine;
        this.attempts = new AttemptLog(engine.attempts, subscription.consumer(registration));
        this.place = subscription.place(registration);
        this.settler = new Settler(engine, registration, subscription, attempts, place, outbox, this::wake);
        this.runner = runner;
        this.binding = binding;
        this.bound = binding.apply(this);
    }

    @Override
    public void raise() {
        Signal poll = waitingPoll;
        if (poll != null) {
            poll.raise();
        }
        wake();
    }

    /** For a provider that waits a little each time it is polled. */
    @Override
    public boolean await(Duration max) throws InterruptedException {
        if (waitingPoll == null) {
            waitingPoll = engine.tasks.signal();
        }
        return java.util.Objects.requireNonNull(waitingPoll).await(max);
    }

    /** Lets the runner have the leg. */
    void start() {
        runner.adopted();
        keepLeases();
        runner.enqueue(this, true);
    }

    Telemetry.Place place() {
        return place;
    }

    /** Has a key with too much behind it paused; under the dispatcher's lock. */
    void block(OrderingKey key, Shard shard) {
        blocks.put(key, shard);
        blocked = Map.copyOf(blocks);
        wake();
    }

    /** Takes a {@link #block} back; under the dispatcher's lock. */
    void unblock(OrderingKey key) {
        blocks.remove(key);
        blocked = Map.copyOf(blocks);
        wake();
    }

    /** Has what is held extended, again and again, if holds end by time. */
    private void keepLeases() {
        Duration lease = bound.lease();
        if (lease.isZero()) {
            return;
        }
        outbox.track();
        engine.tasks.schedule(lease.dividedBy(3), () -> {
            if (!ended) {
                leasesDue = true;
                wake();
                keepLeases();
            }
        });
    }

    private void extendLeases() {
        leasesDue = false;
        List<InboundDelivery> held = outbox.held();
        if (held.isEmpty()) {
            return;
        }
        List<SettleOutcome> outcomes = bound.extend(held, bound.lease());
        Set<InboundDelivery> gone = new HashSet<>();
        for (int i = 0; i < held.size(); i++) {
            if (outcomes.get(i) == SettleOutcome.LOST) {
                gone.add(held.get(i));
            }
        }
        if (!gone.isEmpty()) {
            LOG.warn("subscription {} lost {} deliveries of provider {}", subscription, gone.size(), registration);
            outbox.lose(gone);
            dispatcher.forget(delivery -> gone.contains(delivery.inbound));
        }
    }

    void wake() {
        wake(true);
    }

    private void wake(boolean urgent) {
        if (!scheduled.get() && scheduled.compareAndSet(false, true)) {
            runner.enqueue(this, urgent);
        } else if (urgent) {
            runner.hurry();
        }
    }

    /**
     * Has a held delivery settled, and lets it go.
     *
     * @param more whether another settlement will follow soon: the runner may then take its time, so that it can take several at once
     */
    void settle(Settled settled, BusDelivery delivery, boolean more) {
        int waiting = outbox.settle(settled, delivery);
        wake(!more || waiting >= MAX_LAZY || !revoking.isEmpty());
    }

    /** Has a delivery settled that never became the dispatcher's. */
    private void refuse(Settled settled) {
        outbox.refuse(settled);
        wake();
    }

    void hold(List<BusDelivery> deliveries) {
        outbox.hold(deliveries);
    }

    void letGo(InboundDelivery delivery) {
        outbox.letGo(delivery);
        if (!revoking.isEmpty()) {
            wake();
        }
    }

    boolean isLost(InboundDelivery delivery) {
        return ended || outbox.isLost(delivery);
    }

    boolean isRevoking(Shard shard) {
        return revoking.contains(shard);
    }

    // The runner's.

    /** Settles what is in the outbox, polls once, and passes on what came. */
    Next run(Duration maxWait) throws InterruptedException {
        scheduled.set(false);
        if (leaving) {
            return Next.ENDED;
        }
        if (!closing && !ended && reconnection.isTooSoon(engine.time.nanos())) {
            return Next.REST;
        }
        try {
            if (closing || ended) {
                return leave();
            }
            settler.flush(bound);
            releaseDrained();
            if (leasesDue) {
                extendLeases();
            }
            pauseBlocked();
            // What was handled while the provider settled is not settled yet.
            int room = Math.max(0, Math.min(MAX_POLL, dispatcher.room() - outbox.waiting() - settler.underway()));
            Polled polled = bound.poll(room, room == 0 ? Duration.ZERO : maxWait);
            if (polled.connected() && reconnection.succeeded()) {
                subscription.reconnected();
            }
            shardsChanged(polled);
            boolean any = !polled.deliveries().isEmpty();
            if (any) {
                List<BusDelivery> admitted = admitted(polled.deliveries());
                if (!admitted.isEmpty()) {
                    dispatcher.accept(admitted);
                }
            }
            if (room == 0) {
                return polled.quiet() ? Next.REST : Next.POLL;
            }
            return any && !polled.quiet() ? Next.AGAIN : polled.quiet() ? Next.REST : Next.POLL;
        } catch (RuntimeException e) {
            return failed(e);
        } catch (Error e) {
            return failed(new EventsException(
                    ErrorCode.INTERNAL_ERROR, "a defect: " + e.getClass().getSimpleName(), e));
        }
    }

    /** Has the provider pause the keys with too much behind them, or their shards if it cannot. */
    private void pauseBlocked() {
        Map<OrderingKey, Shard> wanted = blocked;
        if (!wanted.equals(paused)) {
            boolean keysAlone = bound.pauseKeys(wanted.keySet());
            bound.pause(keysAlone ? Set.of() : Set.copyOf(wanted.values()));
            paused = wanted;
        }
    }

    private void shardsChanged(Polled polled) {
        for (Shard shard : polled.lost()) {
            draining.remove(shard);
            dispatcher.forget(
                    delivery -> delivery.leg == this && delivery.inbound.shard().equals(shard));
            outbox.lose(shard);
        }
        if (!polled.revoking().isEmpty()) {
            draining.addAll(polled.revoking());
            revoking = Set.copyOf(draining);
            polled.revoking()
                    .forEach(shard -> dispatcher.giveBackIdle(delivery ->
                            delivery.leg == this && delivery.inbound.shard().equals(shard)));
            wake();
        }
    }

    /** Tells the provider which revoked shards no handler holds any more, after their settlements; again, if it cannot be told now. */
    private void releaseDrained() {
        if (draining.isEmpty()) {
            return;
        }
        List<Shard> drained =
                draining.stream().filter(shard -> outbox.heldOf(shard) == 0).toList();
        if (!drained.isEmpty()) {
            settler.flush(bound);
            if (settler.underway() > 0) {
                return;
            }
            for (Shard shard : drained) {
                bound.released(shard);
                draining.remove(shard);
                revoking = Set.copyOf(draining);
            }
        }
    }

    /** Decodes deliveries and keeps those that are the subscription's to see. */
    private List<BusDelivery> admitted(List<InboundDelivery> deliveries) {
        List<BusDelivery> admitted = new ArrayList<>(deliveries.size());
        for (InboundDelivery delivery : deliveries) {
            BusDelivery mine = admit(delivery);
            if (mine != null) {
                admitted.add(mine);
            }
        }
        attempts.taken(admitted);
        return admitted;
    }

    private @Nullable BusDelivery admit(InboundDelivery delivery) {
        // Rules and patterns never change under a subscription, so an address that was admitted stays so.
        if (delivery.address() != lastAdmitted && !subscription.admits(delivery.address())) {
            refuse(Settled.ack(delivery));
            return null;
        }
        lastAdmitted = delivery.address();
        if (delivery.defect() != null) {
            quarantine(delivery, ErrorCode.CORRUPT_EVENT, delivery.defect());
            return null;
        }
        EventEnvelope event = delivery.event();
        if (event == null) {
            try {
                event = subscription.decode(delivery);
            } catch (RuntimeException e) {
                quarantine(delivery, ErrorCode.CORRUPT_EVENT, e.getMessage());
                return null;
            }
        }
        if (!event.address().tenant().env().equals(delivery.address().tenant().env())) {
            refuse(Settled.ack(delivery));
            return null;
        }
        if (!event.address().equals(delivery.address())) {
            quarantine(
                    delivery,
                    ErrorCode.TENANT_MISMATCH,
                    "the envelope claims " + event.address() + ", the transport says " + delivery.address());
            return null;
        }
        if (event.marks() != Marks.NONE && !subscription.isFor(event.marks())) {
            refuse(Settled.ack(delivery));
            return null;
        }
        return new BusDelivery(dispatcher, this, delivery, event);
    }

    /** Parks a delivery that cannot be handed to anyone; if it cannot be parked, it comes again. */
    private void quarantine(InboundDelivery delivery, ErrorCode code, @Nullable String reason) {
        try {
            engine.deadLetters.quarantine(registration, delivery, dispatcher.consumption, code, String.valueOf(reason));
            LOG.warn("a delivery of {} at {} is a dead letter: {}", delivery.address(), delivery.position(), reason);
            refuse(Settled.ack(delivery));
        } catch (RuntimeException e) {
            LOG.error("a delivery of {} at {} could not be quarantined", delivery.address(), delivery.position(), e);
            refuse(Settled.redeliver(delivery, REFUSED_DELAY));
        }
    }

    private Next failed(RuntimeException e) {
        ErrorKind kind = e instanceof EventsException known ? known.kind() : ErrorKind.UNAVAILABLE;
        if (closing || ended) {
            return leave();
        }
        if (!kind.retryable() && kind != ErrorKind.INTERNAL) {
            LOG.error("subscription {} failed on provider {}", subscription, registration, e);
            subscription.failed((EventsException) e);
            return leave();
        }
        Duration wait = reconnection.failed(engine.time.nanos());
        subscription.reconnecting(
                e instanceof EventsException known
                        ? known
                        : new EventsException(
                                ErrorCode.PROVIDER_UNAVAILABLE,
                                "provider " + registration + " failed: "
                                        + e.getClass().getSimpleName(),
                                e));
        LOG.warn("subscription {} lost provider {}; next try in {} ms", subscription, registration, wait.toMillis(), e);
        if (reconnection.wantsRebinding() && dispatcher.keepsPosition()) {
            rebind();
        } else if (reconnection.wantsRebinding()) {
            // Settlements that are never taken must not keep an ephemeral subscription from what comes next.
            settler.flushForTheLastTime(bound);
        }
        runner.later(wait, this);
        return Next.REST;
    }

    /**
     * Replaces a group's subscription that makes no progress; what it held comes again, and not before its time if the provider can
     * be told. An ephemeral one has no position to come back to.
     */
    private void rebind() {
        try {
            ProviderSubscription fresh = binding.apply(this);
            dispatcher.giveBackIdle(delivery -> delivery.leg == this);
            settler.flushForTheLastTime(bound);
            ProviderSubscription stale = bound;
            bound = fresh;
            paused = Map.of();
            draining.clear();
            revoking = Set.of();
            var unused = stale.closeLater();
        } catch (RuntimeException e) {
            LOG.debug("provider {} cannot be subscribed to again yet", registration, e);
        }
    }

    /** Asks the runner to settle what is left and leave. */
    void close() {
        closing = true;
        wake();
    }

    /**
     * Settles what is left, again while there is time if the provider fails, then has it take back the rest. The runner does not wait for
     * either: those who share it go on, and a member that leaves may have to wait for one of them.
     */
    private Next leave() {
        long now = engine.time.nanos();
        boolean first = !ended;
        if (first) {
            ended = true;
            lastAnswersBy = now + Settler.LAST_ANSWER.toNanos();
        }
        boolean over = now - lastAnswersBy >= 0;
        if (!over && lastTries.isTooSoon(now)) {
            return Next.REST;
        }
        boolean finished = false;
        try {
            finished = settler.finish(bound, over);
        } catch (EventsException e) {
            LOG.debug("provider {} does not take the last settlements of {} yet", registration, subscription, e);
            runner.later(lastTries.failed(now), this);
        }
        if (!finished) {
            if (first) {
                engine.tasks.schedule(Settler.LAST_ANSWER, this::wake);
            }
            return Next.REST;
        }
        leaving = true;
        try {
            var unused = bound.closeLater().whenComplete((nothing, e) -> left(e));
        } catch (RuntimeException e) {
            left(e);
        }
        return Next.ENDED;
    }

    private void left(@Nullable Throwable e) {
        if (e != null) {
            LOG.warn("provider {} failed to close subscription {}", registration, subscription, e);
        }
        runner.left();
        subscription.legEnded();
    }
}
