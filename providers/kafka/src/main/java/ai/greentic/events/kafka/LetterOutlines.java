package ai.greentic.events.kafka;

import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterCodec;
import ai.greentic.events.spi.DeadLetterId;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/**
 * What a topic of dead letters says, one record after the other: an outline of each letter, without its event and history, and the offset
 * of the record that holds the whole. Every host comes to the same, since the order of the records alone decides. Not thread-safe.
 *
 * <p>Keys are {@code TENANT/ID/letter} and {@code TENANT/ID/state}. A state record says from which state it leads to which; it takes effect
 * if the letter is in the former. Of two states, one that takes no effect leads to where the letter is anyway: so compaction, which keeps
 * the last record of a key, changes nothing. A record without a value removes.
 */
final class LetterOutlines {
    static final String NUMBER = "Greentic-Number";
    private static final String LETTER = "letter";
    private static final String STATE = "state";
    /** Outcomes of the latest changes and removals that are kept for those who asked for them. */
    private static final int OUTCOMES = 10_000;

    private final String env;
    private final Map<Tenant, TreeMap<DeadLetterId, Entry>> shelves = new HashMap<>();
    private final Map<DeadLetter.SequenceId, TreeMap<Long, DeadLetterId>> sequences = new HashMap<>();
    private final LinkedHashMap<Long, Boolean> outcomes = new LinkedHashMap<>();
    private long next;

    /**
     * @param outline the letter without its event; null if its record is damaged
     * @param offset of the record that holds the letter
     */
    record Entry(@Nullable DeadLetter outline, long offset) {}

    LetterOutlines(String env) {
        this.env = env;
    }

    static byte[] letterKey(Tenant tenant, DeadLetterId id) {
        return key(tenant, id, LETTER);
    }

    static byte[] stateKey(Tenant tenant, DeadLetterId id) {
        return key(tenant, id, STATE);
    }

    private static byte[] key(Tenant tenant, DeadLetterId id, String what) {
        return (Names.token(tenant.name()) + "/" + Names.token(id.value()) + "/" + what)
                .getBytes(StandardCharsets.US_ASCII);
    }

    static byte[] change(DeadLetter.State from, DeadLetter.State to) {
        return (from + " " + to).getBytes(StandardCharsets.US_ASCII);
    }

    /** Offset of the first record that has not been applied. */
    long next() {
        return next;
    }

    /** Nothing of what came before counts. */
    void clear() {
        shelves.clear();
        sequences.clear();
        outcomes.clear();
        next = 0;
    }

    /**
     * Takes the next record.
     *
     * @return whether it is one of ours
     */
    boolean apply(ConsumerRecord<byte[], byte[]> said) {
        if (said.offset() < next) {
            // The topic was made anew.
            clear();
        }
        next = said.offset() + 1;
        String[] key =
                said.key() == null ? new String[0] : new String(said.key(), StandardCharsets.US_ASCII).split("/", -1);
        Tenant tenant;
        DeadLetterId id;
        try {
            if (key.length != 3 || !key[2].equals(LETTER) && !key[2].equals(STATE)) {
                return false;
            }
            tenant = new Tenant(env, Names.text(key[0]));
            id = new DeadLetterId(Names.text(key[1]));
        } catch (EventsException | IllegalArgumentException e) {
            return false;
        }
        if (key[2].equals(STATE)) {
            if (said.value() != null) {
                outcome(said.offset(), change(tenant, id, new String(said.value(), StandardCharsets.US_ASCII)));
            }
        } else if (said.value() == null) {
            outcome(said.offset(), remove(tenant, id));
        } else {
            put(tenant, id, said);
        }
        return true;
    }

    private void outcome(long offset, boolean happened) {
        outcomes.put(offset, happened);
        if (outcomes.size() > OUTCOMES) {
            var oldest = outcomes.keySet().iterator();
            oldest.next();
            oldest.remove();
        }
    }

    /** Whether the change or removal at an offset took effect; null if that was too long ago. */
    @Nullable
    Boolean outcome(long offset) {
        return outcomes.get(offset);
    }

    private void put(Tenant tenant, DeadLetterId id, ConsumerRecord<byte[], byte[]> said) {
        boolean unusedWasThere = remove(tenant, id);
        DeadLetter whole = read(tenant, id, said, DeadLetter.State.PARKED, number(said));
        DeadLetter outline = whole == null ? null : outline(whole, state(said));
        shelves.computeIfAbsent(tenant, any -> new TreeMap<>()).put(id, new Entry(outline, said.offset()));
        if (outline != null) {
            outline.sequence()
                    .ifPresent(sequence -> sequences
                            .computeIfAbsent(sequence, any -> new TreeMap<>())
                            .put(outline.number(), id));
        }
    }

