package ai.greentic.events.memory;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterGroup;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.StoreScope;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Dead letters in memory, bounded for each tenant; a full store refuses and never forgets. Thread-safe; no method waits. */
public final class MemoryDeadLetterStore implements DeadLetterStore {
    private final int maxLetters;
    private final long maxBytes;
    private final Map<Tenant, Shelf> shelves = new HashMap<>();

    /** One tenant's letters. */
    private static final class Shelf {
        /** By id, which is by age. */
        final TreeMap<DeadLetterId, DeadLetter> letters = new TreeMap<>();
        /** Letters of held keys by number. */
        final Map<DeadLetter.SequenceId, TreeMap<Long, DeadLetter>> sequences = new HashMap<>();

        long bytes;

        void put(DeadLetter letter) {
            DeadLetter former = letters.put(letter.id(), letter);
            bytes += letter.size() - (former == null ? 0 : former.size());
            letter.sequence()
                    .ifPresent(id -> sequences
                            .computeIfAbsent(id, any -> new TreeMap<>())
                            .put(letter.number(), letter));
        }

        boolean remove(DeadLetterId id) {
            DeadLetter letter = letters.remove(id);
            if (letter == null) {
                return false;
            }
            bytes -= letter.size();
            letter.sequence()
                    .ifPresent(sequence -> sequences.computeIfPresent(sequence, (key, members) -> {
                        members.remove(letter.number());
                        return members.isEmpty() ? null : members;
                    }));
            return true;
        }
    }

    /** Room for 10,000 letters and 64 MiB for each tenant. */
    public MemoryDeadLetterStore() {
        this(10_000, 64L << 20);
    }

    /**
     * @param maxLetters letters of one tenant
     * @param maxBytes encoded bytes of one tenant's letters
     */
    public MemoryDeadLetterStore(int maxLetters, long maxBytes) {
        this.maxLetters = maxLetters;
        this.maxBytes = maxBytes;
    }

    @Override
    public synchronized void put(DeadLetter letter) {
        Tenant tenant = letter.address().tenant();
        Shelf shelf = shelves.computeIfAbsent(tenant, owner -> new Shelf());
        boolean known = shelf.letters.containsKey(letter.id());
        if (!known && (shelf.letters.size() >= maxLetters || shelf.bytes + letter.size() > maxBytes)) {
            throw new EventsException(
                    ErrorCode.DEAD_LETTERS_FULL,
                    "tenant " + tenant + " has " + shelf.letters.size() + " dead letters (" + shelf.bytes
                            + " bytes) in memory; decide about some of them, or give the bus a larger store");
        }
        shelf.put(known ? letter : numbered(shelf, letter));
    }

    private static DeadLetter numbered(Shelf shelf, DeadLetter letter) {
        DeadLetter.SequenceId sequence = letter.sequence().orElse(null);
        TreeMap<Long, DeadLetter> members = sequence == null ? null : shelf.sequences.get(sequence);
        return sequence == null || members == null
                ? letter
                : letter.toBuilder()
                        .sequence(sequence, members.lastKey() + 1, letter.follower())
                        .build();
    }

    @Override
    public synchronized Optional<DeadLetter> find(Tenant tenant, DeadLetterId id) {
        Shelf shelf = shelves.get(tenant);
        return shelf == null ? Optional.empty() : Optional.ofNullable(shelf.letters.get(id));
    }

    @Override
    public synchronized List<DeadLetter> list(
            Tenant tenant, DeadLetterFilter filter, @Nullable DeadLetterId after, int max) {
        Shelf shelf = shelves.get(tenant);
        if (shelf == null) {
            return List.of();
        }
        return (after == null ? shelf.letters : shelf.letters.tailMap(after, false))
                .values().stream().filter(filter::matches).limit(max).toList();
    }

    @Override
    public synchronized List<DeadLetterGroup> groups(Tenant tenant, DeadLetterFilter filter) {
        Shelf shelf = shelves.get(tenant);
        if (shelf == null) {
            return List.of();
        }
        return DeadLetterGroup.of(shelf.letters.values().stream().filter(filter::matches));
    }

    @Override
    public synchronized boolean change(Tenant tenant, DeadLetterId id, DeadLetter.State from, DeadLetter.State to) {
        DeadLetter letter = find(tenant, id).orElse(null);
        if (letter == null || letter.state() != from) {
            return false;
        }
        put(letter.toBuilder().state(to).build());
        return true;
    }

    @Override
    public synchronized boolean remove(Tenant tenant, DeadLetterId id) {
        Shelf shelf = shelves.get(tenant);
        if (shelf == null || !shelf.remove(id)) {
            return false;
        }
        if (shelf.letters.isEmpty()) {
            shelves.remove(tenant);
        }
        return true;
    }

    @Override
    public synchronized Optional<DeadLetter> head(DeadLetter.SequenceId sequence) {
        Shelf shelf = shelves.get(sequence.address().tenant());
        TreeMap<Long, DeadLetter> members = shelf == null ? null : shelf.sequences.get(sequence);
        return members == null
                ? Optional.empty()
                : Optional.of(members.firstEntry().getValue());
    }

    @Override
    public StoreScope scope() {
        return StoreScope.PROCESS;
    }
}
