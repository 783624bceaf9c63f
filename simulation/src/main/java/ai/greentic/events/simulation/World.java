package ai.greentic.events.simulation;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventId;
import ai.greentic.events.EventsException;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.memory.MemoryAttemptStore;
import ai.greentic.events.memory.MemoryDeadLetterStore;
import ai.greentic.events.memory.MemoryIdempotencyStore;
import ai.greentic.events.memory.MemoryProviderFactory;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.testing.Ledger;
import ai.greentic.events.testing.VirtualTime;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Everything in one run: virtual time, a broker, shared stores, processes, and the checkers. Belongs to the one thread that runs at a
 * time.
 */
final class World {
    static final List<TenantContext> TENANTS = List.of(
            TenantContext.of("sim", "acme"), TenantContext.of("sim", "globex"), TenantContext.of("sim", "initech"));
    static final List<String> TOPICS = List.of("orders.created", "orders.paid", "stock.moved");
    static final String FORBIDDEN = "forbidden.topic";
    /** Forbidden in every other life of a process: rules change with a restart. */
    static final String GATED = "gated.topic";

    /** Handlers of one member at once. */
    static final int CONCURRENCY = 4;

    static final int GROUPS = 2;
    static final int PROCESSES = 3;
    static final int MAX_ATTEMPTS = 6;
    static final Duration STUBBORN_DELAY = Duration.ofSeconds(4);
    static final String STUBBORN = "stubborn";
    static final String FOLLOWER = "follower";
    static final String BYSTANDER = "bystander";
    private static final int MOST_OF_A_PROMISE = 5;
    private static final int TRACE = Integer.getInteger("simulation.trace", 300);

    final long seed;
    final Plant plant;
    final VirtualTime time;
    /** Chance of the world; what steps choose comes from their own seeds. */
    final Random random;

    final EventProvider broker;
    final MemoryDeadLetterStore letters = new MemoryDeadLetterStore(1_000_000, 1L << 32);
    final MemoryIdempotencyStore keys;
    final MemoryAttemptStore attempts = new MemoryAttemptStore();
    final Ledger ledger = new Ledger();
    final List<SimProcess> processes = new ArrayList<>();
    /** Readers of all groups, by tenant and number. */
    final Map<String, Ledger.Reader> readers = new LinkedHashMap<>();

    final List<String> violations = new ArrayList<>();
    final ArrayDeque<String> trace = new ArrayDeque<>();
    private long digest = 17;
    private boolean faults = true;
    private boolean lettersFail;
    private boolean trial;

    private record Part(String tenant, String role) {}

    /** Events of the trial, by what they are in it. */
    private final Map<EventId, Part> parts = new LinkedHashMap<>();
    /** Who of them was accepted: a circuit may still be open. */
    private final Set<EventId> accepted = new LinkedHashSet<>();

    private final Map<String, EventId> firstOfKey = new HashMap<>();
    private final Map<EventId, String> keyOf = new HashMap<>();
    private final Map<String, EventId> deliveredOfKey = new HashMap<>();
    private final Map<String, Integer> lastAttempt = new HashMap<>();

    /** Redeliveries that a handler put off: until when, and in which life of which process. */
    private final Map<String, PutOff> putOff = new HashMap<>();

    /** What handlers of each group have done with. */
    private final Map<String, Set<EventId>> effects = new HashMap<>();

    private record PutOff(long untilNanos) {}

    World(long seed, Plant plant) {
        this.seed = seed;
        this.plant = plant;
        this.time = new VirtualTime(seed);
        this.random = new Random(seed ^ 0x5DEECE66DL);
        this.keys = new MemoryIdempotencyStore(time);
        MemoryProviderFactory memory = new MemoryProviderFactory();
        ProviderSettings settings =
                memory.settings().parse(Map.of("max_events", 5_000_000L, "shards", 8L), "broker", new ArrayList<>());
        this.broker = memory.create(settings, new ProviderContext("broker", time, time));
        for (TenantContext tenant : TENANTS) {
            for (int group = 0; group < GROUPS; group++) {
                String name = "g" + group;
                readers.put(name(tenant, group), ledger.reader(name, tenant, TopicPattern.of("*")));
            }
        }
        for (int i = 0; i < PROCESSES; i++) {
            processes.add(new SimProcess(this, i));
        }
    }

