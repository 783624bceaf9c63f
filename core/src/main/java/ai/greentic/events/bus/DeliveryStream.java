package ai.greentic.events.bus;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** A pull subscription as a reactive stream: pulls as much as was asked for, one step of its task at a time. */
final class DeliveryStream implements Flow.Subscription {
    private static final Duration STEP = Duration.ofMillis(200);

    private final Engine engine;
    private final BusPullSubscription source;
    private final Flow.Subscriber<? super Delivery> subscriber;
    private final AtomicLong demand = new AtomicLong();
    private final AtomicBoolean running = new AtomicBoolean(true);
    private volatile boolean done;
    private volatile boolean badRequest;

    DeliveryStream(Engine engine, BusPullSubscription source, Flow.Subscriber<? super Delivery> subscriber) {
        this.engine = engine;
        this.source = source;
        this.subscriber = subscriber;
    }

    /** Lets signals flow, now that the subscriber has its subscription. */
    void begin() {
        running.set(false);
        run();
    }

    @Override
    public void request(long n) {
        if (n <= 0) {
            badRequest = true;
        } else {
            demand.getAndUpdate(d -> d + n < 0 ? Long.MAX_VALUE : d + n);
        }
        run();
    }

    @Override
    public void cancel() {
        done = true;
    }

    private void run() {
        if (!done && (demand.get() > 0 || badRequest) && running.compareAndSet(false, true)) {
            engine.tasks.handle(this::step);
        }
    }

    /** Delivers one event, or finds out that the source has ended. */
    private void step() {
        try {
            if (!done && badRequest) {
                done = true;
                subscriber.onError(new IllegalArgumentException("a request must be for at least one delivery"));
            }
            if (!done) {
                Optional<Delivery> next = source.next(STEP);
                if (next.isPresent()) {
                    demand.decrementAndGet();
                    subscriber.onNext(next.get());
                } else {
                    endIfSourceEnded();
                }
            }
        } catch (InterruptedException e) {
            done = true;
        } finally {
            running.set(false);
        }
        run();
    }

    private void endIfSourceEnded() {
        Subscription.State state = source.state();
        if (state == Subscription.State.FAILED) {
            done = true;
            subscriber.onError(source.failure().orElseThrow());
        } else if (state == Subscription.State.CLOSED) {
            done = true;
            subscriber.onComplete();
        }
    }
}
