package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.Signal;
import ai.greentic.events.spi.Tasks;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One prepared event on its way through a lane. Guarded by the lane's lock, but for the outcome, which is written once. */
final class Publish {
    enum State {
        /** Not yet taken by the lane. */
        NEW,
        /** An earlier event of its key is on its way. */
        BEHIND,
        /** May be sent. */
        READY,
        /** The provider has it. */
        SENT,
        DONE
    }

    final PreparedEvent event;
    /** What the event must stay in order with; null if nothing. */
    final @Nullable Object key;

    final @Nullable CompletableFuture<PublishReceipt> future;
    /** For those that nobody waits for: until when, in the terms of the monotonic clock. */
    long deadlineNanos;

    State state = State.NEW;
    int attempts;
    /** Set while a thread waits for this publish. */
    @Nullable
    Signal waiter;
    /** The waiting thread is asked to lead the lane. */
    boolean promoted;

    volatile @Nullable PublishOutcome outcome;

    private record Key(TenantTopic address, String value) {}

    Publish(PreparedEvent event, @Nullable CompletableFuture<PublishReceipt> future) {
        this.event = event;
        String value = event.orderingKey();
        this.key = value == null ? null : new Key(event.address(), value);
        this.future = future;
    }

    /** What a completed stage says. */
    static PublishOutcome outcomeOf(CompletableFuture<PublishOutcome> done, String provider) {
        return outcomeOf(done.getNow(null), null, provider);
    }

    /** What a stage said; a provider that broke its promise to answer leaves the outcome unknown. */
    static PublishOutcome outcomeOf(@Nullable PublishOutcome outcome, @Nullable Throwable defect, String provider) {
        return outcome != null
                ? outcome
                : PublishOutcome.failed(new EventsException(
                        ErrorCode.OUTCOME_UNKNOWN,
                        "provider " + provider + " broke its promise to answer: "
                                + (defect == null
                                        ? "no outcome"
                                        : defect.getClass().getSimpleName()),
                        defect));
    }

    PublishReceipt receipt() {
        PublishOutcome known = outcome;
        if (known == null) {
            throw new IllegalStateException("not finished");
        }
        EventsException failure = known.failure();
        if (failure != null) {
            throw failure;
        }
        return PublishReceipt.published(
                event.event().id(), event.provider(), attempts, event.route().durable(), known.position());
    }

    EventsException refusedBy(String provider, int capacity) {
        return new EventsException(
                ErrorCode.PUBLISH_QUEUE_FULL,
                "provider " + provider + " has " + capacity + " publishes waiting in the lane of " + event.event()
                        + "; publish slower, or raise publishQueue");
    }

    /** Completes the caller's future, if there is one, on a handler thread. */
    void tell(Tasks tasks) {
        if (future != null) {
            tasks.handle(() -> complete(future));
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
