package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventId;
import ai.greentic.events.Marks;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.Tenant;
import ai.greentic.events.spi.Claim;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.spi.IdempotencyKey;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What stands between a delivery and its handler: is the event still worth handling, is its key held, has the group handled it before? And
 * what is to be noted after it was handled. Methods block on stores; called without the dispatcher's lock.
 */
final class Gate {
    private static final Logger LOG = LoggerFactory.getLogger(Gate.class);
    private static final Duration RECHECK = Duration.ofSeconds(1);
    private static final EventId HANDLED = new EventId("handled");

    private final Engine engine;
    private final SubscribeOptions options;
    private final Consumption consumption;

    Gate(Engine engine, SubscribeOptions options, Consumption consumption) {
        this.engine = engine;
        this.options = options;
        this.consumption = consumption;
    }

    /** What to do with a delivery instead of handling it. */
    enum Verdict {
        HANDLE,
        /** It is dealt with. */
        ACK,
        /** It cannot be told yet. */
        LATER
    }

    Verdict judge(BusDelivery delivery) {
        Marks marks = delivery.event.marks();
        if (marks == Marks.NONE && !consumption.holdsKeys() && !deduplicates(delivery)) {
            return Verdict.HANDLE;
        }
        try {
            if (marks.expired(engine.time.now())) {
                return expired(delivery);
            }
            DeadLetter.SequenceId sequence = consumption.sequence(delivery);
            if (sequence != null && isHeld(delivery, sequence)) {
                engine.deadLetters.parkFollower(delivery, consumption, sequence);
                return Verdict.ACK;
            }
            return deduplicates(delivery) ? claim(delivery) : Verdict.HANDLE;
        } catch (RuntimeException e) {
            LOG.error("a store failed before {} could be handled; it waits", delivery, e);
            return Verdict.LATER;
        }
    }

    private boolean deduplicates(BusDelivery delivery) {
        return consumption.group() && (options.deduplicate() || delivery.leg.registration.effectivelyOnce());
    }

    private Verdict expired(BusDelivery delivery) {
        if (options.deadLetterExpired()) {
            engine.deadLetters.parkDelivery(
                    delivery,
                    consumption,
                    ErrorCode.EXPIRED,
                    "expired at " + delivery.event.marks().expiresAt().orElseThrow());
        }
        count(delivery, "expired");
        return Verdict.ACK;
    }

    private void count(BusDelivery delivery, String what) {
        Tenant tenant = delivery.event.address().tenant();
        engine.telemetry.skipped(tenant, delivery.leg.registration.name(), what);
    }

    /** A held key lets only its first dead letter pass, when it comes back. */
    private boolean isHeld(BusDelivery delivery, DeadLetter.SequenceId sequence) {
        String head = engine.deadLetters
                .store
                .head(sequence)
                .map(letter -> letter.id().value())
                .orElse(null);
        String own = delivery.event.marks().redrive().map(Marks.Redrive::letter).orElse(null);
        return head != null && !head.equals(own);
    }

    private Verdict claim(BusDelivery delivery) {
        if (delivery.claim != null) {
            return Verdict.HANDLE;
        }
        Claim claim = engine.claims.store.claim(
                new IdempotencyKey(
                        IdempotencyKey.Use.CONSUME,
                        delivery.event.address(),
                        consumption.name() + "/" + delivery.event.id()),
                HANDLED,
                0);
        if (claim.isHeld()) {
            delivery.claim = claim;
            return Verdict.HANDLE;
        }
        if (claim.state() == Claim.State.COMPLETED) {
            count(delivery, "duplicate");
            removeLetter(delivery);
            return Verdict.ACK;
        }
        return Verdict.LATER;
    }

    static Duration recheck() {
        return RECHECK;
    }

    /** Whether {@link #handled} has something to do. */
    boolean notes(BusDelivery delivery) {
        return delivery.claim != null
                || consumption.holdsKeys() && delivery.event.marks().redrive().isPresent();
    }

    /** The event was handled: it will not be again, and if it was the first dead letter of a held key, the next one is. */
    void handled(BusDelivery delivery) {
        Claim claim = delivery.claim;
        if (claim != null) {
            delivery.claim = null;
            engine.claims.complete(
                    claim,
                    PublishReceipt.published(
                            HANDLED, delivery.leg.registration.name(), Math.max(1, delivery.attempt), false, null));
        }
        removeLetter(delivery);
    }

    /** What was put back of a held key and handled is a dead letter no more. */
    private void removeLetter(BusDelivery delivery) {
        Marks.Redrive redrive = delivery.event.marks().redrive().orElse(null);
        if (redrive == null || !consumption.holdsKeys()) {
            return;
        }
        try {
            engine.deadLetters.store.remove(delivery.event.address().tenant(), new DeadLetterId(redrive.letter()));
        } catch (RuntimeException e) {
            LOG.error("{} was handled, but its dead letter {} could not be removed", delivery, redrive.letter(), e);
        }
    }

    /** The event was not handled here: whoever gets it next may handle it. */
    void notHandled(@Nullable Claim claim) {
        if (claim != null) {
            engine.claims.conclude(claim, false);
        }
    }
}
