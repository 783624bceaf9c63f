package ai.greentic.events.bus;

import ai.greentic.events.Caller;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Marks;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.Tenant;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.IdempotencyKey;
import ai.greentic.events.spi.Signal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Puts dead letters back, one after another.
 *
 * <p>A letter becomes REDRIVING before its event is released, and the release claims a key, so that a redrive that died in between is
 * finished by the next one without a second copy. A letter whose publish had failed claims the original idempotency key, or the event's
 * id: if the event was accepted meanwhile, the letter is resolved. A letter of a held key stays until its group has handled the event,
 * for as long as there is one, the key is held.
 */
final class Redrive {
    private static final int PAGE = 256;
    private static final int MOST_PROBLEMS = 1_000;

    private final Engine engine;
    private final PublishPipeline pipeline;
    private final Caller caller;
    private final Tenant tenant;
    private final DeadLetterStore store;

    Redrive(Engine engine, PublishPipeline pipeline, Caller caller, Tenant tenant) {
        this.engine = engine;
        this.pipeline = pipeline;
        this.caller = caller;
        this.tenant = tenant;
        this.store = engine.deadLetters.store;
    }

    /** One run. */
    private static final class Run {
        final RedriveOptions options;
        final Set<DeadLetter.SequenceId> going = new HashSet<>();
        final Set<DeadLetter.SequenceId> stopped = new HashSet<>();
        final List<RedriveReport.Problem> problems = new ArrayList<>();
        int redriven;
        int resolved;
        int refused;
        int denied;

        Run(RedriveOptions options) {
            this.options = options;
        }

        int total() {
            return redriven + resolved + refused;
        }

        RedriveReport report() {
            return new RedriveReport(redriven, resolved, refused, problems);
        }

        void refuse(DeadLetter letter, ErrorCode code, String reason) {
            refused++;
            letter.sequence().ifPresent(stopped::add);
            if (problems.size() < MOST_PROBLEMS) {
                problems.add(new RedriveReport.Problem(letter.id(), code, reason));
            }
        }
    }

    RedriveReport run(DeadLetterFilter filter, RedriveOptions options) throws InterruptedException {
        Run run = new Run(options);
        Signal pace = engine.tasks.signal();
        long began = engine.time.nanos();
        long released = 0;
        DeadLetterId after = null;
        // What fails while this runs is parked behind the end, and is not this run's.
        DeadLetterId last = lastOf(filter);
        while (last != null) {
            List<DeadLetter> page = store.list(tenant, filter, after, PAGE);
            for (DeadLetter letter : page) {
                after = letter.id();
                if (after.compareTo(last) > 0 || run.total() >= options.max) {
                    return done(run);
                }
                if (!options.dryRun) {
                    long due = began + (long) (released / options.perSecond * 1e9);
                    if (due - engine.time.nanos() > 0) {
                        pace.await(Duration.ofNanos(due - engine.time.nanos()));
                    }
                }
                released++;
                one(run, letter);
                options.progress.accept(run.report());
            }
            if (page.size() < PAGE) {
                return done(run);
            }
        }
        return done(run);
    }

    private @Nullable DeadLetterId lastOf(DeadLetterFilter filter) {
        DeadLetterId after = null;
        while (true) {
            List<DeadLetter> page = store.list(tenant, filter, after, PAGE);
            if (!page.isEmpty()) {
                after = page.get(page.size() - 1).id();
            }
            if (page.size() < PAGE) {
                return after;
            }
        }
    }

    private RedriveReport done(Run run) {
        DeadLetters.refuseIfAllDenied(engine, caller, tenant, AccessAction.REDRIVE, run.total(), run.denied);
        return run.report();
    }

