package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.spi.Signal;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The way of one share of a provider's keys. At most one event of a key is on its way at a time, retries included; its followers wait
 * behind it, everything else passes, and tenants take turns.
 *
 * <p>The lane is <em>led</em> by at most one thread, which alone has the sender call the provider: a caller that finds the lane idle leads
 * and sends its own event without a hand-off; callers that arrive meanwhile queue up, and the leader's successor, one of them, sends them
 * as one batch. Without a waiting caller a fabric task leads. Nothing waits while it holds the lock.
 */
final class PublishLane {
    private final Sender sender;
    private final Time time;
    private final Tasks tasks;
    private final Executor receipts;
    private final int capacity;

    private final ReentrantLock lock = new ReentrantLock();
    private final FairQueue queue;
    private final IdleWatch idle = new IdleWatch(lock, this::isIdle);
    private final Watch watch;
    private final BatchSize batchSize = new BatchSize();

    private boolean led;
    private boolean closed;

    PublishLane(Sender sender, PublishContext context, int capacity, ToIntFunction<Tenant> weights) {
        this.sender = sender;
        this.time = context.time;
        this.tasks = context.tasks;
        this.receipts = context.receipts;
        this.capacity = capacity;
        this.watch = new Watch(tasks, this::sweep);
        this.queue = new FairQueue(capacity, lock, tasks, time, weights);
    }

