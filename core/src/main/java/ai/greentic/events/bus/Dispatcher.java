package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.delivery.RedeliveryPolicy;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * From fetched deliveries to handlers and back to settlements, for one subscription.
 *
 * <p>A delivery is <em>ready</em>, being handled, or waiting for its next attempt; a later delivery of its key waits behind it until it is
 * settled, everything else passes. Everything fetched and not settled counts against {@code maxInFlight}. Settlements collect in the
 * outbox of the leg that fetched the delivery, and the leg's runner hands them to the provider. Handlers, stores and futures are
 * never called with the lock held.
 */
final class Dispatcher {
    private static final Logger LOG = LoggerFactory.getLogger(Dispatcher.class);
    private static final ThreadLocal<Dispatcher> HANDLING = new ThreadLocal<>();
    /** How long one subscription keeps a handler thread while others wait for one. */
    private static final long TURN_NANOS = 5_000_000;

    final Engine engine;
    private final SubscribeOptions options;
    private final @Nullable EventHandler handler;
    private final @Nullable AsyncEventHandler asyncHandler;
    private final String subscription;

    private final ReentrantLock lock = new ReentrantLock();
    /** A delivery has its key while it is ready, handled, or waiting for its next attempt. */
    private final KeyedQueue<BusDelivery> queue = new KeyedQueue<>();
    /** Waiting for their next attempt. */
    private final List<BusDelivery> parked = new ArrayList<>();

    private final WaitingLine pullers;
    private final IdleWatch idle = new IdleWatch(lock, this::isIdle);
    /** Fetched and not settled. */
    private int held;
    /** Handed to a handler or a puller and not settled. */
    private int handed;

    private int workers;
    private boolean stopping;

    /** A dispatcher without handlers serves a pull subscription. */
    Dispatcher(
            Engine engine,
            SubscribeOptions options,
            String subscription,
            @Nullable EventHandler handler,
            @Nullable AsyncEventHandler asyncHandler) {
        this.engine = engine;
        this.options = options;
        this.subscription = subscription;
        this.handler = handler;
        this.asyncHandler = asyncHandler;
        this.pullers = new WaitingLine(lock, engine.tasks, engine.time);
    }

    String subscription() {
        return subscription;
    }

    boolean keepsPosition() {
        return options.group().isPresent();
    }

    /** How many more deliveries may be fetched. */
    int room() {
        lock.lock();
        try {
            return stopping ? 0 : Math.max(0, options.maxInFlight() - held);
        } finally {
            lock.unlock();
        }
    }

    /** Takes fetched deliveries, in order. Called by the leg's runner. */
    void accept(List<BusDelivery> deliveries) {
        lock.lock();
        try {
            deliveries.get(0).leg.hold(deliveries);
            for (BusDelivery delivery : deliveries) {
                held++;
                if (stopping) {
                    giveBack(delivery, Duration.ZERO);
                } else {
                    queue.add(delivery.key, delivery);
                }
            }
            employ();
        } finally {
            lock.unlock();
        }
    }

    /** Puts enough workers, or pullers, to work. */
    private void employ() {
        if (handler == null && asyncHandler == null) {
            pullers.call(queue.ready());
            return;
        }
        for (int wanted = Math.min(options.concurrency(), workers + queue.ready()); workers < wanted; workers++) {
            engine.tasks.handle(this::work);
        }
    }

    /** Handles one delivery after another until none is ready, or until it is the turn of other subscriptions on this thread. */
    private void work() {
        Dispatcher outer = HANDLING.get();
        HANDLING.set(this);
        try {
            long began = engine.time.nanos();
            for (BusDelivery delivery = next(); delivery != null; ) {
                delivery = asyncHandler != null ? begin(delivery, asyncHandler) : handle(delivery);
                if (delivery != null && engine.time.nanos() - began > TURN_NANOS) {
                    putBack(delivery);
                    engine.tasks.handle(this::work);
                    return;
                }
            }
        } finally {
            HANDLING.set(outer);
        }
    }

    /** Undoes {@link #start}: the handler has not been called. The worker's place stays taken for its next turn. */
    private void putBack(BusDelivery delivery) {
        lock.lock();
        try {
            delivery.attempt--;
            handed--;
            if (stopping) {
                giveBack(delivery, Duration.ZERO);
                idle.changed();
            } else {
                queue.putBack(delivery);
            }
        } finally {
            lock.unlock();
        }
    }

    private @Nullable BusDelivery next() {
        lock.lock();
        try {
            return takeForWorker();
        } finally {
            lock.unlock();
        }
    }

    private @Nullable BusDelivery takeForWorker() {
        BusDelivery delivery = queue.poll();
        if (delivery == null) {
            workers--;
        } else {
            start(delivery);
        }
        return delivery;
    }

    /** A handler starts: this is what an attempt is. */
    private void start(BusDelivery delivery) {
        delivery.attempt++;
        handed++;
    }

