package ai.greentic.events.bus;

import ai.greentic.events.Caller;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.Topic;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterGroup;
import ai.greentic.events.spi.DeadLetterId;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One tenant's dead letters, as one caller may see them. Reading, putting back and deleting are access actions of their own, asked for each
 * letter's topic; letters that the caller may not read are as if they were not there. Thread-safe; methods block on the store.
 */
public final class DeadLetters {
    private static final int PAGE = 256;

    private final Engine engine;
    private final Redrive redrive;
    private final Caller caller;
    private final Tenant tenant;

    DeadLetters(Engine engine, PublishPipeline pipeline, Caller caller, Tenant tenant) {
        this.engine = engine;
        this.redrive = new Redrive(engine, pipeline, caller, tenant);
        this.caller = caller;
        this.tenant = tenant;
    }

    /** The oldest ones that match. */
    public List<DeadLetter> list(DeadLetterFilter filter, int max) {
        return list(filter, null, max);
    }

    /**
     * A page of those that match, oldest first.
     *
     * @param after id of the last letter of the page before, or null
     */
    public List<DeadLetter> list(DeadLetterFilter filter, @Nullable DeadLetterId after, int max) {
        java.util.ArrayList<DeadLetter> found = new java.util.ArrayList<>();
        DeadLetterId from = after;
        while (found.size() < max) {
            List<DeadLetter> page = engine.deadLetters.store.list(tenant, filter, from, PAGE);
            for (DeadLetter letter : page) {
                if (found.size() < max
                        && allowed(AccessAction.DLQ_READ, letter.address().topic())) {
                    found.add(letter);
                }
            }
            if (page.size() < PAGE) {
                break;
            }
            from = page.get(page.size() - 1).id();
        }
        return found;
    }

    public Optional<DeadLetter> find(DeadLetterId id) {
        return engine.deadLetters
                .store
                .find(tenant, id)
                .filter(letter ->
                        allowed(AccessAction.DLQ_READ, letter.address().topic()));
    }

    /** Those that match, grouped by code, topic and subscription, the largest group first. */
    public List<DeadLetterGroup> groups(DeadLetterFilter filter) {
        return engine.deadLetters.store.groups(tenant, filter).stream()
                .filter(group -> allowed(AccessAction.DLQ_READ, group.topic()))
                .toList();
    }

    /**
     * Puts letters back, oldest first and the letters of a held key in their order. A letter of a group goes to that group alone, any other
     * one to everybody. Where it stopped half way, the next redrive goes on: no letter is put back twice for one decision.
     *
     * @throws InterruptedException when interrupted between two letters
     * @throws EventsException {@code ACCESS_DENIED} if the caller may put back none of those that match
     */
    public RedriveReport redrive(DeadLetterFilter filter, RedriveOptions options) throws InterruptedException {
        return redrive.run(filter, options);
    }

    /**
     * Deletes letters for good.
     *
     * @return how many there were
     * @throws EventsException {@code ACCESS_DENIED} if the caller may delete none of those that match
     */
    public int purge(DeadLetterFilter filter) {
        int purged = 0;
        int denied = 0;
        DeadLetterId after = null;
        while (true) {
            List<DeadLetter> page = engine.deadLetters.store.list(tenant, filter, after, PAGE);
            for (DeadLetter letter : page) {
                if (!allowed(AccessAction.PURGE, letter.address().topic())) {
                    denied++;
                } else if (engine.deadLetters.store.remove(tenant, letter.id())) {
                    purged++;
                }
                after = letter.id();
            }
            if (page.isEmpty()) {
                refuseIfAllDenied(engine, caller, tenant, AccessAction.PURGE, purged, denied);
                return purged;
            }
        }
    }

    static void refuseIfAllDenied(
            Engine engine, Caller caller, Tenant tenant, AccessAction action, int done, int denied) {
        if (done == 0 && denied > 0) {
            throw new EventsException(
                    ErrorCode.ACCESS_DENIED,
                    caller + " may not " + action.name().toLowerCase(java.util.Locale.ROOT) + " any of " + denied
                            + " dead letters of " + tenant + "; explain access shows the rule");
        }
    }

    private boolean allowed(AccessAction action, Topic topic) {
        return engine.access.decide(caller, tenant, action, topic.value()).allowed();
    }
}
