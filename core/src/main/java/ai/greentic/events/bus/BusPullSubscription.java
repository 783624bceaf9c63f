package ai.greentic.events.bus;

import ai.greentic.events.Caller;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TopicPattern;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Flow;

/** A subscription that its caller pulls from. */
final class BusPullSubscription extends BusSubscription implements PullSubscription {
    private final Engine engine;

    BusPullSubscription(Engine engine, Caller caller, TenantScope scope, TopicPattern pattern, Dispatcher dispatcher) {
        super(engine, caller, scope, pattern, dispatcher);
        this.engine = engine;
    }

    @Override
    public Optional<Delivery> next(Duration maxWait) throws InterruptedException {
        return Optional.ofNullable(dispatcher.pull(maxWait));
    }

    @Override
    public List<Delivery> next(int max, Duration maxWait) throws InterruptedException {
        if (max < 1) {
            throw new IllegalArgumentException("max is " + max + "; it must be at least 1");
        }
        List<Delivery> taken = new ArrayList<>();
        Duration wait = maxWait;
        while (taken.size() < max) {
            Delivery delivery = dispatcher.pull(wait);
            if (delivery == null) {
                break;
            }
            taken.add(delivery);
            wait = Duration.ZERO;
        }
        return taken;
    }

    /** Who pulls is often who closes, and would wait for itself. */
    @Override
    Duration closeGrace() {
        return Duration.ZERO;
    }

    @Override
    public Flow.Publisher<Delivery> publisher() {
        return subscriber -> {
            DeliveryStream stream = new DeliveryStream(engine, this, subscriber);
            subscriber.onSubscribe(stream);
            stream.begin();
        };
    }
}
