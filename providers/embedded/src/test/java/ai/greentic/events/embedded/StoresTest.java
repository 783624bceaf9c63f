package ai.greentic.events.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventId;
import ai.greentic.events.EventsException;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.memory.MemoryAttemptStore;
import ai.greentic.events.memory.MemoryDeadLetterStore;
import ai.greentic.events.memory.MemoryIdempotencyStore;
import ai.greentic.events.spi.AttemptStore;
import ai.greentic.events.spi.Claim;
import ai.greentic.events.spi.Consumer;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterGroup;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.ForwardStore;
import ai.greentic.events.spi.IdempotencyKey;
import ai.greentic.events.spi.IdempotencyStore;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The stores on disk do what those in memory do, and still know it after they were closed. */
class StoresTest {
    private static final Tenant ACME = new Tenant("test", "acme");
    private static final Tenant GLOBEX = new Tenant("test", "globex");

    @TempDir
    Path directory;

    private final Rig.Clock clock = new Rig.Clock();

    private Rig rig(Map<String, ?> settings) {
        return new Rig(directory, clock, settings, Store.Seams.NONE);
    }

    private static Random random(String what) {
        long seed = Long.getLong("stores.seed", System.nanoTime());
        System.out.println(what + ": stores.seed=" + seed);
        return new Random(seed);
    }

    private static DeadLetter letter(int number, Random random) {
        Tenant tenant = random.nextInt(3) == 0 ? GLOBEX : ACME;
        TenantTopic address = new TenantTopic(tenant, new Topic("orders.t" + random.nextInt(4)));
        byte[] bytes = new byte[random.nextInt(300)];
        random.nextBytes(bytes);
        DeadLetter.Builder letter = DeadLetter.builder(
                        new DeadLetterId(String.format(java.util.Locale.ROOT, "dl-%06d", number)),
                        address,
                        bytes,
                        "p",
                        Instant.ofEpochSecond(1_700_000_000L + number, number))
                .cause(
                        random.nextBoolean() ? ErrorCode.HANDLER_FAILED : ErrorCode.PROVIDER_UNAVAILABLE,
                        "why " + number)
                .attempts(
                        3,
                        List.of(new DeadLetter.Attempt(
                                Instant.ofEpochMilli(number), ErrorCode.HANDLER_FAILED, "\u00e4\ud83d\ude80", "h")));
        if (random.nextBoolean()) {
            letter.subscription("g" + random.nextInt(2), true).eventId(new EventId("evt-" + number));
            if (random.nextBoolean()) {
                letter.sequence(
                        new DeadLetter.SequenceId(address, "g", "k" + random.nextInt(3)), 0, random.nextBoolean());
            }
        }
        if (random.nextBoolean()) {
            letter.idempotencyKey("once")
                    .traceId("0af7651916cd43dd8448eb211c80319c")
                    .redrives(2);
        }
        return letter.build();
    }

    @Test
    void deadLettersAreKeptAsInMemory() {
        Random random = random("dead letters");
        MemoryDeadLetterStore model = new MemoryDeadLetterStore();
        for (int life = 0; life < 3; life++) {
            try (Rig rig = rig(Map.of())) {
                DeadLetterStore disk = rig.store.deadLetters();
                compare(model, disk, random);
                for (int i = 0; i < 150; i++) {
                    int number = random.nextInt(200);
                    DeadLetter letter = letter(number, random);
                    Tenant tenant = letter.address().tenant();
                    switch (random.nextInt(6)) {
                        case 0 ->
                            assertThat(disk.remove(tenant, letter.id())).isEqualTo(model.remove(tenant, letter.id()));
                        case 1 ->
                            assertThat(disk.change(
                                            tenant, letter.id(), DeadLetter.State.PARKED, DeadLetter.State.REDRIVING))
                                    .isEqualTo(model.change(
                                            tenant, letter.id(), DeadLetter.State.PARKED, DeadLetter.State.REDRIVING));
                        default -> {
                            if (model.find(tenant, letter.id()).isEmpty()) {
                                model.put(letter);
                                disk.put(letter);
                            }
                        }
                    }
                }
                compare(model, disk, random);
            }
        }
        assertThat(EmbeddedStore.examine(directory, false).problems()).isEmpty();
    }

