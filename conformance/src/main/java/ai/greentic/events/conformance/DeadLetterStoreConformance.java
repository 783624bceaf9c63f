package ai.greentic.events.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.Tenant;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.memory.MemoryDeadLetterStore;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterGroup;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.spi.DeadLetterStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What every {@link DeadLetterStore} must do. Extend it and say where the store is. */
public abstract class DeadLetterStoreConformance extends StoreConformance<DeadLetterStore> {
    static final Instant EPOCH = Instant.ofEpochSecond(1_700_000_000L);

    /** For subclasses. */
    protected DeadLetterStoreConformance() {}

    static DeadLetterId id(int number) {
        return new DeadLetterId(String.format(Locale.ROOT, "dl-%06d", number));
    }

    /** A letter with everything that the number says. */
    private static DeadLetter letter(Tenant tenant, int number) {
        byte[] bytes = new byte[number % 300];
        java.util.Arrays.fill(bytes, (byte) number);
        DeadLetter.Builder letter = DeadLetter.builder(
                        id(number), address(tenant, "orders.t" + number % 4), bytes, "p", EPOCH.plusSeconds(number))
                .cause(number % 3 == 0 ? ErrorCode.HANDLER_FAILED : ErrorCode.PROVIDER_UNAVAILABLE, "why ü " + number)
                .attempts(
                        number % 5 + 1,
                        List.of(
                                new DeadLetter.Attempt(EPOCH, ErrorCode.HANDLER_FAILED, "first ä🚀", "host-a"),
                                new DeadLetter.Attempt(
                                        EPOCH.plusMillis(1), ErrorCode.DEADLINE_EXCEEDED, "", "host-b")));
        if (number % 2 == 0) {
            letter.subscription("g" + number % 3, true).eventId(event(number));
        }
        if (number % 4 == 0) {
            letter.idempotencyKey("once")
                    .traceId("0af7651916cd43dd8448eb211c80319c")
                    .redrives(2);
        }
        return letter.build();
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

    private static List<DeadLetterId> ids(List<DeadLetter> letters) {
        return letters.stream().map(DeadLetter::id).toList();
    }

    @Test
    void P2_aLetterIsKeptWholeAndForTheNextProcess() throws Exception {
        for (int number = 0; number < 40; number++) {
            store().put(letter(ACME, number));
        }
        for (int life = 0; life < 2; life++) {
            for (int number = 0; number < 40; number++) {
                assertThat(store().find(ACME, id(number)).map(DeadLetterStoreConformance::all))
                        .contains(all(letter(ACME, number)));
            }
            reopened();
        }
    }

    @Test
    void P4_lettersBelongToTheirTenant() {
        store().put(letter(ACME, 1));
        Tenant elsewhere = new Tenant("prod", "acme");
        for (Tenant other : List.of(GLOBEX, elsewhere)) {
            assertThat(store().find(other, id(1))).isEmpty();
            assertThat(store().list(other, DeadLetterFilter.ALL, null, 10)).isEmpty();
            assertThat(store().groups(other, DeadLetterFilter.ALL)).isEmpty();
            assertThat(store().remove(other, id(1))).isFalse();
            assertThat(store().change(other, id(1), DeadLetter.State.PARKED, DeadLetter.State.REDRIVING))
                    .isFalse();
        }
        assertThat(store().find(ACME, id(1))).isPresent();
    }

    @Test
    void P2_pagesFitTogetherWhileLettersComeAndGo() {
        for (int number = 0; number < 100; number++) {
            store().put(letter(ACME, number));
        }
        List<DeadLetterId> seen = new ArrayList<>();
        DeadLetterId after = null;
        int next = 100;
        for (List<DeadLetter> page = store().list(ACME, DeadLetterFilter.ALL, null, 7);
                !page.isEmpty() && seen.size() < 1_000;
                page = store().list(ACME, DeadLetterFilter.ALL, after, 7)) {
            seen.addAll(ids(page));
            after = seen.get(seen.size() - 1);
            // One more at the end, and the last one of the page goes.
            if (next < 120) {
                store().put(letter(ACME, next++));
            }
            assertThat(store().remove(ACME, after)).isTrue();
        }
        assertThat(seen).isSorted().doesNotHaveDuplicates();
        assertThat(seen).hasSize(next);
    }

    @Test
    void P2_filtersFindWhatMatchesAndGroupsCountIt() {
        List<DeadLetter> letters = new ArrayList<>();
        for (int number = 0; number < 200; number++) {
            DeadLetter letter = letter(ACME, number);
            letters.add(letter);
            store().put(letter);
        }
        for (DeadLetterFilter filter : List.of(
                DeadLetterFilter.ALL,
                DeadLetterFilter.ALL.topics(TopicPattern.of("orders.t1")),
                DeadLetterFilter.ALL.topics(TopicPattern.of("*.t?")),
                DeadLetterFilter.ALL.codes(Set.of(ErrorCode.HANDLER_FAILED)),
                DeadLetterFilter.ALL.subscription("g1"),
                DeadLetterFilter.ALL.from(EPOCH.plusSeconds(50)).to(EPOCH.plusSeconds(150)),
                DeadLetterFilter.ALL.ids(Set.of(id(7), id(11), id(999))),
                DeadLetterFilter.ALL.topics(TopicPattern.of("nothing")))) {
            List<DeadLetterId> expected =
                    letters.stream().filter(filter::matches).map(DeadLetter::id).toList();
            assertThat(ids(store().list(ACME, filter, null, 1_000))).isEqualTo(expected);
            List<DeadLetterGroup> groups = store().groups(ACME, filter);
            assertThat(groups.stream().mapToLong(DeadLetterGroup::count).sum()).isEqualTo(expected.size());
            assertThat(groups).isSortedAccordingTo(Comparator.comparingLong(group -> -group.count()));
        }
    }

    @Test
    void P2_aStateChangesOnceAndALetterGoesOnce() throws Exception {
        store().put(letter(ACME, 1));
        assertThat(store().change(ACME, id(1), DeadLetter.State.REDRIVING, DeadLetter.State.PARKED))
                .isFalse();
        assertThat(store().change(ACME, id(1), DeadLetter.State.PARKED, DeadLetter.State.REDRIVING))
                .isTrue();
        assertThat(store().change(ACME, id(1), DeadLetter.State.PARKED, DeadLetter.State.REDRIVING))
                .isFalse();
        reopened();
        assertThat(store().find(ACME, id(1)).map(DeadLetter::state)).contains(DeadLetter.State.REDRIVING);
        assertThat(store().remove(ACME, id(1))).isTrue();
        assertThat(store().remove(ACME, id(1))).isFalse();
        assertThat(store().find(ACME, id(1))).isEmpty();
    }

    @Test
    void P2_aLetterThatIsThereIsReplacedInItsPlace() {
        for (int number = 0; number < 3; number++) {
            store().put(letter(ACME, number));
        }
        store().put(letter(ACME, 1).toBuilder()
                .cause(ErrorCode.CORRUPT_EVENT, "worse")
                .build());
        List<DeadLetter> letters = store().list(ACME, DeadLetterFilter.ALL, null, 10);
        assertThat(ids(letters)).containsExactly(id(0), id(1), id(2));
        assertThat(letters.get(1).code()).isEqualTo(ErrorCode.CORRUPT_EVENT);
    }

    /** The letters of a held key: the first one holds it, the others stand behind it in the order of coming. */
    @Test
    void P6_aSequenceHasAHeadAndKeepsItsOrder() throws Exception {
        DeadLetter.SequenceId sequence = new DeadLetter.SequenceId(address(ACME, "orders.t1"), "g", "k");
        DeadLetter.SequenceId other = new DeadLetter.SequenceId(address(ACME, "orders.t1"), "g", "other");
        assertThat(store().head(sequence)).isEmpty();
        for (int number = 1; number < 60; number += 4) {
            store().put(letter(ACME, number).toBuilder()
                    .sequence(sequence, 0, number > 1)
                    .build());
        }
        assertThat(store().head(other)).isEmpty();
        List<Long> numbers = new ArrayList<>();
        List<DeadLetterId> order = new ArrayList<>();
        for (DeadLetter head = store().head(sequence).orElse(null);
                head != null;
                head = reopened().head(sequence).orElse(null)) {
            numbers.add(head.number());
            order.add(head.id());
            assertThat(store().remove(ACME, head.id())).isTrue();
        }
        assertThat(order).hasSize(15).isSorted();
        assertThat(numbers).isSorted().doesNotHaveDuplicates();
    }

    /** Any sequence of calls, beside the store in memory. */
    @Test
    void P2_agreesWithTheStoreInMemoryOverManySteps() throws Exception {
        MemoryDeadLetterStore model = new MemoryDeadLetterStore();
        for (int step = 0; step < Size.of(20_000, 1_000); step++) {
            int number = random.nextInt(60);
            Tenant tenant = number % 5 == 0 ? GLOBEX : ACME;
            switch (random.nextInt(7)) {
                case 0 ->
                    assertThat(store().remove(tenant, id(number)))
                            .as("step %d of %s", step, seed())
                            .isEqualTo(model.remove(tenant, id(number)));
                case 1 ->
                    assertThat(store().change(tenant, id(number), DeadLetter.State.PARKED, DeadLetter.State.REDRIVING))
                            .as("step %d of %s", step, seed())
                            .isEqualTo(model.change(
                                    tenant, id(number), DeadLetter.State.PARKED, DeadLetter.State.REDRIVING));
                case 2 ->
                    assertThat(ids(store().list(tenant, DeadLetterFilter.ALL, id(number), 5)))
                            .as("step %d of %s", step, seed())
                            .isEqualTo(ids(model.list(tenant, DeadLetterFilter.ALL, id(number), 5)));
                default -> {
                    store().put(letter(tenant, number));
                    model.put(letter(tenant, number));
                }
            }
            if (random.nextInt(200) == 0) {
                reopened();
            }
        }
    }
}
