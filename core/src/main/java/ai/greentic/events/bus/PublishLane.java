package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.Signal;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The way of one share of a provider's keys. At most one event of a key is on its way at a time; its followers wait behind it, everything
 * else passes.
 *
 * <p>The lane is <em>led</em> by at most one thread, which alone calls the provider: a caller that finds the lane idle leads and sends
 * its own event without a hand-off; callers that arrive meanwhile queue up, and the leader's successor, one of them, sends them as one
 * batch. Without a waiting caller a fabric task leads. Nothing waits while it holds the lock.
 */
final class PublishLane {
    private static final int MAX_BATCH = 256;
    private static final Duration SWEEP = Duration.ofSeconds(1);

    private final EventProvider provider;
    private final String name;
    private final Time time;
    private final Tasks tasks;
    private final int capacity;

    private final ReentrantLock lock = new ReentrantLock();
    private final KeyedQueue<Publish> queue = new KeyedQueue<>();
    private final IdleWatch idle = new IdleWatch(lock, this::isIdle);

    private final WaitingLine awaitingRoom;
    private final Promises promises = new Promises();

    private int outstanding;
    private boolean led;
    private boolean closed;

    PublishLane(EventProvider provider, String name, Time time, Tasks tasks, int capacity) {
        this.provider = provider;
        this.name = name;
        this.time = time;
        this.tasks = tasks;
        this.capacity = capacity;
        this.awaitingRoom = new WaitingLine(lock, tasks, time);
    }

    /** Publishes and waits for the outcome until the deadline, in the terms of {@link Time#nanos}. */
    void publish(Publish publish, long deadlineNanos) {
        boolean leads;
        lock.lock();
        try {
            awaitRoom(publish, deadlineNanos);
            enqueue(publish);
            leads = takeLead();
            if (!leads) {
                publish.waiter = tasks.signal();
            }
        } finally {
            lock.unlock();
        }
        if (leads) {
            lead(publish);
        }
        if (publish.outcome == null) {
            await(publish, deadlineNanos);
        }
    }

