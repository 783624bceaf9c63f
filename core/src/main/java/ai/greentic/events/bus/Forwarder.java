package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.ErrorKind;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.spi.ForwardStore;
import ai.greentic.events.spi.OutboundEvent;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a provider's events that cannot be sent yet, and sends them when they can: those whose provider was away, and those whose time
 * had not come. One process leads for a provider. Each round takes the oldest that are due and sends the events of each key one after
 * the other; after one that fails, its key waits for the next round. What the provider refuses for good becomes a dead letter. What is
 * sent and not yet forgotten when the process dies is sent again.
 */
final class Forwarder {
    private static final Logger LOG = LoggerFactory.getLogger(Forwarder.class);
    private static final int BATCH = 256;
    private static final Duration LOOK = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

    private final Registration registration;
    private final ForwardStore store;
    private final PublishContext context;
    private final EnvelopeCodec codec;
    private volatile boolean closed;
    private volatile @Nullable Function<PreparedEvent, CompletableFuture<PublishReceipt>> publisher;
    private int failedRounds;

    /** Events that can share nothing with others but their key. */
    private record Key(TenantTopic address, String value) {}

    /** What has become of a round so far. */
    private static final class Round {
        final List<Long> done = new ArrayList<>();
        boolean failed;

        synchronized void done(long number) {
            done.add(number);
        }

        synchronized void failed() {
            failed = true;
        }
    }

    Forwarder(Registration registration, ForwardStore store, PublishContext context, EnvelopeCodec codec) {
        this.registration = registration;
        this.store = store;
        this.context = context;
        this.codec = codec;
    }

    private String route() {
        return registration.qualifiedName();
    }

    /** Whether an event that failed waits here for its provider. */
    boolean takes(Publish publish, EventsException failure) {
        return registration.overrides.forward()
                && !publish.event.forwarded
                && !publish.abandoned
                && (failure.kind() == ErrorKind.UNAVAILABLE
                        || failure.kind() == ErrorKind.OUTCOME_UNKNOWN && !registration.atMostOnce());
    }

    // Keeping.

    /** Has those events kept whose key waits already, and says which. */
    Set<Publish> follow(List<Publish> batch) {
        List<Publish> keyed = new ArrayList<>();
        for (Publish publish : batch) {
            if (publish.key != null && !publish.event.forwarded && publish.attempts == 0) {
                keyed.add(publish);
            }
        }
        if (keyed.isEmpty()) {
            return Set.of();
        }
        List<Boolean> kept = store.follow(
                route(),
                keyed.stream().<OutboundEvent>map(publish -> publish.event).toList());
        Set<Publish> following = new HashSet<>();
        for (int i = 0; i < keyed.size(); i++) {
            if (kept.get(i)) {
                following.add(keyed.get(i));
            }
        }
        return following;
    }

    /** Whether an event's time has not come, and the provider would not keep it until then. */
    boolean isEarly(Publish publish) {
        return registration.keepsForLater() && deliverAt(publish.event.event()) != null;
    }

    private @Nullable Instant deliverAt(EventEnvelope event) {
        return event.marks()
                .deliverAt()
                .filter(time -> time.isAfter(context.time.now()))
                .orElse(null);
    }

    void keep(Publish publish) {
        store.keep(route(), publish.event, isEarly(publish) ? deliverAt(publish.event.event()) : null);
    }

    PublishReceipt receipt(Publish publish) {
        return PublishReceipt.queued(publish.event.event().id(), registration.name(), publish.attempts);
    }

    long waiting() {
        return store.waiting(route());
    }

    // Sending.

    /** Begins to look for what can be sent. */
    void start(Function<PreparedEvent, CompletableFuture<PublishReceipt>> through) {
        publisher = through;
        lookIn(Duration.ZERO);
    }

    private void lookIn(Duration delay) {
        if (!closed) {
            context.tasks.schedule(delay, this::look);
        }
    }

    private void look() {
        if (closed) {
            return;
        }
        try {
            List<ForwardStore.Waiting> due = store.due(route(), context.time.now(), BATCH);
            if (due.isEmpty() || !store.lead(route())) {
                lookIn(LOOK);
            } else {
                send(due);
            }
        } catch (RuntimeException e) {
            LOG.error("the forward store failed; events for provider {} wait", registration, e);
            lookIn(LONGEST_PAUSE);
        }
    }

