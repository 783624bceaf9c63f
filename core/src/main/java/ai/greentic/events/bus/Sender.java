package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.ErrorKind;
import ai.greentic.events.EventsException;
import ai.greentic.events.Marks;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.delivery.CircuitPolicy;
import ai.greentic.events.delivery.RetryPolicy;
import ai.greentic.events.spi.Claim;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.PublishOutcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls one provider for all of its lanes and judges the answers.
 *
 * <pre>
 * claim the idempotency key   completed: the first receipt · open elsewhere: wait · reused or no room: refuse
 * circuit breaker             open: a first attempt is refused, a retry waits for the probe
 * provider                    accepted · refused · no answer in time: the outcome is unknown
 * retry policy                again after a delay, the key waiting · or give up: dead letter, then the error
 * conclude the claim          completed · free again · in doubt
 * </pre>
 *
 * <p>A publish that is SENT or CONCLUDING is this class's alone. Stores are called on the leading thread or on a fabric task, never on a
 * provider's callback thread.
 */
final class Sender {
    private static final Logger LOG = LoggerFactory.getLogger(Sender.class);
    private static final Duration FIRST_RECHECK = Duration.ofMillis(20);
    private static final Duration LONGEST_RECHECK = Duration.ofSeconds(1);

    private final Registration registration;
    private final EventProvider provider;
    private final PublishContext context;
    private final RetryPolicy policy;
    private final boolean atMostOnce;
    /** Whether the provider deals with idempotency keys itself, in one step with accepting the event. */
    private final boolean providerClaims;

    private final @Nullable Forwarder forwarder;
    final CircuitBreaker breaker;
    final Refusals refusals;

    Sender(
            Registration registration,
            EventProvider provider,
            PublishContext context,
            CircuitPolicy circuit,
            @Nullable Forwarder forwarder) {
        this.registration = registration;
        this.provider = provider;
        this.context = context;
        this.policy = registration.overrides.retryPolicy();
        this.atMostOnce = registration.atMostOnce();
        this.providerClaims = provider.claimsIn(context.claims.store);
        this.forwarder = forwarder;
        this.breaker = new CircuitBreaker(circuit);
        this.refusals = new Refusals(name(), context.claims);
    }

    String name() {
        return registration.qualifiedName();
    }

    /** Whether a thread that must not wait may send this. */
    boolean sendsAtOnce(Publish publish) {
        return publish.event.key() == null && forwarder == null && provider.publishesAtOnce(publish.event.address());
    }

    /**
     * Sends a batch.
     *
     * @param own the publish of the calling thread, if it has one
     */
    void send(PublishLane lane, List<Publish> batch, @Nullable Publish own) {
        long now = context.time.nanos();
        List<Publish> cleared = cleared(lane, batch);
        if (forwarder != null && !cleared.isEmpty()) {
            cleared = withoutKept(lane, cleared, forwarder);
        }
        if (cleared.isEmpty()) {
            return;
        }
        if (!breaker.admits(now)) {
            for (Publish publish : cleared) {
                refusedByCircuit(lane, publish, now);
            }
            return;
        }
        for (Publish publish : cleared) {
            publish.attempts++;
            publish.sentNanos = now;
            if (publish.attempts == 1) {
                publish.firstSentNanos = now;
            }
        }
        call(lane, cleared, own);
    }

    /** Those that may be sent: not expired, and with their idempotency keys claimed. */
    private List<Publish> cleared(PublishLane lane, List<Publish> batch) {
        if (batch.size() == 1) {
            return clear(lane, batch.get(0)) ? batch : List.of();
        }
        List<Publish> cleared = new ArrayList<>(batch.size());
        for (Publish publish : batch) {
            if (clear(lane, publish)) {
                cleared.add(publish);
            }
        }
        return cleared;
    }

    private boolean clear(PublishLane lane, Publish publish) {
        if (publish.event.event().marks() != Marks.NONE
                && publish.event.event().marks().expired(context.time.now())) {
            giveUp(
                    lane,
                    publish,
                    new EventsException(
                            ErrorCode.EXPIRED, publish.event + " was not sent: it expired while it waited"));
            return false;
        }
        return publish.event.key() == null
                || publish.claim != null
                || providerClaims && !publish.event.claimedApart()
                || claimed(lane, publish);
    }

