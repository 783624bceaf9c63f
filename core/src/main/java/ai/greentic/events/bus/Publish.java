package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.spi.Claim;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.Signal;
import ai.greentic.events.telemetry.Telemetry;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/** One prepared event on its way through a lane. Guarded by the lane's lock, but for the result, and for what says otherwise. */
final class Publish {
    enum State {
        /** Not yet taken by the lane. */
        NEW,
        /** An earlier event of its key is on its way. */
        BEHIND,
        /** May be sent. */
        READY,
        /** Being claimed, or with the provider. */
        SENT,
        /** Waits for its next attempt, or for another publish with its idempotency key; its key waits with it. */
        WAITING,
        /** Its last answer is in; its sender alone has it. */
        CONCLUDING,
        DONE
    }

    PreparedEvent event;
    /** What the event must stay in order with; null if nothing. */
    final @Nullable Object key;

    final @Nullable CompletableFuture<PublishReceipt> future;
    final Telemetry.PublishSpan span;
    /** When the caller stops waiting, in the terms of the monotonic clock. */
    final long deadlineNanos;
    /** What it weighs in its tenant's share. */
    final int cost;

    State state = State.NEW;
    /** Set while a thread waits for this publish. */
    @Nullable
    Signal waiter;
    /** The waiting thread is asked to lead the lane. */
    boolean promoted;
    /** The caller no longer waits: it was told that the outcome is unknown. */
    boolean abandoned;
    /** What the tenant's limits count for it, to be given back at its end. */
    TenantLimiter.@Nullable Hold hold;

    // The sender's, which alone has a publish that is SENT or CONCLUDING.
    int attempts;
    long sentNanos;
    long firstSentNanos;

    @Nullable
    Claim claim;

    /** Rechecks of a key that another publish has. */
    int rechecks;
    /** An attempt may have been accepted although no answer said so. */
    boolean mayHaveHappened;

    List<DeadLetter.Attempt> history = List.of();

    private volatile @Nullable PublishReceipt receipt;
    private volatile @Nullable EventsException failure;

    private record Key(TenantTopic address, String value) {}

    Publish(
            PreparedEvent event,
            @Nullable CompletableFuture<PublishReceipt> future,
            Telemetry.PublishSpan span,
            long deadlineNanos) {
        this.event = event;
        String value = event.route().globallyOrdered() ? "" : event.orderingKey();
        this.key = value == null ? null : new Key(event.address(), value);
        this.future = future;
        this.span = span;
        this.deadlineNanos = deadlineNanos;
        this.cost = 512 + event.event().payload().size();
    }

    boolean hasResult() {
        return receipt != null || failure != null;
    }

    void accepted(PublishReceipt result) {
        boolean first = !hasResult();
        this.receipt = result;
        if (first) {
            span.accepted(result, attempts);
        }
    }

    void failed(EventsException result) {
        if (!hasResult()) {
            this.failure = result;
            span.failed(result, attempts);
        }
    }

    /** The receipt, or throws what went wrong. */
    PublishReceipt receipt() {
        PublishReceipt known = receipt;
        if (known != null) {
            return known;
        }
        EventsException wrong = failure;
        if (wrong != null) {
            throw wrong;
        }
        throw new IllegalStateException("not finished");
    }

    /** Completes the caller's future, if there is one, on an executor; here if that takes no more. */
    void tell(Executor receipts) {
        if (future != null) {
            try {
                receipts.execute(() -> complete(future));
            } catch (RejectedExecutionException closed) {
                complete(future);
            }
        }
    }

    private void complete(CompletableFuture<PublishReceipt> target) {
        try {
            target.complete(receipt());
        } catch (EventsException e) {
            target.completeExceptionally(e);
        } catch (RuntimeException e) {
            target.completeExceptionally(
                    new EventsException(ErrorCode.INTERNAL_ERROR, "publishing " + event + " failed", e));
        }
    }
}