    private @Nullable BusDelivery handle(BusDelivery delivery) {
        try {
            java.util.Objects.requireNonNull(handler).handle(delivery);
        } catch (Throwable e) {
            failed(delivery, e);
            return next();
        }
        lock.lock();
        try {
            if (delivery.open) {
                if (options.manualAck()) {
                    startAckTimer(delivery, options.ackTimeout());
                } else {
                    settle(delivery, Settled.ack(delivery.inbound));
                }
            }
            return takeForWorker();
        } finally {
            lock.unlock();
        }
    }

    /** Starts an asynchronous handler. Its worker's place is taken until the stage completes, and then used for the next delivery. */
    private @Nullable BusDelivery begin(BusDelivery delivery, AsyncEventHandler asynchronous) {
        CompletionStage<Void> stage;
        try {
            stage = asynchronous.handle(delivery);
        } catch (Throwable e) {
            failed(delivery, e);
            return next();
        }
        lock.lock();
        try {
            if (delivery.open) {
                startAckTimer(delivery, options.ackTimeout());
            }
        } finally {
            lock.unlock();
        }
        stage.whenComplete((nothing, failure) -> engine.tasks.handle(() -> ended(delivery, failure)));
        return null;
    }

    private void ended(BusDelivery delivery, @Nullable Throwable failure) {
        if (failure != null) {
            Throwable cause = failure instanceof java.util.concurrent.CompletionException && failure.getCause() != null
                    ? failure.getCause()
                    : failure;
            failed(delivery, cause);
        } else if (!options.manualAck()) {
            ack(delivery);
        }
        work();
    }

    /** The handler threw: another attempt, or a dead letter. */
    private void failed(BusDelivery delivery, Throwable cause) {
        double chance = (engine.time.randomBits() >>> 11) * 0x1p-53;
        RedeliveryPolicy.Decision decision = options.redelivery().decide(delivery.attempt, chance);
        if (decision instanceof RedeliveryPolicy.Redeliver again) {
            LOG.debug("{} failed in subscription {}; again in {}", delivery, subscription, again.delay(), cause);
            redeliver(delivery, again.delay());
        } else if (decision instanceof RedeliveryPolicy.DeadLetter end) {
            String what = cause.getClass().getName();
            deadLetter(delivery, ErrorCode.HANDLER_FAILED, end.reason() + ", the last with " + what, cause);
        }
    }

    // Settling: the first one wins.

    boolean ack(BusDelivery delivery) {
        lock.lock();
        try {
            boolean won = delivery.open && settle(delivery, Settled.ack(delivery.inbound));
            employ();
            return won;
        } finally {
            lock.unlock();
        }
    }

