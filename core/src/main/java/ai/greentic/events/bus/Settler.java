package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.telemetry.Telemetry;
import java.util.List;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Hands the settlements of a leg's outbox to its provider and tells their owners. For the runner's thread. */
final class Settler {
    private static final Logger LOG = LoggerFactory.getLogger(Settler.class);

    private final Engine engine;
    private final Registration registration;
    private final BusSubscription subscription;
    private final AttemptLog attempts;
    private final Telemetry.Place place;
    private final Outbox outbox;

    Settler(
            Engine engine,
            Registration registration,
            BusSubscription subscription,
            AttemptLog attempts,
            Telemetry.Place place,
            Outbox outbox) {
        this.engine = engine;
        this.registration = registration;
        this.subscription = subscription;
        this.attempts = attempts;
        this.place = place;
        this.outbox = outbox;
    }

    /**
     * Hands over what there is. If the provider fails, everything stays in the outbox for the next time: a provider that has heard of it
     * all the same answers {@code LOST} then, and one that has not would wait for ever.
     *
     * @throws EventsException {@code PROVIDER_UNAVAILABLE}
     */
    void flush(ProviderSubscription provider) {
        handOver(provider, (endings, e) -> {
            outbox.putBack(endings);
            throw new EventsException(
                    ErrorCode.PROVIDER_UNAVAILABLE,
                    "provider " + registration + " did not take " + endings.settled.size()
                            + " settlements; they are tried again",
                    e);
        });
    }

    /** Hands over what there is for the last time; what the provider does not take, it will deliver again. */
    void flushForTheLastTime(ProviderSubscription provider) {
        handOver(provider, (endings, e) -> {
            LOG.warn(
                    "provider {} did not take {} settlements of subscription {}; those events may come again",
                    registration,
                    endings.settled.size(),
                    subscription,
                    e);
            return endings.settled.stream().map(one -> SettleOutcome.UNKNOWN).toList();
        });
    }

    private void handOver(
            ProviderSubscription provider, BiFunction<Outbox.Endings, RuntimeException, List<SettleOutcome>> instead) {
        Outbox.Endings endings = outbox.take();
        if (endings == null) {
            return;
        }
        List<SettleOutcome> outcomes;
        try {
            outcomes = settled(provider, endings);
        } catch (RuntimeException e) {
            outcomes = instead.apply(endings, e);
        }
        tell(endings, outcomes);
    }

    private List<SettleOutcome> settled(ProviderSubscription provider, Outbox.Endings endings) {
        List<Settled> settled = endings.settled;
        attempts.ended(endings);
        boolean measured = engine.telemetry.isEnabled();
        long began = measured ? engine.time.nanos() : 0;
        List<SettleOutcome> outcomes = provider.settle(settled);
        if (outcomes.size() != settled.size()) {
            throw new IllegalStateException(outcomes.size() + " outcomes for " + settled.size() + " settlements");
        }
        if (measured) {
            int refused = (int) outcomes.stream()
                    .filter(outcome -> outcome != SettleOutcome.SETTLED)
                    .count();
            engine.telemetry.settled(place, subscription.dispatcher.subscription(), settled.size(), refused, began);
        }
        return outcomes;
    }

    private void tell(Outbox.Endings endings, List<SettleOutcome> outcomes) {
        for (int i = 0; i < outcomes.size(); i++) {
            @Nullable BusDelivery delivery = endings.deliveries.get(i);
            if (delivery == null) {
                continue;
            }
            delivery.settledAs(
                    outcomes.get(i) == SettleOutcome.SETTLED
                            ? null
                            : new EventsException(
                                    ErrorCode.OUTCOME_UNKNOWN,
                                    "the settlement of " + delivery + " by provider " + registration + " is "
                                            + outcomes.get(i) + "; the event may come again"));
        }
    }
}