    private void one(Run run, DeadLetter letter) {
        if (!engine.access
                .decide(
                        caller,
                        tenant,
                        AccessAction.REDRIVE,
                        letter.address().topic().value())
                .allowed()) {
            run.denied++;
            return;
        }
        if (!letter.follower() && letter.redrives() >= run.options.maxRedrives) {
            run.refuse(
                    letter,
                    ErrorCode.TOO_MANY_REDRIVES,
                    "it has been put back " + letter.redrives()
                            + " times and failed each time; repair the cause, then allow more redrives, or delete it");
            return;
        }
        DeadLetter.SequenceId sequence = letter.sequence().orElse(null);
        if (sequence != null && (run.stopped.contains(sequence) || !isNext(run, sequence, letter))) {
            run.refuse(
                    letter, ErrorCode.KEY_BLOCKED, "an earlier letter of its held key comes first and is not put back");
            return;
        }
        try {
            PreparedEvent event = prepared(letter);
            if (run.options.dryRun) {
                run.redriven++;
            } else {
                release(run, letter, event);
            }
            if (sequence != null) {
                run.going.add(sequence);
            }
        } catch (EventsException e) {
            run.refuse(letter, e.code(), String.valueOf(e.getMessage()));
        }
    }

    /** Whether everything before it in its sequence is on its way. */
    private boolean isNext(Run run, DeadLetter.SequenceId sequence, DeadLetter letter) {
        return run.going.contains(sequence)
                || store.head(sequence)
                        .map(head -> head.id().equals(letter.id()))
                        .orElse(false);
    }

    private void release(Run run, DeadLetter letter, PreparedEvent event) {
        if (!store.change(tenant, letter.id(), DeadLetter.State.PARKED, DeadLetter.State.REDRIVING)
                && store.find(tenant, letter.id()).isEmpty()) {
            return;
        }
        PublishReceipt receipt;
        try {
            receipt = pipeline.release(event);
        } catch (EventsException e) {
            store.change(tenant, letter.id(), DeadLetter.State.REDRIVING, DeadLetter.State.PARKED);
            throw e;
        }
        boolean published = letter.subscription().isPresent();
        if (receipt.status() == PublishReceipt.Status.DUPLICATE && !published) {
            run.resolved++;
        } else {
            run.redriven++;
        }
        if (letter.sequence().isEmpty()) {
            store.remove(tenant, letter.id());
        }
    }

    /** The event as it was, marked as put back, for the provider that it belongs to. */
    private PreparedEvent prepared(DeadLetter letter) {
        EventEnvelope event = engine.codec.decode(letter.encoded());
        if (!event.address().equals(letter.address())) {
            throw new EventsException(
                    ErrorCode.TENANT_MISMATCH,
                    "its bytes claim " + event.address() + ", and it came as " + letter.address());
        }
        int count = letter.redrives() + 1;
        boolean ofGroup = letter.ofGroup();
        String group = ofGroup ? letter.subscription().orElseThrow() : null;
        EventEnvelope marked = event.withMarks(Marks.NONE
                .hops(event.marks().hops())
                .redrive(new Marks.Redrive(letter.id().value(), group, count)));
        IdempotencyKey key = letter.subscription().isPresent()
                ? new IdempotencyKey(IdempotencyKey.Use.REDRIVE, letter.address(), letter.id() + "#" + count)
                : new IdempotencyKey(
                        IdempotencyKey.Use.PUBLISH,
                        letter.address(),
                        letter.idempotencyKey().orElse(event.id().value()));
        return new PreparedEvent(marked, engine.codec, route(letter), key);
    }

    private Registration route(DeadLetter letter) {
        Registration route = null;
        if (letter.ofGroup()) {
            route = engine.registrations.stream()
                    .filter(registration -> registration.qualifiedName().equals(letter.provider()))
                    .findFirst()
                    .orElse(null);
        }
        if (route == null) {
            route = engine.routes.routeFor(letter.address().topic());
        }
        if (route == null) {
            throw new EventsException(
                    ErrorCode.NO_ROUTE,
                    "neither its provider " + letter.provider() + " is here, nor one that carries topic "
                            + letter.address().topic());
        }
        route.provider();
        if (!route.publishes()) {
            throw new EventsException(
                    ErrorCode.UNSUPPORTED_CAPABILITY,
                    "it came from provider " + route + ", which is a source: nothing can be put back there");
        }
        route.require(Capability.PUBLISH, "publishing");
        return route;
    }
}