    /** Takes a publish without waiting; the outcome reaches its future. Refuses if the lane is full. */
    void submit(Publish publish, long deadlineNanos) {
        publish.deadlineNanos = deadlineNanos;
        lock.lock();
        try {
            refuseIfClosed(publish);
            if (outstanding >= capacity) {
                throw publish.refusedBy(name, capacity);
            }
            outstanding++;
            if (promises.add(publish)) {
                tasks.schedule(SWEEP, this::sweep);
            }
            enqueue(publish);
            if (takeLead()) {
                tasks.execute(() -> lead(null));
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes a publish whose caller will come back to {@link #flush} and {@link #await}; waits for room, and has others sent only to make
     * some. Until then nobody waits for it, so it is not asked to lead.
     */
    void enqueueFor(Publish publish, long deadlineNanos) {
        lock.lock();
        try {
            if (outstanding >= capacity && takeLead()) {
                tasks.execute(() -> lead(null));
            }
            awaitRoom(publish, deadlineNanos);
            enqueue(publish);
        } finally {
            lock.unlock();
        }
    }

    /** Sends what was enqueued, on this thread if nobody else leads. */
    void flush(Publish own) {
        boolean leads;
        lock.lock();
        try {
            leads = takeLead();
            if (leads && own.state != Publish.State.READY) {
                tasks.execute(() -> lead(null));
                leads = false;
            }
        } finally {
            lock.unlock();
        }
        if (leads) {
            lead(own);
        }
    }

    private void refuseIfClosed(Publish publish) {
        if (closed) {
            throw new EventsException(
                    ErrorCode.CLOSED, "the bus is closed; " + publish.event.event() + " was not sent");
        }
    }

    /** Called and left with the lock held. */
    private void awaitRoom(Publish publish, long deadlineNanos) {
        refuseIfClosed(publish);
        while (outstanding >= capacity) {
            boolean called;
            try {
                called = awaitingRoom.await(deadlineNanos, this::callForRoom);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new EventsException(
                        ErrorCode.INTERRUPTED, "interrupted before " + publish.event.event() + " was sent", e);
            }
            refuseIfClosed(publish);
            if (!called && outstanding >= capacity) {
                throw publish.refusedBy(name, capacity);
            }
        }
        outstanding++;
    }

    private void callForRoom() {
        if (outstanding < capacity) {
            awaitingRoom.call(1);
        }
    }

    private boolean takeLead() {
        if (led || queue.ready() == 0) {
            return false;
        }
        led = true;
        return true;
    }

    private void enqueue(Publish publish) {
        publish.state = queue.add(publish.key, publish) ? Publish.State.READY : Publish.State.BEHIND;
    }

    /** Leads until the own event is sent, or, as a task, until nothing is left; then hands on. */
    private void lead(@Nullable Publish own) {
        while (true) {
            List<Publish> batch;
            lock.lock();
            try {
                if (own != null && own.state != Publish.State.READY) {
                    handOn();
                    return;
                }
                batch = takeBatch();
                if (batch.isEmpty()) {
                    led = false;
                    return;
                }
            } finally {
                lock.unlock();
            }
            send(batch, own);
        }
    }

    private void handOn() {
        if (queue.ready() == 0) {
            led = false;
            return;
        }
        for (Publish candidate : queue.readyItems()) {
            Signal waiter = candidate.waiter;
            if (waiter != null) {
                candidate.promoted = true;
                waiter.raise();
                return;
            }
        }
        tasks.execute(() -> lead(null));
    }

    private List<Publish> takeBatch() {
        List<Publish> batch = new ArrayList<>(Math.min(MAX_BATCH, queue.ready()));
        while (batch.size() < MAX_BATCH && queue.ready() > 0) {
            Publish next = java.util.Objects.requireNonNull(queue.poll());
            next.state = Publish.State.SENT;
            batch.add(next);
        }
        return batch;
    }

    private void send(List<Publish> batch, @Nullable Publish own) {
        batch.forEach(publish -> publish.attempts++);
        List<OutboundEvent> events = batch.size() == 1
                ? List.of(batch.get(0).event)
                : batch.stream().<OutboundEvent>map(publish -> publish.event).toList();
        List<CompletionStage<PublishOutcome>> stages;
        try {
            stages = provider.publish(events);
            if (stages.size() != events.size()) {
                failAll(
                        batch,
                        new EventsException(
                                ErrorCode.OUTCOME_UNKNOWN,
                                "provider " + name + " answered " + stages.size() + " outcomes for " + events.size()
                                        + " events"));
                return;
            }
        } catch (InterruptedException e) {
            interrupted(batch, own);
            return;
        } catch (EventsException e) {
            failAll(batch, e);
            return;
        } catch (RuntimeException e) {
            failAll(
                    batch,
                    new EventsException(
                            ErrorCode.PROVIDER_UNAVAILABLE,
                            "provider " + name + " refused the call: "
                                    + e.getClass().getSimpleName(),
                            e));
            return;
        }
        for (int i = 0; i < batch.size(); i++) {
            Publish publish = batch.get(i);
            CompletionStage<PublishOutcome> stage = stages.get(i);
            if (stage instanceof CompletableFuture<PublishOutcome> future
                    && future.isDone()
                    && !future.isCompletedExceptionally()) {
                finish(publish, Publish.outcomeOf(future, name));
            } else {
                stage.whenComplete((outcome, defect) -> finish(publish, Publish.outcomeOf(outcome, defect, name)));
            }
        }
    }

    private void failAll(List<Publish> batch, EventsException failure) {
        batch.forEach(publish -> finish(publish, PublishOutcome.failed(failure)));
    }

    /** Nothing was attempted: the interrupted caller gives up, the others go on. */
    private void interrupted(List<Publish> batch, @Nullable Publish own) {
        Thread.currentThread().interrupt();
        lock.lock();
        try {
            for (int i = batch.size() - 1; i >= 0; i--) {
                Publish publish = batch.get(i);
                if (publish != own && own != null) {
                    publish.state = Publish.State.READY;
                    publish.attempts--;
                    queue.putBack(publish);
                }
            }
        } finally {
            lock.unlock();
        }
        EventsException failure =
                new EventsException(ErrorCode.INTERRUPTED, "interrupted before the event was sent to provider " + name);
        if (own == null) {
            failAll(batch, failure);
        } else {
            finish(own, PublishOutcome.failed(failure));
        }
    }

    /** Ends a publish, whoever brings the news, and lets its follower go on. */
    private void finish(Publish publish, PublishOutcome outcome) {
        Signal waiter;
        lock.lock();
        try {
            if (publish.state == Publish.State.DONE) {
                return;
            }
            publish.outcome = outcome;
            leave(publish);
            waiter = publish.waiter;
            if (takeLead()) {
                handOn();
            }
        } finally {
            lock.unlock();
        }
        if (waiter != null) {
            waiter.raise();
        }
        publish.tell(tasks);
    }

    /** Frees the key of a publish that was ready or sent, and takes it off the account. */
    private void leave(Publish publish) {
        Publish next = queue.release(publish.key);
        if (next != null) {
            next.state = Publish.State.READY;
        }
        done(publish);
    }

    private void done(Publish publish) {
        publish.state = Publish.State.DONE;
        outstanding--;
        promises.remove(publish);
        callForRoom();
        idle.changed();
    }

    /** Waits for an outcome, leading if asked to. */
    void await(Publish publish, long deadlineNanos) {
        Signal waiter = waiterOf(publish);
        while (publish.outcome == null) {
            boolean raised;
            try {
                raised = waiter.await(Duration.ofNanos(Math.max(0, deadlineNanos - time.nanos())));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                abandon(publish, ErrorCode.INTERRUPTED, "interrupted");
                return;
            }
            if (publish.outcome != null) {
                return;
            }
            if (!raised) {
                abandon(publish, ErrorCode.DEADLINE_EXCEEDED, "its time ran out");
                return;
            }
            boolean leads;
            lock.lock();
            try {
                leads = publish.promoted;
                publish.promoted = false;
            } finally {
                lock.unlock();
            }
            if (leads) {
                lead(publish);
            }
        }
    }

    private Signal waiterOf(Publish publish) {
        lock.lock();
        try {
            Signal waiter = publish.waiter;
            if (waiter == null) {
                waiter = tasks.signal();
                publish.waiter = waiter;
                if (publish.outcome != null) {
                    waiter.raise();
                }
            }
            return waiter;
        } finally {
            lock.unlock();
        }
    }

    /** Gives up on promises whose time ran out; goes on while there are any. */
    private void sweep() {
        List<Publish> expired;
        lock.lock();
        try {
            expired = promises.takeExpired(time.nanos());
            if (promises.stillWatched()) {
                tasks.schedule(SWEEP, this::sweep);
            }
        } finally {
            lock.unlock();
        }
        for (Publish publish : expired) {
            abandon(publish, ErrorCode.DEADLINE_EXCEEDED, "its time ran out");
            publish.tell(tasks);
        }
    }

    /** The caller stops waiting: what was not sent is taken back, what was sent has an unknown outcome. */
    private void abandon(Publish publish, ErrorCode code, String why) {
        lock.lock();
        try {
            publish.waiter = null;
            if (publish.state == Publish.State.DONE) {
                return;
            }
            if (publish.state == Publish.State.SENT) {
                publish.outcome = PublishOutcome.failed(new EventsException(
                        ErrorCode.OUTCOME_UNKNOWN,
                        publish.event + " was sent, but " + why
                                + " before the answer came; it may have been accepted"));
                return;
            }
            publish.outcome = PublishOutcome.failed(new EventsException(
                    code, publish.event + " was not sent: " + why + " while it waited in its lane"));
            withdraw(publish);
            if (publish.promoted) {
                publish.promoted = false;
                handOn();
            }
        } finally {
            lock.unlock();
        }
    }

    private void withdraw(Publish publish) {
        if (publish.state == Publish.State.READY) {
            queue.removeReady(publish);
            leave(publish);
        } else {
            queue.removeBehind(java.util.Objects.requireNonNull(publish.key), publish);
            done(publish);
        }
    }

    private boolean isIdle() {
        return outstanding == 0;
    }

    /** Refuses new publishes from now on. */
    void refuse() {
        lock.lock();
        try {
            closed = true;
            awaitingRoom.callAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until nothing is on its way; returns whether that came true in time. */
    boolean awaitIdle(long deadlineNanos) throws InterruptedException {
        return idle.await(tasks, time, deadlineNanos);
    }

    /** Ends what is left: not sent is cancelled, sent is unknown. */
    void giveUp() {
        List<Publish> left = new ArrayList<>();
        List<Publish> sent;
        lock.lock();
        try {
            sent = promises.sent();
            left.addAll(queue.takeReady(publish -> true));
            left.addAll(queue.takeBehind(publish -> true));
        } finally {
            lock.unlock();
        }
        failAll(
                left,
                new EventsException(ErrorCode.CLOSED, "the bus closed before the event was sent to provider " + name));
        failAll(
                sent,
                new EventsException(
                        ErrorCode.OUTCOME_UNKNOWN,
                        "the bus closed before provider " + name + " answered; the event may have been accepted"));
    }
}
