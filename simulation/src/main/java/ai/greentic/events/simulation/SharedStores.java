package ai.greentic.events.simulation;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventId;
import ai.greentic.events.EventsException;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.Tenant;
import ai.greentic.events.spi.AttemptStore;
import ai.greentic.events.spi.Claim;
import ai.greentic.events.spi.Consumer;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterGroup;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.IdempotencyKey;
import ai.greentic.events.spi.IdempotencyStore;
import ai.greentic.events.spi.StoreScope;
import java.util.ArrayList;
import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A process's way to the stores that all processes share: what it held when it died is in doubt, and a dead process changes nothing any
 * more.
 */
final class SharedStores implements IdempotencyStore {
    private final World world;
    private final Set<Claim> held = java.util.Collections.newSetFromMap(new IdentityHashMap<>());
    private boolean dead;

    SharedStores(World world) {
        this.world = world;
    }

    void die() {
        dead = true;
        // In the order of their keys, so that the same seed gives the same run.
        List<Claim> open = new ArrayList<>(held);
        open.sort(java.util.Comparator.comparing(claim -> claim.key().toString()));
        open.forEach(world.keys::doubt);
        held.clear();
    }

    private void check() {
        if (dead) {
            throw new EventsException(ErrorCode.CLOSED, "the process has died");
        }
    }

    // Idempotency keys.

    @Override
    public Claim claim(IdempotencyKey key, EventId event, long payloadHash) {
        check();
        Claim claim = world.keys.claim(key, event, payloadHash);
        if (claim.isHeld()) {
            held.add(claim);
        }
        return claim;
    }

    @Override
    public void complete(Claim claim, PublishReceipt receipt) {
        check();
        if (held.remove(claim)) {
            if (world.plants(Plant.FORGET_KEYS, 3)) {
                world.keys.abandon(claim);
            } else {
                world.keys.complete(claim, receipt);
            }
        }
    }

    @Override
    public void abandon(Claim claim) {
        check();
        if (held.remove(claim)) {
            world.keys.abandon(claim);
        }
    }

    @Override
    public void doubt(Claim claim) {
        check();
        if (held.remove(claim)) {
            world.keys.doubt(claim);
        }
    }

    @Override
    public StoreScope scope() {
        return StoreScope.SHARED;
    }

    // Dead letters.

    DeadLetterStore letters() {
        return new DeadLetterStore() {
            @Override
            public void put(DeadLetter letter) {
                check();
                if (world.lettersFail()) {
                    throw new EventsException(ErrorCode.STORE_UNAVAILABLE, "the store of dead letters is away");
                }
                if (!world.plants(Plant.LOSE_LETTERS, 5)) {
                    world.letters.put(letter);
                }
                world.note("dead letter " + letter.id() + " of " + letter.eventId());
            }

            @Override
            public Optional<DeadLetter> find(Tenant tenant, DeadLetterId id) {
                check();
                return world.letters.find(tenant, id);
            }

            @Override
            public List<DeadLetter> list(
                    Tenant tenant, DeadLetterFilter filter, @Nullable DeadLetterId after, int max) {
                check();
                return world.letters.list(tenant, filter, after, max);
            }

            @Override
            public List<DeadLetterGroup> groups(Tenant tenant, DeadLetterFilter filter) {
                check();
                return world.letters.groups(tenant, filter);
            }

            @Override
            public boolean change(Tenant tenant, DeadLetterId id, DeadLetter.State from, DeadLetter.State to) {
                check();
                return world.letters.change(tenant, id, from, to);
            }

            @Override
            public boolean remove(Tenant tenant, DeadLetterId id) {
                check();
                return world.letters.remove(tenant, id);
            }

            @Override
            public Optional<DeadLetter> head(DeadLetter.SequenceId sequence) {
                check();
                return world.letters.head(sequence);
            }

            @Override
            public StoreScope scope() {
                return StoreScope.SHARED;
            }
        };
    }

    // Attempts.

    AttemptStore attempts() {
        return new AttemptStore() {
            @Override
            public Map<EventId, Known> taken(Consumer consumer, Collection<EventId> events) {
                check();
                return world.attempts.taken(consumer, events);
            }

            @Override
            public void attempted(Consumer consumer, EventId event, int count) {
                check();
                world.attempts.attempted(consumer, event, count);
            }

            @Override
            public void released(Consumer consumer, EventId event, int count) {
                check();
                world.attempts.released(consumer, event, count);
            }

            @Override
            public void ended(Consumer consumer, Collection<EventId> events) {
                check();
                world.attempts.ended(consumer, events);
            }

            @Override
            public StoreScope scope() {
                return StoreScope.SHARED;
            }
        };
    }
}