    private boolean claimed(PublishLane lane, Publish publish) {
        Claim claim;
        try {
            claim = context.claims.claim(publish.event);
        } catch (RuntimeException e) {
            fail(lane, publish, Claims.unusable(publish.event, e));
            return false;
        }
        if (publish.rechecks > 0 && claim.state() != Claim.State.IN_FLIGHT) {
            context.claims.noLongerAwaits(claim.key(), publish);
        }
        switch (claim.state()) {
            case COMPLETED -> {
                publish.accepted(claim.receipt().orElseThrow().asDuplicate());
                lane.finish(publish);
                return false;
            }
            case REUSED -> {
                fail(lane, publish, Claims.reused(publish.event, claim.eventId()));
                return false;
            }
            case IN_FLIGHT -> {
                if (publish.abandoned) {
                    fail(lane, publish, refusals.abandoned(publish, ErrorCode.DEADLINE_EXCEEDED, "its time ran out"));
                    return false;
                }
                Duration wait = FIRST_RECHECK.multipliedBy(1L << Math.min(10, publish.rechecks++));
                context.claims.await(claim.key(), lane, publish);
                lane.waitFor(publish, wait.compareTo(LONGEST_RECHECK) > 0 ? LONGEST_RECHECK : wait);
                return false;
            }
            case IN_DOUBT -> {
                publish.event = publish.event.withId(claim.eventId());
                publish.mayHaveHappened = true;
            }
            default -> {}
        }
        publish.claim = claim;
        return true;
    }

    /** Has events kept that must not be sent yet: those whose time has not come, and those whose key waits in the forward store. */
    private List<Publish> withoutKept(PublishLane lane, List<Publish> batch, Forwarder forward) {
        List<Publish> left = new ArrayList<>(batch.size());
        try {
            Set<Publish> following = forward.follow(batch);
            for (Publish publish : batch) {
                if (following.contains(publish)) {
                    accept(lane, publish, forward.receipt(publish));
                } else if (forward.isEarly(publish)) {
                    keep(lane, publish, forward, null);
                } else {
                    left.add(publish);
                }
            }
            return left;
        } catch (RuntimeException e) {
            EventsException why = Claims.unusable(batch.get(0).event, e);
            batch.stream().filter(publish -> !publish.hasResult()).forEach(publish -> fail(lane, publish, why));
            return List.of();
        }
    }

    /**
     * Has an event kept in the forward store, which accepts it.
     *
     * @param otherwise why it cannot be sent; null if only its time has not come
     */
    private void keep(PublishLane lane, Publish publish, Forwarder forward, @Nullable EventsException otherwise) {
        context.tasks.execute(() -> {
            try {
                forward.keep(publish);
            } catch (RuntimeException e) {
                LOG.warn("{} could not be kept until provider {} is back", publish.event, name(), e);
                EventsException why = Claims.unusable(publish.event, e);
                if (otherwise == null || publish.attempts == 0) {
                    fail(lane, publish, why);
                } else {
                    park(lane, publish, otherwise);
                }
                return;
            }
            accept(lane, publish, forward.receipt(publish));
        });
    }

    private void refusedByCircuit(PublishLane lane, Publish publish, long now) {
        Duration wait = breaker.untilProbe(now);
        if (publish.attempts > 0 && now + wait.toNanos() - publish.deadlineNanos < 0) {
            lane.waitFor(publish, wait);
            return;
        }
        EventsException refusal = new EventsException(
                ErrorCode.CIRCUIT_OPEN,
                publish.event + " was not sent: " + breaker.failures() + " calls of provider " + name()
                        + " have failed in a row, so it is left alone for another " + wait.toMillis() + " ms");
        if (publish.attempts > 0 || forwarder != null && forwarder.takes(publish, refusal)) {
            giveUp(lane, publish, refusal);
        } else {
            fail(lane, publish, refusal);
        }
    }

