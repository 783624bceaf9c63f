package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.delivery.RedeliveryPolicy;
import ai.greentic.events.telemetry.Telemetry;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Attempts to handle deliveries that a dispatcher has taken: through the gate and the interceptors to the handler, and from its failures to
 * another attempt or a dead letter. Runs on handler threads; never called with the dispatcher's lock.
 */
final class Attempts {
    private static final Logger LOG = LoggerFactory.getLogger(Attempts.class);

    private final Dispatcher dispatcher;
    private final Engine engine;
    private final SubscribeOptions options;
    private final Gate gate;
    private final @Nullable EventHandler handler;

    Attempts(Dispatcher dispatcher, SubscribeOptions options, Gate gate, @Nullable EventHandler handler) {
        this.dispatcher = dispatcher;
        this.engine = dispatcher.engine;
        this.options = options;
        this.gate = gate;
        this.handler = handler;
    }

    /**
     * Lets a taken delivery through to its handler, which starts now: this is what an attempt is. Or deals with it otherwise, and returns
     * false.
     */
    boolean starts(BusDelivery delivery) {
        Gate.Verdict verdict = gate.judge(delivery);
        if (verdict != Gate.Verdict.HANDLE) {
            if (verdict == Gate.Verdict.ACK) {
                dispatcher.skip(delivery);
            } else {
                dispatcher.redeliver(delivery, Gate.recheck());
            }
            return false;
        }
        if (delivery.suspect && delivery.attempt >= options.redelivery().maxAttempts()) {
            deadLetter(
                    delivery,
                    ErrorCode.HANDLER_FAILED,
                    "its process ended while it was being handled, " + delivery.attempt + " times",
                    null);
            return false;
        }
        delivery.attempt++;
        if (delivery.suspect) {
            delivery.leg.attempts.attempted(delivery);
        }
        delivery.begin();
        return true;
    }

    @Nullable
    BusDelivery handle(BusDelivery delivery) {
        if (!starts(delivery)) {
            return dispatcher.next();
        }
        Telemetry.Entered span = delivery.enter();
        try {
            delivery.intercept();
            java.util.Objects.requireNonNull(handler).handle(delivery);
        } catch (Throwable e) {
            failed(delivery, e);
            return dispatcher.next();
        } finally {
            span.close();
        }
        dispatcher.cleared(delivery);
        boolean auto = !options.manualAck();
        if (auto && gate.notes(delivery)) {
            if (dispatcher.seize(delivery)) {
                gate.handled(delivery);
                dispatcher.settleSeized(delivery);
            }
            return dispatcher.next();
        }
        return dispatcher.returned(delivery, auto);
    }

    /** Starts an asynchronous handler. Its worker's place is taken until the stage completes, and then used for the next delivery. */
    @Nullable
    BusDelivery begin(BusDelivery delivery, AsyncEventHandler asynchronous) {
        if (!starts(delivery)) {
            return dispatcher.next();
        }
        CompletionStage<Void> stage;
        Telemetry.Entered span = delivery.enter();
        try {
            delivery.intercept();
            stage = asynchronous.handle(delivery);
        } catch (Throwable e) {
            failed(delivery, e);
            return dispatcher.next();
        } finally {
            span.close();
        }
        dispatcher.awaitSettlement(delivery);
        stage.whenComplete((nothing, failure) -> engine.tasks.handle(() -> ended(delivery, failure)));
        return null;
    }

    private void ended(BusDelivery delivery, @Nullable Throwable failure) {
        if (failure != null) {
            Throwable cause = failure instanceof java.util.concurrent.CompletionException && failure.getCause() != null
                    ? failure.getCause()
                    : failure;
            failed(delivery, cause);
        } else {
            dispatcher.cleared(delivery);
            if (!options.manualAck()) {
                dispatcher.ack(delivery);
            }
        }
        dispatcher.work();
    }

    /** The handler threw: another attempt, or a dead letter. */
    void failed(BusDelivery delivery, Throwable cause) {
        dispatcher.cleared(delivery);
        delivery.failed(cause);
        RedeliveryPolicy.Decision decision = options.redelivery().decide(delivery.attempt, engine.chance());
        if (decision instanceof RedeliveryPolicy.Redeliver again) {
            LOG.debug(
                    "{} failed in subscription {}; again in {}",
                    delivery,
                    dispatcher.subscription(),
                    again.delay(),
                    cause);
            delivery.leg.attempts.attempted(delivery);
            dispatcher.redeliver(delivery, again.delay());
        } else if (decision instanceof RedeliveryPolicy.DeadLetter end) {
            String what = cause.getClass().getName();
            deadLetter(delivery, ErrorCode.HANDLER_FAILED, end.reason() + ", the last with " + what, cause);
        }
    }

    boolean reject(BusDelivery delivery, String reason) {
        if (!dispatcher.seize(delivery)) {
            return false;
        }
        delivery.note(ErrorCode.HANDLER_FAILED, "rejected");
        engine.tasks.execute(() -> park(delivery, ErrorCode.HANDLER_FAILED, "rejected: " + reason, null));
        return true;
    }

    boolean deadLetter(BusDelivery delivery, ErrorCode code, String reason, @Nullable Throwable cause) {
        return dispatcher.seize(delivery) && park(delivery, code, reason, cause);
    }

    /** Parks a seized event as a dead letter, and only then acks it; if it cannot be parked, it is delivered again later. */
    private boolean park(BusDelivery delivery, ErrorCode code, String reason, @Nullable Throwable cause) {
        try {
            engine.deadLetters.parkDelivery(delivery, dispatcher.consumption, code, reason);
        } catch (RuntimeException e) {
            LOG.error(
                    "the dead letter of {} in subscription {} could not be stored; it will be delivered again",
                    delivery,
                    dispatcher.subscription(),
                    e);
            return dispatcher.redeliverSeized(delivery, options.redelivery().maxDelay());
        }
        LOG.warn("{} of subscription {} is a dead letter: {}", delivery, dispatcher.subscription(), reason);
        LOG.debug("its last failure", cause);
        gate.notHandled(delivery.takeClaim());
        delivery.outcome = "dead_lettered";
        return dispatcher.settleSeized(delivery);
    }
}