    /** Lets the delivery wait for its next attempt; its key waits with it. */
    boolean redeliver(BusDelivery delivery, Duration delay) {
        lock.lock();
        try {
            if (!delivery.open) {
                return false;
            }
            close(delivery);
            if (delivery.leg.isLost(delivery.inbound)) {
                drop(delivery);
                return false;
            }
            BusDelivery again = delivery.again();
            if (stopping || delivery.leg.isRevoking(delivery.inbound.shard())) {
                giveBack(again, delay);
            } else {
                parked.add(again);
                engine.tasks.schedule(delay, () -> unpark(again));
            }
            employ();
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void unpark(BusDelivery delivery) {
        lock.lock();
        try {
            if (parked.remove(delivery)) {
                queue.putBack(delivery);
                employ();
            }
        } finally {
            lock.unlock();
        }
    }

    boolean reject(BusDelivery delivery, String reason) {
        return deadLetter(delivery, ErrorCode.HANDLER_FAILED, "rejected: " + reason, null);
    }

    /** Parks the event as a dead letter, and only then acks it; if it cannot be parked, it is delivered again later. */
    private boolean deadLetter(BusDelivery delivery, ErrorCode code, String reason, @Nullable Throwable cause) {
        lock.lock();
        try {
            if (!delivery.open) {
                return false;
            }
            delivery.open = false;
            delivery.stopAckTimer();
        } finally {
            lock.unlock();
        }
        boolean kept;
        try {
            engine.putDeadLetter(delivery, subscription, code, reason);
            kept = true;
            LOG.warn("{} of subscription {} is a dead letter: {}", delivery, subscription, reason);
            LOG.debug("its last failure", cause);
        } catch (RuntimeException e) {
            kept = false;
            LOG.error(
                    "the dead letter of {} in subscription {} could not be stored; it will be delivered again",
                    delivery,
                    subscription,
                    e);
        }
        lock.lock();
        try {
            delivery.open = true;
            return kept
                    ? settle(delivery, Settled.ack(delivery.inbound))
                    : redeliver(delivery, options.redelivery().maxDelay());
        } finally {
            employ();
            lock.unlock();
        }
    }

    void extend(BusDelivery delivery, Duration by) {
        lock.lock();
        try {
            if (delivery.open && delivery.ackTimer != null) {
                startAckTimer(delivery, by);
            }
        } finally {
            lock.unlock();
        }
    }

    private void startAckTimer(BusDelivery delivery, Duration time) {
        delivery.stopAckTimer();
        delivery.ackTimer = engine.tasks.schedule(time, () -> {
            if (timedOut(delivery)) {
                LOG.warn("{} of subscription {} was not settled within its ack timeout", delivery, subscription);
            }
        });
    }

    private boolean timedOut(BusDelivery delivery) {
        return delivery.attempt >= options.redelivery().maxAttempts()
                ? deadLetter(delivery, ErrorCode.HANDLER_FAILED, "not settled within " + options.ackTimeout(), null)
                : redeliver(delivery, Duration.ZERO);
    }

    private boolean settle(BusDelivery delivery, Settled settlement) {
        close(delivery);
        boolean owned = !delivery.leg.isLost(delivery.inbound);
        if (owned) {
            held--;
            queue.release(delivery.key);
            delivery.leg.settle(settlement, delivery, queue.ready() > 0);
        } else {
            drop(delivery);
        }
        return owned;
    }

    /** The handler's hold on the delivery ends. */
    private void close(BusDelivery delivery) {
        delivery.open = false;
        handed--;
        delivery.stopAckTimer();
        idle.changed();
    }

    /** The delivery was lost; its follower goes on. */
    private void drop(BusDelivery delivery) {
        held--;
        delivery.leg.letGo(delivery.inbound.shard());
        queue.release(delivery.key);
        delivery.settledAs(new EventsException(
                ErrorCode.OUTCOME_UNKNOWN, delivery + " is no longer this member's to settle; it may come again"));
        employ();
    }

    /** Returns a delivery that no handler holds to its provider, and what waits behind it. */
    private void giveBack(BusDelivery delivery, Duration delay) {
        surrender(delivery, delay);
        queue.dissolve(delivery.key).forEach(follower -> surrender(follower, Duration.ZERO));
    }

    private void surrender(BusDelivery delivery, Duration delay) {
        delivery.open = false;
        held--;
        delivery.leg.settle(Settled.redeliver(delivery.inbound, delay), delivery, false);
    }

    // Pulling.

    @Nullable
    BusDelivery pull(Duration maxWait) throws InterruptedException {
        long deadline = engine.time.nanos() + maxWait.toNanos();
        lock.lock();
        try {
            for (boolean called = true; called; called = pullers.await(deadline, this::employ)) {
                BusDelivery delivery = queue.poll();
                if (delivery != null) {
                    start(delivery);
                    startAckTimer(delivery, options.ackTimeout());
                    return delivery;
                }
                if (stopping) {
                    return null;
                }
            }
            return null;
        } finally {
            lock.unlock();
        }
    }

    // Shards that move, and the end.

    /** Gives back what no handler holds of a shard that is being revoked; the rest follows as handlers finish. */
    void revoke(SubscriptionLeg leg, Shard shard) {
        giveBackIdle(delivery -> delivery.leg == leg && delivery.inbound.shard().equals(shard));
    }

    /** Forgets what no handler holds of a leg, or of one of its shards: somebody else has it, or it will come again. */
    void forget(SubscriptionLeg leg, @Nullable Shard shard) {
        lock.lock();
        try {
            for (BusDelivery delivery : takeIdle(
                    d -> d.leg == leg && (shard == null || d.inbound.shard().equals(shard)))) {
                delivery.open = false;
                held--;
                leg.letGo(delivery.inbound.shard());
            }
        } finally {
            lock.unlock();
        }
    }

    private void giveBackIdle(Predicate<BusDelivery> which) {
        lock.lock();
        try {
            takeIdle(which).forEach(delivery -> surrender(delivery, Duration.ZERO));
        } finally {
            lock.unlock();
        }
    }

    /** Takes what no handler holds; a key whose head goes is free, one whose head is being handled is not. */
    private List<BusDelivery> takeIdle(Predicate<BusDelivery> which) {
        List<BusDelivery> heads = queue.takeReady(which);
        for (BusDelivery waiting : List.copyOf(parked)) {
            if (which.test(waiting)) {
                parked.remove(waiting);
                heads.add(waiting);
            }
        }
        List<BusDelivery> taken = new ArrayList<>(heads);
        heads.forEach(head -> taken.addAll(queue.dissolve(head.key)));
        taken.addAll(queue.takeBehind(which));
        return taken;
    }

    /** Takes nothing new from now on and gives back what no handler holds. */
    void stop() {
        lock.lock();
        try {
            stopping = true;
            pullers.callAll();
        } finally {
            lock.unlock();
        }
        giveBackIdle(delivery -> true);
    }

    /** Waits until no handler holds a delivery; returns whether that came true in time. */
    boolean awaitIdle(Duration grace) throws InterruptedException {
        return idle.await(engine.tasks, engine.time, engine.time.nanos() + grace.toNanos());
    }

    private boolean isIdle() {
        return handed == (HANDLING.get() == this ? 1 : 0);
    }
}