    private void call(PublishLane lane, List<Publish> batch, @Nullable Publish own) {
        List<OutboundEvent> events = batch.size() == 1
                ? List.of(batch.get(0).event)
                : batch.stream().<OutboundEvent>map(publish -> publish.event).toList();
        List<CompletionStage<PublishOutcome>> stages;
        try {
            stages = provider.publish(events);
        } catch (InterruptedException e) {
            interrupted(lane, batch, own);
            return;
        } catch (EventsException e) {
            answerAll(lane, batch, e);
            return;
        } catch (RuntimeException e) {
            answerAll(
                    lane,
                    batch,
                    new EventsException(
                            ErrorCode.PROVIDER_UNAVAILABLE,
                            "provider " + name() + " refused the call: "
                                    + e.getClass().getSimpleName(),
                            e));
            return;
        }
        if (stages.size() != batch.size()) {
            answerAll(
                    lane,
                    batch,
                    new EventsException(
                            ErrorCode.OUTCOME_UNKNOWN,
                            "provider " + name() + " answered " + stages.size() + " outcomes for " + batch.size()
                                    + " events"));
            return;
        }
        boolean open = false;
        for (int i = 0; i < batch.size(); i++) {
            Publish publish = batch.get(i);
            int attempt = publish.attempts;
            CompletionStage<PublishOutcome> stage = stages.get(i);
            if (stage instanceof CompletableFuture<PublishOutcome> future
                    && future.isDone()
                    && !future.isCompletedExceptionally()) {
                answered(lane, publish, attempt, Answers.of(future.getNow(null), null, name()), false);
            } else {
                open = true;
                stage.whenComplete((outcome, defect) ->
                        answered(lane, publish, attempt, Answers.of(outcome, defect, name()), true));
            }
        }
        if (open) {
            lane.awaitAnswers(batch);
        }
    }

    /** A defect, ours or the provider's: the lane goes on, and nobody is left waiting. */
    void broken(PublishLane lane, List<Publish> batch, Throwable defect) {
        LOG.error("a defect while {} events were sent to provider {}", batch.size(), name(), defect);
        breaker.undecided();
        for (Publish publish : batch) {
            if (lane.conclude(publish, publish.attempts, false)) {
                publish.mayHaveHappened |= publish.attempts > 0;
                fail(
                        lane,
                        publish,
                        new EventsException(
                                ErrorCode.INTERNAL_ERROR,
                                "a defect (" + defect.getClass().getSimpleName() + ") while " + publish.event
                                        + " was sent to provider " + name(),
                                defect));
            }
        }
    }

    private void answerAll(PublishLane lane, List<Publish> batch, EventsException failure) {
        PublishOutcome outcome = PublishOutcome.failed(failure);
        batch.forEach(publish -> answered(lane, publish, publish.attempts, outcome, false));
    }

    /** Nothing was attempted: the interrupted caller gives up, the others go on. */
    private void interrupted(PublishLane lane, List<Publish> batch, @Nullable Publish own) {
        Thread.currentThread().interrupt();
        breaker.undecided();
        batch.forEach(publish -> publish.attempts--);
        lane.giveBack(
                batch.stream().filter(publish -> own != null && publish != own).toList());
        for (Publish publish : batch) {
            if (own == null || publish == own) {
                fail(
                        lane,
                        publish,
                        new EventsException(
                                ErrorCode.INTERRUPTED, "interrupted before the event was sent to provider " + name()));
            }
        }
    }

    /** Whether a provider has had long enough to answer. */
    boolean isOverdue(Publish publish, long now) {
        return now - publish.sentNanos >= policy.attemptTimeout().toNanos();
    }

    /** No answer came in time. */
    void unanswered(PublishLane lane, Publish publish, int attempt) {
        answered(
                lane,
                publish,
                attempt,
                PublishOutcome.failed(new EventsException(
                        ErrorCode.OUTCOME_UNKNOWN,
                        "provider " + name() + " did not answer within " + policy.attemptTimeout() + " (attempt "
                                + attempt + " of " + publish.event + ")")),
                true);
    }

