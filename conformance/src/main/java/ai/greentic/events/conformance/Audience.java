package ai.greentic.events.conformance;

import ai.greentic.events.TenantScope;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.EventHandler;
import ai.greentic.events.bus.PullSubscription;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.testing.Ledger;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/** Who reads a pattern: a group, whose members join here, or an ephemeral subscription. Immutable. */
final class Audience {
    final Ledger.Reader reader;
    private final Fabric fabric;
    private final TenantScope scope;
    private final String pattern;
    private final SubscribeOptions options;

    Audience(Fabric fabric, Ledger.Reader reader, TenantScope scope, String pattern, SubscribeOptions options) {
        this.fabric = fabric;
        this.reader = reader;
        this.scope = scope;
        this.pattern = pattern;
        this.options = options;
    }

    /** The same audience with other options. */
    Audience with(UnaryOperator<SubscribeOptions> change) {
        return new Audience(fabric, reader, scope, pattern, change.apply(options));
    }

    /** Joins on the first bus with a handler that writes down what it gets. */
    Subscription join() {
        return join(fabric.bus());
    }

    Subscription join(EventBus bus) {
        return join(bus, reader::handled);
    }

    /** Joins with a handler of the test's, which tells the reader what it gets. Returns when the subscription is ready. */
    Subscription join(EventBus bus, EventHandler handler) {
        Subscription subscription = bus.subscribe(scope, pattern, options, handler);
        awaitReady(subscription);
        return subscription;
    }

    PullSubscription pull(EventBus bus) {
        PullSubscription subscription = bus.pull(scope, pattern, options);
        awaitReady(subscription);
        return subscription;
    }

    private static void awaitReady(Subscription subscription) {
        subscription
                .ready()
                .orTimeout(Fabric.patience().toSeconds(), TimeUnit.SECONDS)
                .join();
    }
}