    private static void compare(DeadLetterStore model, DeadLetterStore disk, Random random) {
        List<DeadLetterFilter> filters = new ArrayList<>(List.of(
                DeadLetterFilter.ALL,
                DeadLetterFilter.ALL.topics(TopicPattern.of("*.t1")),
                DeadLetterFilter.ALL.codes(Set.of(ErrorCode.HANDLER_FAILED)),
                DeadLetterFilter.ALL.subscription("g1"),
                DeadLetterFilter.ALL
                        .from(Instant.ofEpochSecond(1_700_000_050L))
                        .to(Instant.ofEpochSecond(1_700_000_150L)),
                DeadLetterFilter.ALL.ids(Set.of(new DeadLetterId("dl-000007"), new DeadLetterId("dl-000011")))));
        for (Tenant tenant : List.of(ACME, GLOBEX, new Tenant("test", "nobody"))) {
            for (DeadLetterFilter filter : filters) {
                DeadLetterId after = null;
                while (true) {
                    int max = 1 + random.nextInt(20);
                    List<DeadLetter> expected = model.list(tenant, filter, after, max);
                    List<DeadLetter> found = disk.list(tenant, filter, after, max);
                    assertThat(found)
                            .usingElementComparator(Comparator.comparing(StoresTest::all))
                            .isEqualTo(expected);
                    if (expected.isEmpty()) {
                        break;
                    }
                    after = expected.get(expected.size() - 1).id();
                }
                Comparator<DeadLetterGroup> order =
                        Comparator.comparing(group -> group.code() + " " + group.topic() + " " + group.subscription());
                assertThat(disk.groups(tenant, filter).stream().sorted(order).toList())
                        .isEqualTo(model.groups(tenant, filter).stream()
                                .sorted(order)
                                .toList());
            }
            for (int topic = 0; topic < 4; topic++) {
                for (int key = 0; key < 3; key++) {
                    DeadLetter.SequenceId sequence = new DeadLetter.SequenceId(
                            new TenantTopic(tenant, new Topic("orders.t" + topic)), "g", "k" + key);
                    assertThat(disk.head(sequence).map(StoresTest::all))
                            .isEqualTo(model.head(sequence).map(StoresTest::all));
                }
            }
        }
    }

    private static String all(DeadLetter letter) {
        return letter.id() + " " + letter.address() + " " + letter.provider() + " " + letter.time() + " "
                + letter.eventId() + " " + letter.subscription() + " " + letter.ofGroup() + " " + letter.attempts()
                + " "
                + letter.history() + " " + letter.code() + " " + letter.reason() + " " + letter.sequence() + " "
                + letter.number() + " " + letter.follower() + " " + letter.idempotencyKey() + " " + letter.traceId()
                + " "
                + letter.redrives() + " " + letter.state() + " " + java.util.Arrays.hashCode(letter.encoded());
    }

    @Test
    void P10_deadLettersBeyondTheBoundAreRefused() {
        try (Rig rig = rig(Map.of("max_dead_letters", 2L))) {
            Random random = new Random(1);
            List<DeadLetter> letters = new ArrayList<>();
            for (int i = 0; letters.size() < 3; i++) {
                DeadLetter letter = letter(i, random);
                if (letter.address().tenant().equals(ACME)) {
                    letters.add(letter);
                }
            }
            rig.store.deadLetters().put(letters.get(0));
            rig.store.deadLetters().put(letters.get(1));
            rig.store.deadLetters().put(letters.get(1));
            assertThatThrownBy(() -> rig.store.deadLetters().put(letters.get(2)))
                    .isInstanceOfSatisfying(EventsException.class, e -> {
                        assertThat(e.code()).isEqualTo(ErrorCode.DEAD_LETTERS_FULL);
                        assertThat(e).hasMessageContaining("max_dead_letters");
                    });
        }
    }

    private static IdempotencyKey key(int number) {
        Tenant tenant = number % 2 == 0 ? ACME : GLOBEX;
        return new IdempotencyKey(
                IdempotencyKey.Use.PUBLISH, new TenantTopic(tenant, new Topic("a.b")), "key-" + number / 2);
    }