    static String name(TenantContext tenant, int group) {
        return tenant.tenant().name() + "/g" + group;
    }

    // Chance and faults.

    /** Whether bad things happen; at the end of a run they stop. */
    boolean faults() {
        return faults;
    }

    /** True once in so many calls. */
    boolean chance(int once) {
        return random.nextInt(once) == 0;
    }

    boolean plants(Plant what, int once) {
        return plant == what && faults && chance(once);
    }

    boolean lettersFail() {
        return lettersFail;
    }

    void lettersFail(boolean fail) {
        lettersFail = fail;
    }

    // What is seen.

    void note(String what) {
        String line = time.nanos() / 1_000_000 + " ms " + what;
        for (int i = 0; i < line.length(); i++) {
            digest = digest * 31 + line.charAt(i);
        }
        trace.addLast(line);
        if (trace.size() > TRACE) {
            trace.removeFirst();
        }
    }

    void violation(String promise, String what) {
        note("VIOLATION of " + promise + ": " + what);
        if (violations.stream().filter(one -> one.startsWith(promise + ":")).count() < MOST_OF_A_PROMISE) {
            violations.add(promise + ": " + what);
        }
    }

    /** A number that stands for everything that happened, in order. */
    long digest() {
        return digest;
    }

    // Publishing.

    void published(PublishReceipt receipt, EventId event, @Nullable String key) {
        note("receipt for " + event + ": " + receipt.status() + " " + receipt.eventId());
        if (parts.containsKey(event)) {
            accepted.add(event);
        }
        if (receipt.status() == PublishReceipt.Status.PUBLISHED
                || receipt.eventId().equals(event)) {
            ledger.acknowledged(receipt.eventId());
        }
        if (key != null) {
            EventId first = firstOfKey.putIfAbsent(key, receipt.eventId());
            if (first != null && !first.equals(receipt.eventId())) {
                violation("P3", "key " + key + " answered with " + first + " and then with " + receipt.eventId());
            }
            if (receipt.status() == PublishReceipt.Status.PUBLISHED) {
                keyOf.put(receipt.eventId(), key);
            }
        }
    }

    void keyed(EventId event, String key) {
        keyOf.put(event, key);
    }

    void refused(EventsException failure, EventId event) {
        note("publish of " + event + " failed: " + failure.code());
        ledger.refused(event);
        if (failure.code() == ErrorCode.INTERNAL_ERROR) {
            violation("P2", "a publish failed by a defect: " + failure);
        }
    }

    // Delivering.

    void delivered(SimProcess process, String group, ai.greentic.events.bus.Delivery delivery) {
        EventId id = delivery.event().id();
        String line = group + "|" + id;
        note(process + " delivers " + id + " to " + group + ", attempt " + delivery.attempt());
        if (delivery.event().topic().value().equals(FORBIDDEN)) {
            violation("P5", "an event of " + FORBIDDEN + " was delivered");
        }
        String key = keyOf.get(id);
        if (key != null) {
            EventId other = deliveredOfKey.putIfAbsent(group + "|" + key, id);
            if (other != null && !other.equals(id)) {
                violation("P3", "key " + key + " brought " + other + " and " + id + " to " + group);
            }
        }
        int last = lastAttempt.getOrDefault(line, 0);
        lastAttempt.put(line, Math.max(last, delivery.attempt()));
        if (delivery.attempt() < 1 || delivery.attempt() > last + 1) {
            violation("P8", id + " came to " + group + " as attempt " + delivery.attempt() + " after " + last);
        }
        // A publish with an unknown outcome may have left two copies, each with a place of its own.
        PutOff until = putOff.remove(line + delivery.position());
        if (until != null && time.nanos() < until.untilNanos) {
            violation(
                    "P8", id + " came to " + group + " " + (until.untilNanos - time.nanos()) / 1_000_000 + " ms early");
        }
    }