    /** A letter that was there already says its number; that of a new one is its offset. */
    private static long number(ConsumerRecord<byte[], byte[]> said) {
        Header header = said.headers().lastHeader(NUMBER);
        try {
            return header == null
                    ? said.offset()
                    : Long.parseLong(new String(header.value(), StandardCharsets.US_ASCII));
        } catch (NumberFormatException e) {
            return said.offset();
        }
    }

    private static DeadLetter.State state(ConsumerRecord<byte[], byte[]> said) {
        Header header = said.headers().lastHeader(LetterTopics.STATE_HEADER);
        return header != null
                        && DeadLetter.State.REDRIVING
                                .name()
                                .equals(new String(header.value(), StandardCharsets.US_ASCII))
                ? DeadLetter.State.REDRIVING
                : DeadLetter.State.PARKED;
    }

    /** The whole letter of a record; null if it is damaged, or another tenant's. */
    static @Nullable DeadLetter read(
            Tenant tenant, DeadLetterId id, ConsumerRecord<byte[], byte[]> said, DeadLetter.State state, long number) {
        if (said.value() == null || !DeadLetterCodec.isIntact(said.value())) {
            return null;
        }
        DeadLetter letter = DeadLetterCodec.read(id, state, number, said.value());
        return letter.address().tenant().equals(tenant) ? letter : null;
    }

    private static DeadLetter outline(DeadLetter letter, DeadLetter.State state) {
        DeadLetter.Builder outline = DeadLetter.builder(
                        letter.id(), letter.address(), new byte[0], letter.provider(), letter.time())
                .cause(letter.code(), letter.reason())
                .state(state);
        letter.subscription().ifPresent(name -> outline.subscription(name, letter.ofGroup()));
        letter.sequence().ifPresent(sequence -> outline.sequence(sequence, letter.number(), letter.follower()));
        return outline.build();
    }

    private boolean change(Tenant tenant, DeadLetterId id, String fromTo) {
        Entry entry = find(tenant, id);
        DeadLetter outline = entry == null ? null : entry.outline;
        if (entry == null || outline == null || !fromTo.startsWith(outline.state() + " ")) {
            return false;
        }
        try {
            DeadLetter.State to = DeadLetter.State.valueOf(fromTo.substring(fromTo.indexOf(' ') + 1));
            shelves.computeIfAbsent(tenant, any -> new TreeMap<>())
                    .put(id, new Entry(outline.toBuilder().state(to).build(), entry.offset));
            return true;
        } catch (IllegalArgumentException newer) {
            return false;
        }
    }

    private boolean remove(Tenant tenant, DeadLetterId id) {
        TreeMap<DeadLetterId, Entry> shelf = shelves.get(tenant);
        Entry entry = shelf == null ? null : shelf.remove(id);
        if (shelf == null || entry == null) {
            return false;
        }
        if (shelf.isEmpty()) {
            shelves.remove(tenant);
        }
        if (entry.outline != null) {
            long number = entry.outline.number();
            entry.outline
                    .sequence()
                    .ifPresent(sequence -> sequences.computeIfPresent(sequence, (any, members) -> {
                        members.remove(number);
                        return members.isEmpty() ? null : members;
                    }));
        }
        return true;
    }

    @Nullable
    Entry find(Tenant tenant, DeadLetterId id) {
        TreeMap<DeadLetterId, Entry> shelf = shelves.get(tenant);
        return shelf == null ? null : shelf.get(id);
    }

    int count(Tenant tenant) {
        TreeMap<DeadLetterId, Entry> shelf = shelves.get(tenant);
        return shelf == null ? 0 : shelf.size();
    }

    /** A tenant's letters in order. */
    List<Map.Entry<DeadLetterId, Entry>> after(Tenant tenant, @Nullable DeadLetterId after) {
        TreeMap<DeadLetterId, Entry> shelf = shelves.get(tenant);
        return shelf == null
                ? List.of()
                : List.copyOf((after == null ? shelf : shelf.tailMap(after, false)).entrySet());
    }

    @Nullable
    DeadLetterId head(DeadLetter.SequenceId sequence) {
        TreeMap<Long, DeadLetterId> members = sequences.get(sequence);
        return members == null ? null : members.firstEntry().getValue();
    }
}
