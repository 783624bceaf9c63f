package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Signal;
import ai.greentic.events.telemetry.Telemetry;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Hands the settlements of a leg's outbox to its provider and tells their owners. For the runner's thread. */
final class Settler {
    private static final Logger LOG = LoggerFactory.getLogger(Settler.class);

    static final Duration LAST_ANSWER = Duration.ofSeconds(2);

    private final Engine engine;
    private final Registration registration;
    private final BusSubscription subscription;
    private final AttemptLog attempts;
    private final Telemetry.Place place;
    private final Outbox outbox;
    private final Runnable wake;
    private @Nullable Underway underway;

    /** Settlements with the provider, and when they went there. */
    private record Underway(Outbox.Endings endings, CompletableFuture<List<SettleOutcome>> outcomes, long beganNanos) {}

    Settler(
            Engine engine,
            Registration registration,
            BusSubscription subscription,
            AttemptLog attempts,
            Telemetry.Place place,
            Outbox outbox,
            Runnable wake) {
        this.engine = engine;
        this.registration = registration;
        this.subscription = subscription;
        this.attempts = attempts;
        this.place = place;
        this.outbox = outbox;
        this.wake = wake;
    }

    /**
     * Hands over what there is, unless an answer to the last time is still out; whoever settles then is woken when it comes. If the provider
     * fails, everything stays in the outbox for the next time: a provider that has heard of it all the same answers {@code LOST} then, and one
     * that has not would wait for ever.
     *
     * @throws EventsException {@code PROVIDER_UNAVAILABLE}
     */
    void flush(ProviderSubscription provider) {
        Underway last = underway;
        if (last != null) {
            if (!last.outcomes.isDone()) {
                return;
            }
            underway = null;
            conclude(last, this::refused);
        }
        Outbox.Endings endings = outbox.take();
        if (endings == null) {
            return;
        }
        Underway now = handOver(provider, endings);
        if (now.outcomes.isDone()) {
            conclude(now, this::refused);
        } else {
            underway = now;
        }
    }

    private List<SettleOutcome> refused(Outbox.Endings endings, Throwable e) {
        outbox.putBack(endings);
        throw new EventsException(
                ErrorCode.PROVIDER_UNAVAILABLE,
                "provider " + registration + " did not take " + endings.settled.size()
                        + " settlements; they are tried again",
                e);
    }

    /** How many settlements the provider has not answered yet. */
    int underway() {
        Underway now = underway;
        return now == null ? 0 : now.endings.settled.size();
    }

    /** Hands over what there is for the last time, and waits for it; what the provider does not take, it will deliver again. */
    void flushForTheLastTime(ProviderSubscription provider) {
        Underway last = underway;
        underway = null;
        if (last != null) {
            awaitAnswer(last);
            conclude(last, this::forgotten);
        }
        Outbox.Endings endings = outbox.take();
        if (endings != null) {
            Underway now = handOver(provider, endings);
            awaitAnswer(now);
            conclude(now, this::forgotten);
        }
    }

    /**
     * Hands over what there is, and returns whether nothing is left to be answered; if not, whoever settles is woken when an answer comes.
     *
     * @param now whether this is the last time: what the provider has not taken then, it will deliver again
     * @throws EventsException {@code PROVIDER_UNAVAILABLE}, unless this is the last time; what the provider did not take is still there
     */
    boolean finish(ProviderSubscription provider, boolean now) {
        while (true) {
            Underway last = underway;
            if (last == null) {
                Outbox.Endings endings = outbox.take();
                if (endings == null) {
                    return true;
                }
                underway = handOver(provider, endings);
                continue;
            }
            if (!last.outcomes.isDone()) {
                if (!now) {
                    return false;
                }
                unanswered(last);
            }
            underway = null;
            conclude(last, now ? this::forgotten : this::refused);
        }
    }

    private void awaitAnswer(Underway last) {
        Signal answered = engine.tasks.signal();
        var unused = last.outcomes.whenComplete((outcomes, failure) -> answered.raise());
        try {
            if (!last.outcomes.isDone() && !answered.await(LAST_ANSWER)) {
                unanswered(last);
            }
        } catch (InterruptedException e) {
            last.outcomes.completeExceptionally(e);
            Thread.currentThread().interrupt();
        }
    }

    private static void unanswered(Underway last) {
        last.outcomes.completeExceptionally(
                new EventsException(ErrorCode.OUTCOME_UNKNOWN, "no answer within " + LAST_ANSWER));
    }

    private List<SettleOutcome> forgotten(Outbox.Endings endings, Throwable e) {
        LOG.warn(
                "provider {} did not take {} settlements of subscription {}; those events may come again",
                registration,
                endings.settled.size(),
                subscription,
                e);
        return endings.settled.stream().map(one -> SettleOutcome.UNKNOWN).toList();
    }

    /** Never throws: what a provider throws is how its stage ends. The leg is woken by an answer that comes later. */
    private Underway handOver(ProviderSubscription provider, Outbox.Endings endings) {
        long began = engine.telemetry.isEnabled() ? engine.time.nanos() : 0;
        CompletableFuture<List<SettleOutcome>> outcomes;
        try {
            attempts.ended(endings);
            outcomes = provider.settleLater(endings.settled).toCompletableFuture();
        } catch (RuntimeException e) {
            outcomes = CompletableFuture.failedFuture(e);
        }
        if (!outcomes.isDone()) {
            var unused = outcomes.whenComplete((answer, failure) -> wake.run());
        }
        return new Underway(endings, outcomes, began);
    }

    private void conclude(Underway answered, BiFunction<Outbox.Endings, Throwable, List<SettleOutcome>> instead) {
        Outbox.Endings endings = answered.endings;
        List<SettleOutcome> outcomes;
        try {
            outcomes = answered.outcomes.getNow(List.of());
            if (outcomes.size() != endings.settled.size()) {
                outcomes = instead.apply(
                        endings,
                        new IllegalStateException(
                                outcomes.size() + " outcomes for " + endings.settled.size() + " settlements"));
            }
        } catch (CompletionException | CancellationException e) {
            outcomes = instead.apply(endings, e.getCause() == null ? e : e.getCause());
        }
        if (engine.telemetry.isEnabled()) {
            int refused = (int) outcomes.stream()
                    .filter(outcome -> outcome != SettleOutcome.SETTLED)
                    .count();
            engine.telemetry.settled(
                    place,
                    subscription.dispatcher.subscription(),
                    endings.settled.size(),
                    refused,
                    answered.beganNanos);
        }
        tell(endings, outcomes);
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