    private void send(List<ForwardStore.Waiting> due) {
        Round round = new Round();
        Map<Object, CompletableFuture<Boolean>> last = new HashMap<>();
        for (ForwardStore.Waiting waiting : due) {
            EventEnvelope event = readable(waiting, round);
            if (event == null) {
                continue;
            }
            String key =
                    registration.globallyOrdered() ? "" : event.orderingKey().orElse(null);
            Object chain = key == null ? waiting : new Key(waiting.address(), key);
            CompletableFuture<Boolean> before = last.get(chain);
            last.put(
                    chain,
                    before == null
                            ? send(waiting, event, round)
                            : before.thenCompose(sent ->
                                    sent ? send(waiting, event, round) : CompletableFuture.completedFuture(false)));
        }
        CompletableFuture<?> unused = CompletableFuture.allOf(last.values().toArray(CompletableFuture[]::new))
                .whenComplete((nothing, defect) -> context.tasks.execute(() -> finish(round, due.size())));
    }

    private @Nullable EventEnvelope readable(ForwardStore.Waiting waiting, Round round) {
        String why;
        try {
            EventEnvelope event = codec.decode(waiting.encoded());
            if (event.address().equals(waiting.address())) {
                return event;
            }
            why = "the envelope claims " + event.address();
        } catch (EventsException e) {
            why = String.valueOf(e.getMessage());
        }
        try {
            context.deadLetters.parkUnreadable(waiting.address(), waiting.encoded(), registration, why);
            round.done(waiting.number());
        } catch (RuntimeException e) {
            LOG.error("a waiting event of {} can neither be read nor parked", waiting.address(), e);
            round.failed();
        }
        return null;
    }

    /** Sends one; the answer says whether its key may go on. */
    private CompletableFuture<Boolean> send(ForwardStore.Waiting waiting, EventEnvelope event, Round round) {
        var through = publisher;
        CompletableFuture<PublishReceipt> sent;
        try {
            sent = closed || through == null
                    ? CompletableFuture.failedFuture(new EventsException(ErrorCode.CLOSED, "the bus is closed"))
                    : through.apply(PreparedEvent.forwarded(event, codec, registration));
        } catch (EventsException e) {
            sent = CompletableFuture.failedFuture(e);
        }
        return sent.handle((receipt, failure) -> {
            if (failure == null || refused(waiting, event, failure)) {
                round.done(waiting.number());
                return true;
            }
            round.failed();
            return false;
        });
    }

    /** Whether the provider refused the event for good, which then is a dead letter. */
    private boolean refused(ForwardStore.Waiting waiting, EventEnvelope event, Throwable failure) {
        Throwable cause =
                failure.getCause() != null && !(failure instanceof EventsException) ? failure.getCause() : failure;
        if (!(cause instanceof EventsException known) || passes(known)) {
            LOG.debug("{} waits on for provider {}", event, registration, failure);
            return false;
        }
        try {
            context.deadLetters.parkForwarded(event, waiting.encoded(), registration, known);
            return true;
        } catch (RuntimeException e) {
            LOG.error("{} was refused, and its dead letter could not be kept; it waits on", event, e);
            return false;
        }
    }

    private static boolean passes(EventsException failure) {
        ErrorKind kind = failure.kind();
        return failure.code() != ErrorCode.EXPIRED
                && (kind.retryable() || kind == ErrorKind.CANCELLED || kind == ErrorKind.INTERNAL);
    }

    private void finish(Round round, int size) {
        try {
            if (!round.done.isEmpty()) {
                store.sent(route(), round.done);
            }
            failedRounds = round.failed ? failedRounds + 1 : 0;
            Duration pause = round.failed
                    ? LOOK.multipliedBy(Math.min(5, failedRounds))
                    : size == BATCH ? Duration.ZERO : LOOK.dividedBy(10);
            lookIn(pause);
        } catch (RuntimeException e) {
            LOG.error("what was sent to provider {} could not be forgotten and is sent again", registration, e);
            lookIn(LONGEST_PAUSE);
        }
    }

    /** Sends nothing more; another process may lead. */
    void close() {
        closed = true;
        try {
            store.resign(route());
        } catch (RuntimeException e) {
            LOG.debug("the lead for provider {} ends with the process", registration, e);
        }
    }
}
