package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.spi.IdempotencyKey;

/** What callers are told whose events a provider's lanes and sender do not get through. */
final class Refusals {
    private final String provider;
    private final Claims claims;

    Refusals(String provider, Claims claims) {
        this.provider = provider;
        this.claims = claims;
    }

    /** The final error: if any attempt may have been accepted, that is what counts. */
    static EventsException judged(Publish publish, EventsException last, String why) {
        if (publish.attempts == 1 && publish.mayHaveHappened == last.kind().mayHaveHappened()) {
            return new EventsException(last.code(), last.getMessage() + " (" + why + ")", last);
        }
        return new EventsException(
                publish.mayHaveHappened ? ErrorCode.OUTCOME_UNKNOWN : last.code(),
                publish.event + " was not accepted: " + why + "; the last one: " + last.getMessage()
                        + (publish.mayHaveHappened ? "; an earlier one may have been accepted" : ""),
                last);
    }

    /** What a caller is told whose tenant's share of a lane is full. */
    EventsException full(Publish publish, int capacity) {
        return new EventsException(
                ErrorCode.PUBLISH_QUEUE_FULL,
                "tenant " + publish.event.address().tenant() + " fills its share of a lane of provider " + provider
                        + " (publishQueue " + capacity + ", shared with other busy tenants), so "
                        + publish.event.event()
                        + " was not sent; publish slower, or raise publishQueue");
    }

    /** What a caller is told who stops waiting for a publish that is not with the provider. */
    EventsException abandoned(Publish publish, ErrorCode code, String why) {
        if (publish.attempts > 0) {
            return new EventsException(
                    publish.mayHaveHappened ? ErrorCode.OUTCOME_UNKNOWN : code,
                    publish.event + " was not accepted in " + publish.attempts + " attempts, and then " + why);
        }
        IdempotencyKey key = publish.event.key();
        if (key != null && publish.rechecks > 0) {
            claims.noLongerAwaits(key, publish);
            return new EventsException(
                    ErrorCode.IDEMPOTENCY_KEY_IN_FLIGHT,
                    publish.event + " was not sent: another publish with its idempotency key is still running, and "
                            + why + "; publish again to learn what became of it");
        }
        return new EventsException(code, publish.event + " was not sent: " + why + " while it waited in its lane");
    }

    /** It came after the bus was closed. */
    static EventsException late(Publish publish) {
        return new EventsException(ErrorCode.CLOSED, "the bus is closed; " + publish.event.event() + " was not sent");
    }

    /** The bus closed with this one unfinished. */
    EventsException closed(boolean sent) {
        return sent
                ? new EventsException(
                        ErrorCode.OUTCOME_UNKNOWN,
                        "the bus closed before provider " + provider + " answered; the event may have been accepted")
                : new EventsException(
                        ErrorCode.CLOSED, "the bus closed before the event was sent to provider " + provider);
    }
}