    @Test
    void P3_claimsAreKeptAsInMemory() {
        Random random = random("claims");
        MemoryIdempotencyStore model = new MemoryIdempotencyStore(clock, Duration.ofHours(1), 1000, 1000);
        Map<Integer, Claim> heldByModel = new HashMap<>();
        Map<Integer, Claim> heldByDisk = new HashMap<>();
        try (Rig rig = rig(Map.of("idempotency_window", "1h"))) {
            IdempotencyStore disk = rig.store.idempotency();
            for (int i = 0; i < 1500; i++) {
                int number = random.nextInt(12);
                if (heldByModel.containsKey(number) && random.nextInt(3) > 0) {
                    Claim ours = heldByModel.remove(number);
                    Claim theirs = java.util.Objects.requireNonNull(heldByDisk.remove(number));
                    switch (random.nextInt(3)) {
                        case 0 -> {
                            PublishReceipt receipt = PublishReceipt.published(
                                    ours.eventId(),
                                    "p",
                                    2,
                                    true,
                                    random.nextBoolean() ? null : new ai.greentic.events.Position("p", "at " + i));
                            model.complete(ours, receipt);
                            disk.complete(theirs, receipt);
                        }
                        case 1 -> {
                            model.abandon(ours);
                            disk.abandon(theirs);
                        }
                        default -> {
                            model.doubt(ours);
                            disk.doubt(theirs);
                        }
                    }
                } else {
                    EventId event = new EventId("evt-" + i);
                    long hash = random.nextInt(8) == 0 ? 2 : 1;
                    Claim ours = model.claim(key(number), event, hash);
                    Claim theirs = disk.claim(key(number), event, hash);
                    assertThat(said(() -> theirs)).isEqualTo(said(() -> ours));
                    if (ours.isHeld()) {
                        heldByModel.put(number, ours);
                        heldByDisk.put(number, theirs);
                    }
                }
                if (random.nextInt(40) == 0 && heldByModel.isEmpty()) {
                    clock.pass(Duration.ofMinutes(20));
                }
            }
        }
    }

    private static String said(Supplier<Claim> claim) {
        Claim one = claim.get();
        return one.state() + " " + one.eventId() + " "
                + one.receipt().map(receipt -> receipt + " " + receipt.attempts() + receipt.durable());
    }

    @Test
    void P3_aClaimWhoseOwnerDiedIsInDoubt() {
        try (Rig rig = rig(Map.of())) {
            Claim first = rig.store.idempotency().claim(key(0), new EventId("evt-1"), 7);
            assertThat(first.state()).isEqualTo(Claim.State.FRESH);
            assertThat(rig.store
                            .idempotency()
                            .claim(key(0), new EventId("evt-2"), 7)
                            .state())
                    .isEqualTo(Claim.State.IN_FLIGHT);
        }
        try (Rig rig = rig(Map.of())) {
            Claim second = rig.store.idempotency().claim(key(0), new EventId("evt-3"), 7);
            assertThat(second.state()).isEqualTo(Claim.State.IN_DOUBT);
            assertThat(second.eventId()).isEqualTo(new EventId("evt-1"));
            rig.store.idempotency().complete(second, PublishReceipt.published(second.eventId(), "p", 1, true, null));
        }
        try (Rig rig = rig(Map.of())) {
            assertThat(rig.store
                            .idempotency()
                            .claim(key(0), new EventId("evt-4"), 7)
                            .state())
                    .isEqualTo(Claim.State.COMPLETED);
            assertThat(rig.store
                            .idempotency()
                            .claim(key(0), new EventId("evt-4"), 8)
                            .state())
                    .isEqualTo(Claim.State.REUSED);
            clock.pass(Duration.ofHours(37));
            assertThat(rig.store
                            .idempotency()
                            .claim(key(0), new EventId("evt-5"), 8)
                            .state())
                    .isEqualTo(Claim.State.FRESH);
        }
    }