    /**
     * Judges an answer, whoever brings it.
     *
     * @param foreign whether this may be a thread of the provider, on which nothing may block
     */
    private void answered(PublishLane lane, Publish publish, int attempt, PublishOutcome outcome, boolean foreign) {
        boolean accepted = outcome.isAccepted();
        if (!lane.conclude(publish, attempt, accepted)) {
            return;
        }
        EventsException failure = outcome.failure();
        PublishReceipt first = outcome.first();
        if (first != null) {
            breaker.succeeded();
            accept(lane, publish, first.asDuplicate());
            return;
        }
        if (failure != null && providerClaims && failure.code() == ErrorCode.IDEMPOTENCY_KEY_IN_FLIGHT) {
            // An earlier publish claimed the key apart from accepting its event: so must this one.
            breaker.succeeded();
            publish.event = publish.event.claimApart();
            publish.attempts--;
            lane.waitFor(publish, Duration.ZERO);
            return;
        }
        if (failure == null) {
            breaker.succeeded();
            PublishReceipt receipt = PublishReceipt.published(
                    publish.event.event().id(),
                    registration.name(),
                    publish.attempts,
                    registration.durable(),
                    outcome.position());
            if (foreign && publish.claim != null) {
                context.tasks.execute(() -> accept(lane, publish, receipt));
            } else {
                accept(lane, publish, receipt);
            }
            return;
        }
        noteFailure(publish, failure);
        long now = context.time.nanos();
        RetryPolicy.Decision decision = policy.decide(
                publish.attempts,
                Duration.ofNanos(now - publish.firstSentNanos),
                Duration.ofNanos(publish.deadlineNanos - now),
                failure,
                atMostOnce,
                context.chance());
        if (decision instanceof RetryPolicy.RetryAfter again && !publish.abandoned) {
            LOG.debug("{} failed at attempt {}; again in {}", publish.event, publish.attempts, again.delay(), failure);
            publish.span.retrying(failure, again.delay());
            lane.waitFor(publish, again.delay());
        } else {
            String why = decision instanceof RetryPolicy.GiveUp end ? end.why() : "nobody waits for it any more";
            giveUp(lane, publish, Refusals.judged(publish, failure, why));
        }
    }

    private void noteFailure(Publish publish, EventsException failure) {
        publish.mayHaveHappened |= failure.kind().mayHaveHappened();
        List<DeadLetter.Attempt> more = new ArrayList<>(publish.history);
        more.add(new DeadLetter.Attempt(
                context.time.now(), failure.code(), String.valueOf(failure.getMessage()), context.host));
        publish.history = more.size() > DeadLetter.MAX_HISTORY ? more.subList(1, more.size()) : more;
        if (failure.kind() == ErrorKind.UNAVAILABLE || failure.kind() == ErrorKind.OUTCOME_UNKNOWN) {
            if (breaker.failed(context.time.nanos())) {
                LOG.warn("provider {} does not answer; calls of it stop until a probe succeeds", name(), failure);
            }
        } else {
            breaker.succeeded();
        }
    }

    private void accept(PublishLane lane, Publish publish, PublishReceipt receipt) {
        Claim claim = publish.claim;
        if (claim != null) {
            context.claims.complete(claim, receipt);
        }
        publish.accepted(receipt);
        lane.finish(publish);
    }

    /** Ends a publish that was never attempted; nothing is kept, the caller gets the error. */
    private void fail(PublishLane lane, Publish publish, EventsException failure) {
        concludeClaim(publish, publish.mayHaveHappened);
        publish.failed(failure);
        lane.finish(publish);
    }

    /** Ends a publish that was attempted, or accepted and then delayed too long: its dead letter first, then the caller's error. */
    private void giveUp(PublishLane lane, Publish publish, EventsException failure) {
        if (forwarder != null && forwarder.takes(publish, failure)) {
            keep(lane, publish, forwarder, failure);
        } else if (publish.event.forwarded) {
            fail(lane, publish, failure);
        } else {
            park(lane, publish, failure);
        }
    }

    private void park(PublishLane lane, Publish publish, EventsException failure) {
        context.tasks.execute(() -> {
            DeadLetterId letter = context.deadLetters.parkPublish(publish, registration, failure);
            fail(
                    lane,
                    publish,
                    letter == null
                            ? failure
                            : new EventsException(
                                    failure.code(), failure.getMessage() + "; it is dead letter " + letter, failure));
        });
    }

    /** Frees the key of a publish that failed, or leaves it in doubt if the event may have been accepted. */
    void concludeClaim(Publish publish, boolean mayHaveHappened) {
        Claim claim = publish.claim;
        publish.claim = null;
        if (claim != null) {
            context.claims.conclude(claim, mayHaveHappened);
        }
    }

    /** Keeps what an abandoned publish leaves behind. */
    void concludeAbandoned(PublishLane lane, Publish publish) {
        context.tasks.execute(() -> {
            if (publish.attempts > 0 && !publish.event.forwarded) {
                context.deadLetters.parkPublish(
                        publish,
                        registration,
                        new EventsException(ErrorCode.DEADLINE_EXCEEDED, "its time ran out before the next attempt"));
            }
            concludeClaim(publish, publish.mayHaveHappened);
            lane.finish(publish);
        });
    }
}
