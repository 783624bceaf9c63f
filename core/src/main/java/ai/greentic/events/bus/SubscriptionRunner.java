package ai.greentic.events.bus;

import ai.greentic.events.spi.Signal;
import ai.greentic.events.spi.Tasks;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One thread that polls and settles for many subscriptions. It rests while all of them are quiet; those whose provider cannot say when it
 * has something are polled in turn.
 */
final class SubscriptionRunner {
    private static final Logger LOG = LoggerFactory.getLogger(SubscriptionRunner.class);
    private static final Duration IDLE = Duration.ofSeconds(10);
    private static final Duration POLL_ALONE = Duration.ofMillis(5);
    private static final Duration BETWEEN_ROUNDS = Duration.ofMillis(1);
    private static final int ROUNDS_BEFORE_REST = 10;
    private static final int LEGS_A_ROUND = 256;

    private final Tasks tasks;
    private final Signal signal;
    /** Each leg is in it at most once. */
    private final ConcurrentLinkedQueue<SubscriptionLeg> awake = new ConcurrentLinkedQueue<>();

    private final Set<SubscriptionLeg> polled = new LinkedHashSet<>();
    private volatile boolean closing;
    /** Waits without a round to come: whoever has something must say so. */
    private volatile boolean resting;

    private volatile int legs;

    SubscriptionRunner(Tasks tasks) {
        this.tasks = tasks;
        this.signal = tasks.signal();
    }

    void start(int number) {
        tasks.start("runner-" + number, this::run);
    }

    /** Has a leg run: now, or, if that is early enough, in the round that is coming anyway. */
    void enqueue(SubscriptionLeg leg, boolean urgent) {
        awake.add(leg);
        if (urgent || resting) {
            signal.raise();
        }
    }

    /** Begins the coming round now. */
    void hurry() {
        signal.raise();
    }

    void later(Duration delay, SubscriptionLeg leg) {
        tasks.schedule(delay, leg::wake);
    }

    synchronized void adopted() {
        legs++;
    }

    synchronized void left() {
        legs--;
    }

    int legs() {
        return legs;
    }

    private void run() {
        int quiet = 0;
        while (!closing) {
            try {
                boolean busy = runAwake();
                busy |= runPolled();
                quiet = busy ? 0 : rest(quiet);
            } catch (InterruptedException e) {
                LOG.debug("runner interrupted, as it is when the bus closes");
            } catch (RuntimeException | Error e) {
                LOG.error("a defect in a subscription's runner; it goes on with the next one", e);
            }
        }
    }

    /** Waits for the next round, and after some empty ones until somebody has something. */
    private int rest(int quietRounds) throws InterruptedException {
        if (!polled.isEmpty() || quietRounds < ROUNDS_BEFORE_REST) {
            signal.await(BETWEEN_ROUNDS);
            return quietRounds + 1;
        }
        resting = true;
        try {
            if (awake.isEmpty()) {
                signal.await(IDLE);
            }
        } finally {
            resting = false;
        }
        return 0;
    }

    /** Runs those that woke, but so many at most that busy ones cannot keep the polled ones, or the end, waiting. */
    private boolean runAwake() throws InterruptedException {
        for (int i = 0; i < LEGS_A_ROUND; i++) {
            SubscriptionLeg leg = awake.poll();
            if (leg == null) {
                return i > 0;
            }
            sort(leg, leg.run(Duration.ZERO));
        }
        return true;
    }

    private boolean runPolled() throws InterruptedException {
        boolean busy = false;
        Duration wait = polled.size() == 1 ? POLL_ALONE : Duration.ZERO;
        for (SubscriptionLeg leg : Set.copyOf(polled)) {
            SubscriptionLeg.Next next = leg.run(wait);
            busy |= next == SubscriptionLeg.Next.AGAIN;
            sort(leg, next);
        }
        return busy;
    }

    private void sort(SubscriptionLeg leg, SubscriptionLeg.Next next) {
        if (next == SubscriptionLeg.Next.POLL) {
            polled.add(leg);
        } else {
            polled.remove(leg);
            if (next == SubscriptionLeg.Next.AGAIN) {
                leg.wake();
            }
        }
    }

    void close() {
        closing = true;
        signal.raise();
    }
}
