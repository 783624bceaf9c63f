package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.spi.Claim;
import ai.greentic.events.spi.Settled;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * From fetched deliveries to handlers and back to settlements, for one subscription.
 *
 * <p>A delivery is <em>ready</em>, being handled, or parked until its next attempt; a later delivery of its key waits behind it until it is
 * settled, everything else passes. What is fetched and neither settled nor parked counts against {@code maxInFlight}. While there are
 * suspects, which may have taken a process down, one delivery is handled at a time. Settlements collect in the outbox of the leg that
 * fetched the delivery, and the leg's runner hands them to the provider. Handlers, stores and futures are never called with the lock held.
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
    final Consumption consumption;
    private final String subscription;
    private final Gate gate;
    final Attempts attempts;

    private final ReentrantLock lock = new ReentrantLock();
    private final InHand inHand = new InHand();
    private final WaitingLine pullers;
    private final IdleWatch idle = new IdleWatch(lock, this::isIdle);

    private int workers;
    private boolean stopping;

    /** A dispatcher without handlers serves a pull subscription. */
    Dispatcher(
            Engine engine,
            SubscribeOptions options,
            Consumption consumption,
            @Nullable EventHandler handler,
            @Nullable AsyncEventHandler asyncHandler) {
        this.engine = engine;
        this.options = options;
        this.consumption = consumption;
        this.subscription = consumption.name();
        this.gate = new Gate(engine, options, consumption);
        this.attempts = new Attempts(this, options, gate, handler);
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

    boolean isMemberOf(String group) {
        return options.group().filter(group::equals).isPresent();
    }

    /** How many more deliveries may be fetched. */
    int room() {
        lock.lock();
        try {
            return stopping ? 0 : inHand.room(options.maxInFlight(), options.maxParked());
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
                inHand.add(delivery);
            }
            if (stopping) {
                surrenderIdle(delivery -> true);
            }
            employ();
        } finally {
            lock.unlock();
        }
    }

    /** Puts enough workers, or pullers, to work. */
    private void employ() {
        if (handler == null && asyncHandler == null) {
            pullers.call(inHand.ready());
            return;
        }
        int most = inHand.most(options.concurrency());
        for (int wanted = Math.min(most, workers + inHand.ready()); workers < wanted; workers++) {
            engine.tasks.handle(this::work);
        }
    }

    /** Handles one delivery after another until none is ready, or until it is the turn of other subscriptions on this thread. */
    void work() {
        Dispatcher outer = HANDLING.get();
        HANDLING.set(this);
        try {
            long began = engine.time.nanos();
            for (BusDelivery delivery = next(); delivery != null; ) {
                delivery = asyncHandler != null ? attempts.begin(delivery, asyncHandler) : attempts.handle(delivery);
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

    /** The handler has not been called. The worker's place stays taken for its next turn. */
    private void putBack(BusDelivery delivery) {
        lock.lock();
        try {
            inHand.putBack(delivery);
            if (stopping) {
                surrenderIdle(idle -> true);
                idle.changed();
            }
        } finally {
            lock.unlock();
        }
    }

    @Nullable
    BusDelivery next() {
        lock.lock();
        try {
            return takeForWorker();
        } finally {
            lock.unlock();
        }
    }

    private @Nullable BusDelivery takeForWorker() {
        BusDelivery delivery = inHand.take();
        if (delivery == null) {
            workers--;
        }
        return delivery;
    }

    /** The handler is back, and the process still there. */
    void cleared(BusDelivery delivery) {
        if (delivery.suspect) {
            lock.lock();
            try {
                inHand.cleared(delivery);
                employ();
            } finally {
                lock.unlock();
            }
        }
    }

    // Settling: the first one wins.

    /** A handler came back: its delivery is acked, or has to be settled in time. Returns the worker's next delivery. */
    @Nullable
    BusDelivery returned(BusDelivery delivery, boolean ack) {
        lock.lock();
        try {
            if (delivery.open) {
                if (ack) {
                    settle(delivery, Settled.ack(delivery.inbound));
                } else {
                    startAckTimer(delivery, options.ackTimeout());
                }
            }
            return takeForWorker();
        } finally {
            lock.unlock();
        }
    }

    /** The delivery has to be settled in time. */
    void awaitSettlement(BusDelivery delivery) {
        lock.lock();
        try {
            if (delivery.open) {
                startAckTimer(delivery, options.ackTimeout());
            }
        } finally {
            lock.unlock();
        }
    }

    boolean ack(BusDelivery delivery) {
        if (gate.notes(delivery)) {
            return ackWithNotes(delivery);
        }
        lock.lock();
        try {
            boolean won = delivery.open && settle(delivery, Settled.ack(delivery.inbound));
            employ();
            return won;
        } finally {
            lock.unlock();
        }
    }

    /** Acks a delivery that the gate has dealt with. */
    boolean skip(BusDelivery delivery) {
        return seize(delivery) && settleSeized(delivery);
    }

    /** The store is told first, so that the key's next delivery finds it done; the caller does not wait for that. */
    private boolean ackWithNotes(BusDelivery delivery) {
        if (!seize(delivery)) {
            return false;
        }
        engine.tasks.execute(() -> {
            gate.handled(delivery);
            settleSeized(delivery);
        });
        return true;
    }

    /** Takes a delivery out of its handler's hands; nobody else can settle it then. */
    boolean seize(BusDelivery delivery) {
        lock.lock();
        try {
            boolean was = delivery.open;
            delivery.open = false;
            delivery.stopAckTimer();
            return was;
        } finally {
            lock.unlock();
        }
    }

    boolean settleSeized(BusDelivery delivery) {
        lock.lock();
        try {
            return settle(delivery, Settled.ack(delivery.inbound));
        } finally {
            employ();
            lock.unlock();
        }
    }

    /** Lets the delivery wait for its next attempt; its key waits with it. */
    boolean redeliver(BusDelivery delivery, Duration delay) {
        return redeliver(delivery, delay, false);
    }

    /** As {@link #redeliver}, for a delivery that was seized: its handler, which may just come back, must not find it open again. */
    boolean redeliverSeized(BusDelivery delivery, Duration delay) {
        return redeliver(delivery, delay, true);
    }

    private boolean redeliver(BusDelivery delivery, Duration delay, boolean seized) {
        lock.lock();
        try {
            if (!delivery.open && !seized) {
                return false;
            }
            close(delivery, "redelivered");
            if (delivery.isLost()) {
                drop(delivery);
                return false;
            }
            BusDelivery again = delivery.again();
            if (stopping || delivery.leg.isRevoking(delivery.inbound.shard())) {
                giveBack(again, delay);
            } else {
                again.dueNanos = engine.time.nanos() + delay.toNanos();
                inHand.parking.park(again);
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
            inHand.due(delivery);
            employ();
        } finally {
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
                ? attempts.deadLetter(
                        delivery, ErrorCode.HANDLER_FAILED, "not settled within " + options.ackTimeout(), null)
                : redeliver(delivery, Duration.ZERO);
    }

    private boolean settle(BusDelivery delivery, Settled settlement) {
        close(delivery, delivery.outcome);
        boolean owned = !delivery.isLost();
        if (owned) {
            inHand.release(delivery);
            delivery.leg.settle(settlement, delivery, inHand.ready() > 0);
        } else {
            drop(delivery);
        }
        return owned;
    }

    /** The handler's hold on the delivery ends. */
    private void close(BusDelivery delivery, String outcome) {
        delivery.open = false;
        inHand.returned(delivery);
        delivery.stopAckTimer();
        delivery.end(outcome);
        idle.changed();
    }

    /** The delivery was lost; its follower goes on. */
    private void drop(BusDelivery delivery) {
        delivery.leg.letGo(delivery.inbound);
        inHand.release(delivery);
        abandonClaim(delivery);
        delivery.settledAs(new EventsException(
                ErrorCode.OUTCOME_UNKNOWN, delivery + " is no longer this member's to settle; it may come again"));
        employ();
    }

    /** Returns a delivery that no handler holds to its provider, and what waits behind it. */
    private void giveBack(BusDelivery delivery, Duration delay) {
        surrender(delivery, delay);
        inHand.dissolve(delivery).forEach(follower -> surrender(follower, Duration.ZERO));
    }

    /** Gives back what no handler holds; what waits for its time goes on waiting for it where it comes from. */
    private void surrenderIdle(Predicate<BusDelivery> which) {
        long now = engine.time.nanos();
        inHand.takeIdle(which).forEach(delivery -> surrender(delivery, delivery.untilDue(now)));
    }

    private void surrender(BusDelivery delivery, Duration delay) {
        letGo(delivery);
        delivery.leg.settle(Settled.redeliver(delivery.inbound, delay), delivery, false);
    }

    private void letGo(BusDelivery delivery) {
        delivery.open = false;
        inHand.letGo(delivery);
        abandonClaim(delivery);
    }

    private void abandonClaim(BusDelivery delivery) {
        Claim claim = delivery.takeClaim();
        if (claim != null) {
            engine.tasks.execute(() -> gate.notHandled(claim));
        }
    }

    // Pulling.

    @Nullable
    BusDelivery pull(Duration maxWait) throws InterruptedException {
        long deadline = engine.time.nanos() + maxWait.toNanos();
        for (BusDelivery delivery = pullNext(deadline); delivery != null; delivery = pullNext(deadline)) {
            if (attempts.starts(delivery)) {
                try {
                    delivery.intercept();
                } catch (RuntimeException e) {
                    attempts.failed(delivery, e);
                    continue;
                }
                awaitSettlement(delivery);
                return delivery;
            }
        }
        return null;
    }

    private @Nullable BusDelivery pullNext(long deadline) throws InterruptedException {
        lock.lock();
        try {
            for (boolean called = true; called; called = pullers.await(deadline, this::employ)) {
                BusDelivery delivery = inHand.take();
                if (delivery != null || stopping) {
                    return delivery;
                }
            }
            return null;
        } finally {
            lock.unlock();
        }
    }

    // Shards that move, and the end.

    /** Forgets what no handler holds: somebody else has it, or it will come again. */
    void forget(Predicate<BusDelivery> which) {
        lock.lock();
        try {
            for (BusDelivery delivery : inHand.takeIdle(which)) {
                letGo(delivery);
                delivery.leg.letGo(delivery.inbound);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Gives back what no handler holds; of a shard that is being revoked, the rest follows as handlers finish. */
    void giveBackIdle(Predicate<BusDelivery> which) {
        lock.lock();
        try {
            surrenderIdle(which);
        } finally {
            lock.unlock();
        }
    }

    /** Keys behind which so much waits that their shards pause. */
    int blockedKeys() {
        lock.lock();
        try {
            return inHand.parking.blockedKeys();
        } finally {
            lock.unlock();
        }
    }

    /** Whether so much waits for another attempt that nothing more is fetched. */
    boolean isParkedFull() {
        lock.lock();
        try {
            return inHand.parking.waiting() >= options.maxParked();
        } finally {
            lock.unlock();
        }
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
        return inHand.handed() == (HANDLING.get() == this ? 1 : 0);
    }
}