    @Test
    void P10_aFullWindowRefusesAndForgetsNothing() {
        try (Rig rig = rig(Map.of("max_keys_of_tenant", 3L))) {
            IdempotencyStore store = rig.store.idempotency();
            for (int i = 0; i < 3; i++) {
                assertThat(store.claim(key(2 * i), new EventId("evt-" + i), 1).isHeld())
                        .isTrue();
            }
            assertThatThrownBy(() -> store.claim(key(6), new EventId("evt-6"), 1))
                    .isInstanceOfSatisfying(
                            EventsException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.IDEMPOTENCY_WINDOW_FULL));
            assertThat(store.claim(key(7), new EventId("evt-7"), 1).isHeld()).isTrue();
            assertThat(store.claim(key(0), new EventId("evt-8"), 1).state()).isEqualTo(Claim.State.IN_FLIGHT);
        }
    }

    @Test
    void P8_attemptsAreKeptAsInMemoryAndWhatWasInHandIsSuspect() {
        Random random = random("attempts");
        MemoryAttemptStore model = new MemoryAttemptStore();
        Consumer consumer = new Consumer(TenantContext.of("test", "acme"), "g", "p");
        Set<EventId> inHand = new java.util.LinkedHashSet<>();
        for (int life = 0; life < 4; life++) {
            try (Rig rig = rig(Map.of())) {
                AttemptStore disk = rig.store.attempts();
                for (int i = 0; i < 200; i++) {
                    Set<EventId> some = new java.util.LinkedHashSet<>();
                    for (int n = random.nextInt(4); n >= 0; n--) {
                        EventId event = new EventId("evt-" + random.nextInt(30));
                        if (!inHand.contains(event)) {
                            some.add(event);
                        }
                    }
                    Map<EventId, AttemptStore.Known> expected = model.taken(consumer, some);
                    Map<EventId, AttemptStore.Known> known = new HashMap<>(disk.taken(consumer, some));
                    // Taken at once with one that was in hand at the end, an event may be suspected without need.
                    known.replaceAll((event, what) -> {
                        AttemptStore.Known meant = expected.get(event);
                        return meant == null
                                ? what
                                : new AttemptStore.Known(what.attempts(), what.suspect() && meant.suspect());
                    });
                    known.entrySet()
                            .removeIf(one -> !expected.containsKey(one.getKey())
                                    && one.getValue().equals(new AttemptStore.Known(0, true)));
                    assertThat(known).isEqualTo(expected);
                    inHand.addAll(some);
                    for (EventId event : List.copyOf(inHand)) {
                        int attempts = 1 + random.nextInt(4);
                        switch (random.nextInt(4)) {
                            case 0 -> {
                                disk.attempted(consumer, event, attempts);
                                model.attempted(consumer, event, attempts);
                            }
                            case 1 -> {
                                disk.released(consumer, event, attempts);
                                model.released(consumer, event, attempts);
                                inHand.remove(event);
                            }
                            default -> {
                                disk.ended(consumer, List.of(event));
                                model.ended(consumer, List.of(event));
                                inHand.remove(event);
                            }
                        }
                    }
                }
                // What is still in hand when the store closes is what a dead process had: both call it suspect.
                inHand.clear();
            }
        }
    }

    @Test
    void P6_whatWaitsIsKeptInOrderBehindItsKey() {
        Instant later = clock.now().plus(Duration.ofHours(1));
        try (Rig rig = rig(Map.of("max_forward", 5L))) {
            ForwardStore store = rig.store.forwards();
            List<ai.greentic.events.spi.OutboundEvent> two = List.of(event("k", "1"), event("other", "2"));
            assertThat(store.follow("r", two)).containsExactly(false, false);
            store.keep("r", event("k", "1"), null);
            assertThat(store.follow("r", List.of(event("k", "2"), event("other", "3"), event(null, "4"))))
                    .containsExactly(true, false, false);
            store.keep("r", event(null, "later"), later);
            store.keep("elsewhere", event("k", "5"), null);
            assertThat(store.waiting("r")).isEqualTo(3);
            assertThat(store.lead("r")).isTrue();
            assertThat(store.lead("r")).isTrue();
            assertThatThrownBy(() -> {
                        store.keep("r", event("k", "6"), null);
                        store.keep("r", event("k", "7"), null);
                    })
                    .isInstanceOfSatisfying(
                            EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.FORWARD_STORE_FULL));
        }
        try (Rig rig = rig(Map.of())) {
            ForwardStore store = rig.store.forwards();
            assertThat(store.lead("r")).isTrue();
            List<ForwardStore.Waiting> due = store.due("r", clock.now(), 10);
            assertThat(due.stream().map(StoresTest::text)).containsExactly("1", "2", "6");
            store.sent("r", due.stream().map(ForwardStore.Waiting::number).toList());
            assertThat(store.due("r", clock.now(), 10)).isEmpty();
            assertThat(store.follow("r", List.of(event("k", "8")))).containsExactly(false);
            clock.pass(Duration.ofHours(1));
            assertThat(store.due("r", clock.now(), 10).stream().map(StoresTest::text))
                    .containsExactly("later");
            store.resign("r");
        }
    }

    private static Rig.Out event(@org.jspecify.annotations.Nullable String key, String text) {
        return Rig.event(Rig.ACME, "a.b", key, text, ai.greentic.events.Marks.NONE);
    }

    private static String text(ForwardStore.Waiting waiting) {
        return ai.greentic.events.codec.EnvelopeCodec.STANDARD
                .decode(waiting.encoded())
                .payload()
                .json()
                .replace("\"", "");
    }
}