    /** A handler had its effect. Whether its ack was heard is another matter. */
    void handled(String group, EventId event) {
        effects.computeIfAbsent(group, any -> new LinkedHashSet<>()).add(event);
    }

    /** A handler wants an event later. */
    void putOff(String group, ai.greentic.events.bus.Delivery delivery, Duration delay) {
        putOff.put(
                group + "|" + delivery.event().id() + delivery.position(), new PutOff(time.nanos() + delay.toNanos()));
    }

    /** A process died, or was taken for dead: what it had put off may come at once. */
    void forgive() {
        putOff.clear();
    }

    // The end.

    /** All is well from now on. */
    void heal() {
        faults = false;
        lettersFail = false;
        note("everything is healed");
    }

    /** Events that were handled, or ended as dead letters, are dealt with. */
    private void countEnds() {
        readers.forEach((group, reader) -> effects.getOrDefault(group, Set.of()).forEach(reader::ended));
        for (TenantContext tenant : TENANTS) {
            for (DeadLetter letter : letters.list(tenant.tenant(), DeadLetterFilter.ALL, null, Integer.MAX_VALUE)) {
                EventId event = letter.eventId().orElse(null);
                if (event != null && letter.ofGroup()) {
                    Ledger.Reader reader = readers.get(
                            tenant.tenant().name() + "/" + letter.subscription().orElse(""));
                    if (reader != null) {
                        reader.ended(event);
                    }
                }
            }
        }
    }

    // The trial: a key that fails, and others beside it.

    void trial(TenantContext tenant, EventId event, String role) {
        trial = true;
        parts.put(event, new Part(tenant.tenant().name(), role));
    }

    boolean onTrial() {
        return trial;
    }

    boolean isBystander(EventId event) {
        return plays(event, BYSTANDER);
    }

    private boolean plays(EventId event, String role) {
        Part part = parts.get(event);
        return part != null && part.role.equals(role);
    }

    /** Whether no handler can deal with an event for now. */
    boolean isStubborn(EventId event) {
        return trial && plays(event, STUBBORN);
    }

    /** Everybody else was handled meanwhile, and nobody behind the failing event was. */
    void judgeTrial() {
        trial = false;
        for (String name : readers.keySet()) {
            Set<EventId> handled = effects.getOrDefault(name, Set.of());
            parts.forEach((event, part) -> {
                if (!name.startsWith(part.tenant + "/")) {
                    return;
                }
                boolean bystander = part.role.equals(BYSTANDER);
                if (bystander && accepted.contains(event) && !handled.contains(event)) {
                    violation("P7", event + " had to wait in " + name + " for another key's event");
                }
                if (!bystander && handled.contains(event)) {
                    violation("P6", event + " of " + name + " overtook the failing event of its key");
                }
            });
        }
    }

    boolean isEverythingDealtWith() {
        countEnds();
        return readers.values().stream().allMatch(reader -> reader.owed().isEmpty());
    }

    void judge() {
        countEnds();
        readers.forEach((group, reader) -> {
            List<EventId> owed = reader.owed();
            if (!owed.isEmpty()) {
                violation("P1", group + " never got " + owed.size() + " accepted events, first " + owed.get(0));
            }
        });
        Ledger.Account account = ledger.account();
        if (account.crossTenant() > 0) {
            violation("P4", account.crossTenant() + " deliveries crossed tenants");
        }
        if (account.unexpected() > 0) {
            violation("P11", account.unexpected() + " deliveries were of events that nobody published like that");
        }
        if (account.reordered() > 0) {
            violation("P6", account.reordered() + " deliveries were out of the order of their key");
        }
        processes.forEach(SimProcess::judge);
    }
}