    /** Publishes and waits for the outcome until its deadline. */
    void publish(Publish publish) {
        boolean leads;
        lock.lock();
        try {
            awaitRoom(publish);
            queue.add(publish);
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
        if (!publish.hasResult()) {
            await(publish);
        }
    }

    /**
     * Takes a publish without waiting; the outcome reaches its future. Refuses if its tenant's share of the lane is full. In an idle lane the
     * caller sends its event itself, if that waits for nothing.
     */
    void submit(Publish publish) {
        boolean leads = false;
        lock.lock();
        try {
            refuseIfClosed(publish);
            if (!queue.hasRoom(publish)) {
                throw sender.refusals.full(publish, capacity);
            }
            queue.admit(publish);
            watch.add(publish);
            queue.add(publish);
            if (takeLead()) {
                leads = publish.state == Publish.State.READY && queue.ready() == 1 && sender.sendsAtOnce(publish);
                if (!leads) {
                    tasks.execute(() -> lead(null));
                }
            }
        } finally {
            lock.unlock();
        }
        if (leads) {
            lead(publish);
        }
    }

    /**
     * Takes a publish whose caller will come back to {@link #flush} and {@link #await}; waits for room, and has others sent only to make
     * some. Until then nobody waits for it, so it is not asked to lead.
     */
    void enqueueFor(Publish publish) {
        lock.lock();
        try {
            if (!queue.hasRoom(publish) && takeLead()) {
                tasks.execute(() -> lead(null));
            }
            awaitRoom(publish);
            queue.add(publish);
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
            throw Refusals.late(publish);
        }
    }

    /** Called and left with the lock held. */
    private void awaitRoom(Publish publish) {
        refuseIfClosed(publish);
        while (!queue.hasRoom(publish)) {
            boolean called;
            try {
                called = queue.awaitRoom(publish, publish.deadlineNanos);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new EventsException(
                        ErrorCode.INTERRUPTED, "interrupted before " + publish.event.event() + " was sent", e);
            }
            refuseIfClosed(publish);
            if (!called && !queue.hasRoom(publish)) {
                throw sender.refusals.full(publish, capacity);
            }
        }
        queue.admit(publish);
    }

    private boolean takeLead() {
        if (led || queue.ready() == 0) {
            return false;
        }
        led = true;
        return true;
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

    private void send(List<Publish> batch, @Nullable Publish own) {
        boolean tells = BatchSize.tells(batch.size());
        long began = tells ? time.nanos() : 0;
        try {
            sender.send(this, batch, own);
        } catch (RuntimeException | Error e) {
            sender.broken(this, batch, e);
        }
        if (tells) {
            batchSize.learn(batch.size(), time.nanos() - began);
        }
    }

    private void handOn() {
        if (queue.ready() == 0) {
            led = false;
            return;
        }
        Publish successor = queue.firstAwaited();
        Signal waiter = successor == null ? null : successor.waiter;
        if (successor != null && waiter != null) {
            successor.promoted = true;
            waiter.raise();
        } else {
            tasks.execute(() -> lead(null));
        }
    }

    private List<Publish> takeBatch() {
        int most = batchSize.size();
        List<Publish> batch = new ArrayList<>(Math.min(most, queue.ready()));
        while (batch.size() < most && queue.ready() > 0) {
            Publish next = queue.poll();
            next.state = Publish.State.SENT;
            batch.add(next);
        }
        return batch;
    }

    // What a sender tells its lane.

    /** Nothing was attempted with these: they are as ready as before. */
    void giveBack(List<Publish> untouched) {
        lock.lock();
        try {
            for (int i = untouched.size() - 1; i >= 0; i--) {
                queue.putBack(untouched.get(i));
            }
        } finally {
            lock.unlock();
        }
    }

    /** The provider has not answered for these yet; if it does not in time, the sender is asked. */
    void awaitAnswers(List<Publish> sent) {
        lock.lock();
        try {
            for (Publish publish : sent) {
                if (publish.state == Publish.State.SENT) {
                    watch.add(publish);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Gives a publish to the sender alone, to conclude it, unless that has happened.
     *
     * @param attempt the attempt that was answered; a refusal counts only while it is the current one, an acceptance always
     */
    boolean conclude(Publish publish, int attempt, boolean accepted) {
        lock.lock();
        try {
            boolean current = publish.state == Publish.State.SENT && publish.attempts == attempt;
            boolean late = accepted
                    && (publish.state == Publish.State.READY
                            || publish.state == Publish.State.WAITING
                            || publish.state == Publish.State.SENT);
            if (!current && !late) {
                return false;
            }
            if (publish.state == Publish.State.READY) {
                queue.removeReady(publish);
            }
            publish.state = Publish.State.CONCLUDING;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Lets a publish that is sent or concluding wait; its key waits with it. */
    void waitFor(Publish publish, Duration delay) {
        lock.lock();
        try {
            publish.state = Publish.State.WAITING;
            watch.add(publish);
        } finally {
            lock.unlock();
        }
        tasks.schedule(delay, () -> goOn(publish));
    }

    /** Ends the waiting of a publish, if it waits. */
    void goOn(Publish publish) {
        lock.lock();
        try {
            if (publish.state == Publish.State.WAITING) {
                queue.putBack(publish);
                if (takeLead()) {
                    handOn();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Ends a publish, whose result is set, and lets its follower go on. */
    void finish(Publish publish) {
        Signal waiter;
        lock.lock();
        try {
            if (publish.state == Publish.State.DONE) {
                return;
            }
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
        publish.tell(receipts);
    }

    private void leave(Publish publish) {
        queue.finish(publish);
        publish.state = Publish.State.DONE;
        watch.remove(publish);
        if (publish.hold != null) {
            publish.hold.release();
        }
        idle.changed();
    }

    // Waiting for outcomes.

    /** Waits for an outcome, leading if asked to. */
    void await(Publish publish) {
        Signal waiter = waiterOf(publish);
        while (!publish.hasResult()) {
            boolean raised;
            try {
                raised = waiter.await(Duration.ofNanos(Math.max(0, publish.deadlineNanos - time.nanos())));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                abandon(publish, ErrorCode.INTERRUPTED, "interrupted");
                return;
            }
            if (publish.hasResult()) {
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
                if (publish.hasResult()) {
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
        boolean ours = false;
        lock.lock();
        try {
            publish.waiter = null;
            publish.abandoned = true;
            if (publish.promoted) {
                publish.promoted = false;
                handOn();
            }
            switch (publish.state) {
                case SENT, CONCLUDING -> {
                    publish.failed(new EventsException(
                            ErrorCode.OUTCOME_UNKNOWN,
                            publish.event + " was sent, but " + why
                                    + " before the answer came; it may have been accepted"));
                }
                case READY, BEHIND, WAITING -> {
                    publish.failed(sender.refusals.abandoned(publish, code, why));
                    ours = publish.attempts > 0 || publish.claim != null;
                    if (!ours) {
                        leave(publish);
                    } else {
                        if (publish.state == Publish.State.READY) {
                            queue.removeReady(publish);
                        }
                        publish.state = Publish.State.CONCLUDING;
                    }
                }
                default -> {}
            }
        } finally {
            lock.unlock();
        }
        if (ours) {
            sender.concludeAbandoned(this, publish);
        }
    }

    /** Ends attempts that got no answer in time, and promises whose time ran out; goes on while there are any. */
    private void sweep() {
        List<Publish> expired = new ArrayList<>();
        List<Publish> unanswered = new ArrayList<>();
        lock.lock();
        try {
            long now = time.nanos();
            for (Publish publish : watch.look()) {
                if (publish.future != null && !publish.abandoned && publish.deadlineNanos - now <= 0) {
                    expired.add(publish);
                } else if (publish.state == Publish.State.SENT && sender.isOverdue(publish, now)) {
                    unanswered.add(publish);
                }
            }
        } finally {
            lock.unlock();
        }
        unanswered.forEach(publish -> sender.unanswered(this, publish, publish.attempts));
        for (Publish publish : expired) {
            abandon(publish, ErrorCode.DEADLINE_EXCEEDED, "its time ran out");
            publish.tell(receipts);
        }
    }

    // The end.

    private boolean isIdle() {
        return queue.outstanding() == 0;
    }

    /** Refuses new publishes from now on. */
    void refuse() {
        lock.lock();
        try {
            closed = true;
            queue.callAll();
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
        lock.lock();
        try {
            left.addAll(queue.waiting());
            left.addAll(watch.all());
        } finally {
            lock.unlock();
        }
        for (Publish publish : left) {
            boolean sent = publish.state == Publish.State.SENT || publish.mayHaveHappened;
            publish.failed(sender.refusals.closed(sent));
            sender.concludeClaim(publish, sent);
            finish(publish);
        }
    }
}
