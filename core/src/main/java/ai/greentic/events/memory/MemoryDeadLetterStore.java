package ai.greentic.events.memory;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.StoreScope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Dead letters in memory, bounded for each tenant; a full store refuses and never forgets. Thread-safe. */
public final class MemoryDeadLetterStore implements DeadLetterStore {
    private final int maxLetters;
    private final long maxBytes;
    private final Map<Tenant, Shelf> shelves = new HashMap<>();

    private static final class Shelf {
        final List<DeadLetter> letters = new ArrayList<>();
        long bytes;
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
        if (shelf.letters.size() >= maxLetters || shelf.bytes + letter.size() > maxBytes) {
            throw new EventsException(
                    ErrorCode.DEAD_LETTERS_FULL,
                    "tenant " + tenant + " has " + shelf.letters.size() + " dead letters (" + shelf.bytes
                            + " bytes) in memory; decide about some of them, or give the bus a larger store");
        }
        shelf.letters.add(letter);
        shelf.bytes += letter.size();
    }

    @Override
    public synchronized List<DeadLetter> list(Tenant tenant, int max) {
        Shelf shelf = shelves.get(tenant);
        return shelf == null ? List.of() : shelf.letters.stream().limit(max).toList();
    }

    @Override
    public StoreScope scope() {
        return StoreScope.PROCESS;
    }
}
