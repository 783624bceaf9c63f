package ai.greentic.events.testing;

import ai.greentic.events.spi.Signal;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Time, chance and threads for tests: the real engine runs one thread at a time, in an order drawn from a seed, and time passes only when
 * every thread waits. The same seed and the same program give the same run.
 *
 * <p>The thread that makes it takes part: it runs until it waits through the seam, for example in {@code publish} or {@link #advance}. A
 * thread that waits in any other way (a latch, a sleep, a socket) stops everything; after 30 real seconds it is named in an error.
 */
public final class VirtualTime implements Time, Tasks {
    private static final long STUCK_SECONDS = 30;

    private final Random random;
    private final long seed;
    private final Instant start = Instant.parse("2025-01-01T00:00:00Z");
    private final ExecutorService threads = Executors.newCachedThreadPool(body -> {
        Thread thread = new Thread(body, "virtual");
        thread.setDaemon(true);
        return thread;
    });

    private final List<Actor> runnable = new ArrayList<>();
    private final PriorityQueue<Alarm> alarms = new PriorityQueue<>(
            Comparator.comparingLong((Alarm alarm) -> alarm.due).thenComparingLong(alarm -> alarm.number));
    private final Set<Actor> waiting = new LinkedHashSet<>();
    private final List<Throwable> failures = new ArrayList<>();

    @SuppressWarnings("ThreadLocalUsage") // a thread belongs to one virtual time, and both end together
    private final ThreadLocal<Actor> self = new ThreadLocal<>();

    private long nanos;
    private long numbers;
    private Duration clockStep = Duration.ZERO;
    private int alive;
    private boolean closed;
    private volatile String running = "the test";

    /** A thread of execution; it runs only while it has the baton. */
    private static final class Actor {
        final String name;
        final Semaphore baton = new Semaphore(0);
        boolean interrupted;

        Actor(String name) {
            this.name = name;
        }
    }

    /** Something that happens at a time. */
    private static final class Alarm {
        final long due;
        final long number;
        final Runnable action;

        Alarm(long due, long number, Runnable action) {
            this.due = due;
            this.number = number;
            this.action = action;
        }
    }

    public VirtualTime(long seed) {
        this.seed = seed;
        this.random = new Random(seed);
        this.self.set(new Actor("the test"));
    }

    public long seed() {
        return seed;
    }

    // Time.

    @Override
    public Instant now() {
        return start.plusNanos(nanos).plus(clockStep);
    }

    @Override
    public long nanos() {
        return nanos;
    }

    @Override
    public long randomBits() {
        return random.nextLong();
    }

    /** Steps the wall clock, as an administrator might; the monotonic clock does not notice. */
    public void stepClock(Duration by) {
        clockStep = clockStep.plus(by);
    }

    /** Lets time pass and everything happen that falls due meanwhile. Throws what a task threw. */
    public void advance(Duration by) {
        Actor me = me();
        boolean[] reached = {false};
        long due = nanos + by.toNanos();
        at(due, () -> {
            reached[0] = true;
            resume(me);
        });
        while (!reached[0]) {
            waiting.add(me);
            pass(me);
        }
        rethrow();
    }

    /** Lets everything happen that needs no time to pass. */
    public void settle() {
        advance(Duration.ZERO);
        while (!runnable.isEmpty()) {
            advance(Duration.ZERO);
        }
    }

    private void rethrow() {
        if (!failures.isEmpty()) {
            AssertionError error = new AssertionError("a task failed (seed " + seed + ")", failures.get(0));
            failures.stream().skip(1).forEach(error::addSuppressed);
            failures.clear();
            throw error;
        }
    }

    private Alarm at(long due, Runnable action) {
        Alarm alarm = new Alarm(due, numbers++, action);
        alarms.add(alarm);
        return alarm;
    }

    // Tasks.

    @Override
    public void start(String name, Runnable body) {
        spawn(name, body);
    }

    @Override
    public void execute(Runnable work) {
        spawn("work", work);
    }

    @Override
    public void handle(Runnable userCode) {
        spawn("handler", userCode);
    }

    @Override
    public Timer schedule(Duration delay, Runnable work) {
        Alarm alarm = at(nanos + Math.max(0, delay.toNanos()), () -> spawn("timer", work));
        return () -> alarms.remove(alarm);
    }

    private void spawn(String name, Runnable body) {
        me();
        Actor actor = new Actor(name);
        alive++;
        runnable.add(actor);
        threads.execute(() -> {
            self.set(actor);
            await(actor);
            try {
                body.run();
            } catch (Throwable e) {
                failures.add(e);
            } finally {
                alive--;
                next();
            }
        });
    }

    @Override
    public Signal signal() {
        return new VirtualSignal();
    }

    /** Interrupts the tasks that were {@link #start started} under a name and wait now. */
    public void interrupt(String name) {
        for (Actor actor : List.copyOf(waiting)) {
            if (actor.name.equals(name)) {
                actor.interrupted = true;
                resume(actor);
            }
        }
    }

    /** Interrupts every task that waits, lets all end, and gives the threads back. */
    @Override
    public void close(Duration grace) {
        if (closed) {
            return;
        }
        closed = true;
        Actor me = me();
        for (int round = 0; alive > (me.name.equals("the test") ? 0 : 1) && round < 10_000; round++) {
            for (Actor actor : List.copyOf(waiting)) {
                if (actor != me) {
                    actor.interrupted = true;
                    resume(actor);
                }
            }
            runnable.add(me);
            pass(me);
        }
        threads.shutdown();
    }

    // The baton.

    private Actor me() {
        Actor me = self.get();
        if (me == null) {
            throw new IllegalStateException("thread " + Thread.currentThread().getName()
                    + " does not belong to this virtual time; start it through Tasks");
        }
        return me;
    }

    private void resume(Actor actor) {
        if (waiting.remove(actor)) {
            runnable.add(actor);
        }
    }

    /** Gives the baton away and waits to get it back. */
    private void pass(Actor me) {
        next();
        await(me);
    }

    /** Gives the baton to a runnable actor; if there is none, lets time pass until there is. */
    private void next() {
        while (runnable.isEmpty()) {
            Alarm alarm = alarms.poll();
            if (alarm == null) {
                return;
            }
            nanos = Math.max(nanos, alarm.due);
            alarm.action.run();
        }
        Actor chosen = runnable.remove(random.nextInt(runnable.size()));
        running = chosen.name;
        chosen.baton.release();
    }

    private void await(Actor me) {
        try {
            if (!me.baton.tryAcquire(STUCK_SECONDS, TimeUnit.SECONDS)) {
                throw new IllegalStateException("'" + running + "' has run for " + STUCK_SECONDS
                        + " s of real time: it waits outside the seam, or nothing is left to run");
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted from outside", e);
        }
    }

    private final class VirtualSignal implements Signal {
        private boolean raised;
        private @Nullable Actor waiter;

        @Override
        public void raise() {
            raised = true;
            Actor actor = waiter;
            if (actor != null) {
                resume(actor);
            }
        }

        @Override
        public boolean await(Duration max) throws InterruptedException {
            Actor me = me();
            if (me.interrupted || Thread.interrupted()) {
                me.interrupted = false;
                throw new InterruptedException();
            }
            if (!raised && !max.isZero()) {
                Alarm alarm = at(nanos + Math.min(max.toNanos(), Long.MAX_VALUE - nanos), () -> resume(me));
                waiter = me;
                waiting.add(me);
                pass(me);
                waiter = null;
                alarms.remove(alarm);
                if (me.interrupted) {
                    me.interrupted = false;
                    throw new InterruptedException();
                }
            }
            boolean was = raised;
            raised = false;
            return was;
        }
    }
}
