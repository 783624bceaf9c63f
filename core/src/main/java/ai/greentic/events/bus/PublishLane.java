package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.Signal;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
    private static final ArrayDeque<Publish> NO_FOLLOWERS = new ArrayDeque<>(0);

    private final EventProvider provider;
    private final String name;
    private final Time time;
    private final Tasks tasks;
    private final int capacity;

    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayDeque<Publish> ready = new ArrayDeque<>();
    /** Keys with an event that is ready or sent, and what waits behind it. */
    private final Map<Key, ArrayDeque<Publish>> keys = new HashMap<>();

    private final ArrayDeque<Signal> awaitingRoom = new ArrayDeque<>();
    private final List<Signal> awaitingIdle = new ArrayList<>();
    /** Whose outcome nobody waits for with a deadline: they are told when the lane gives up. */
    private final Set<Publish> promised = new HashSet<>();

    private int outstanding;
    private boolean led;
    private boolean closed;

    private record Key(TenantTopic address, String value) {}

    PublishLane(EventProvider provider, String name, Time time, Tasks tasks, int capacity) {
        this.provider = provider;
        this.name = name;
        this.time = time;
        this.tasks = tasks;
        this.capacity = capacity;
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
    void submit(Publish publish) {
        lock.lock();
        try {
            refuseIfClosed(publish);
            if (outstanding >= capacity) {
                throw full(publish);
            }
            outstanding++;
            promised.add(publish);
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

    private EventsException full(Publish publish) {
        return new EventsException(
                ErrorCode.PUBLISH_QUEUE_FULL,
                "provider " + name + " has " + capacity + " publishes waiting in the lane of " + publish.event.event()
                        + "; publish slower, or raise publishQueue");
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
            Signal room = tasks.signal();
            awaitingRoom.addLast(room);
            boolean raised = false;
            lock.unlock();
            try {
                raised = room.await(Duration.ofNanos(Math.max(0, deadlineNanos - time.nanos())));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new EventsException(
                        ErrorCode.INTERRUPTED, "interrupted before " + publish.event.event() + " was sent", e);
            } finally {
                lock.lock();
                if (!raised && !awaitingRoom.remove(room)) {
                    wakeForRoom();
                }
            }
            refuseIfClosed(publish);
            if (!raised && outstanding >= capacity) {
                throw full(publish);
            }
        }
        outstanding++;
    }

    private void wakeForRoom() {
        Signal next = outstanding < capacity ? awaitingRoom.pollFirst() : null;
        if (next != null) {
            next.raise();
        }
    }

    private boolean takeLead() {
        if (led || ready.isEmpty()) {
            return false;
        }
        led = true;
        return true;
    }

    private void enqueue(Publish publish) {
        String value = publish.event.orderingKey();
        if (value != null) {
            Key key = new Key(publish.event.address(), value);
            ArrayDeque<Publish> followers = keys.get(key);
            if (followers != null) {
                if (followers == NO_FOLLOWERS) {
                    followers = new ArrayDeque<>();
                    keys.put(key, followers);
                }
                publish.state = Publish.State.BEHIND;
                followers.addLast(publish);
                return;
            }
            keys.put(key, NO_FOLLOWERS);
        }
        publish.state = Publish.State.READY;
        ready.addLast(publish);
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
        if (ready.isEmpty()) {
            led = false;
            return;
        }
        for (Publish candidate : ready) {
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
        Publish first = ready.pollFirst();
        if (first == null) {
            return List.of();
        }
        first.state = Publish.State.SENT;
        if (ready.isEmpty()) {
            return List.of(first);
        }
        List<Publish> batch = new ArrayList<>(Math.min(MAX_BATCH, ready.size() + 1));
        batch.add(first);
        while (batch.size() < MAX_BATCH && !ready.isEmpty()) {
            Publish next = ready.removeFirst();
            next.state = Publish.State.SENT;
            batch.add(next);
        }
        return batch;
    }

    private void send(List<Publish> batch, @Nullable Publish own) {
        List<OutboundEvent> events;
        if (batch.size() == 1) {
            events = List.of(batch.get(0).event);
        } else {
            events = new ArrayList<>(batch.size());
            for (Publish publish : batch) {
                events.add(publish.event);
            }
        }
        for (Publish publish : batch) {
            publish.attempts++;
        }
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
                finish(publish, known(future));
            } else {
                stage.whenComplete((outcome, defect) -> finish(publish, defect == null ? outcome : unknown(defect)));
            }
        }
    }

    private PublishOutcome known(CompletableFuture<PublishOutcome> done) {
        PublishOutcome outcome = done.getNow(null);
        return outcome != null ? outcome : unknown(new NullPointerException("no outcome"));
    }

    private PublishOutcome unknown(Throwable defect) {
        return PublishOutcome.failed(new EventsException(
                ErrorCode.OUTCOME_UNKNOWN,
                "provider " + name + " broke its promise to answer: "
                        + defect.getClass().getSimpleName(),
                defect));
    }

    private void failAll(List<Publish> batch, EventsException failure) {
        PublishOutcome outcome = PublishOutcome.failed(failure);
        batch.forEach(publish -> finish(publish, outcome));
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
                    ready.addFirst(publish);
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
        CompletableFuture<ai.greentic.events.PublishReceipt> future = publish.future;
        if (future != null) {
            tasks.handle(() -> publish.completeFuture(future));
        }
    }

    private void leave(Publish publish) {
        publish.state = Publish.State.DONE;
        outstanding--;
        if (publish.future != null) {
            promised.remove(publish);
        }
        String value = publish.event.orderingKey();
        if (value != null) {
            Key key = new Key(publish.event.address(), value);
            ArrayDeque<Publish> followers = keys.get(key);
            Publish next = followers == null ? null : followers.pollFirst();
            if (next == null) {
                keys.remove(key);
            } else {
                next.state = Publish.State.READY;
                ready.addLast(next);
            }
        }
        wakeForRoom();
        if (outstanding == 0) {
            awaitingIdle.forEach(Signal::raise);
        }
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
            ready.remove(publish);
            leave(publish);
            return;
        }
        Key key = new Key(publish.event.address(), java.util.Objects.requireNonNull(publish.event.orderingKey()));
        ArrayDeque<Publish> followers = keys.get(key);
        if (followers != null) {
            followers.remove(publish);
        }
        publish.state = Publish.State.DONE;
        outstanding--;
        wakeForRoom();
        if (outstanding == 0) {
            awaitingIdle.forEach(Signal::raise);
        }
    }

    /** Refuses new publishes from now on. */
    void refuse() {
        lock.lock();
        try {
            closed = true;
            awaitingRoom.forEach(Signal::raise);
            awaitingRoom.clear();
        } finally {
            lock.unlock();
        }
    }

    /** Waits until nothing is on its way; returns whether that came true in time. */
    boolean awaitIdle(long deadlineNanos) throws InterruptedException {
        Signal idle = tasks.signal();
        lock.lock();
        try {
            if (outstanding == 0) {
                return true;
            }
            awaitingIdle.add(idle);
        } finally {
            lock.unlock();
        }
        boolean came = idle.await(Duration.ofNanos(Math.max(0, deadlineNanos - time.nanos())));
        lock.lock();
        try {
            awaitingIdle.remove(idle);
            return came || outstanding == 0;
        } finally {
            lock.unlock();
        }
    }

    /** Ends what is left: not sent is cancelled, sent is unknown. */
    void giveUp() {
        List<Publish> left = new ArrayList<>();
        List<Publish> sent;
        lock.lock();
        try {
            sent = promised.stream()
                    .filter(publish -> publish.state == Publish.State.SENT)
                    .toList();
            left.addAll(ready);
            ready.clear();
            keys.values().forEach(left::addAll);
            keys.values().removeIf(followers -> followers != NO_FOLLOWERS);
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
