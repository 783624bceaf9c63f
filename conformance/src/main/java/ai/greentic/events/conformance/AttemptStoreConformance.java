package ai.greentic.events.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.EventId;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.spi.AttemptStore;
import ai.greentic.events.spi.AttemptStore.Known;
import ai.greentic.events.spi.Consumer;
import ai.greentic.events.spi.StoreScope;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** What every {@link AttemptStore} must do. Extend it and say where the store is. */
public abstract class AttemptStoreConformance extends StoreConformance<AttemptStore> {
    private static final Consumer CONSUMER = new Consumer(TenantContext.of("test", "acme"), "g", "p");

    /** For subclasses. */
    protected AttemptStoreConformance() {}

    private Map<EventId, Known> taken(long... events) {
        return store().taken(
                        CONSUMER,
                        LongStream.of(events).mapToObj(StoreConformance::event).toList());
    }

    @Test
    void P8_nothingIsKnownOfANewEvent() {
        assertThat(taken(1, 2, 3)).isEmpty();
    }

    @Test
    void P8_attemptsCountOnAfterARelease() throws Exception {
        var unused = taken(1, 2);
        store().attempted(CONSUMER, event(1), 1);
        store().attempted(CONSUMER, event(1), 2);
        store().released(CONSUMER, event(1), 2);
        store().released(CONSUMER, event(2), 0);
        for (int life = 0; life < 3; life++) {
            Map<EventId, Known> known = taken(1, 2);
            assertThat(known.get(event(1))).isEqualTo(new Known(2, false));
            Known second = known.get(event(2));
            assertThat(second == null || second.equals(new Known(0, false))).isTrue();
            store().released(CONSUMER, event(1), 2);
            store().released(CONSUMER, event(2), 0);
            reopened();
        }
    }

    @Test
    void P8_whatEndedIsForgotten() throws Exception {
        var unused = taken(1, 2);
        store().attempted(CONSUMER, event(1), 3);
        store().ended(CONSUMER, List.of(event(1), event(2)));
        assertThat(taken(1, 2)).isEmpty();
        store().ended(CONSUMER, List.of(event(1), event(2)));
        assertThat(reopened().taken(CONSUMER, List.of(event(1), event(2)))).isEmpty();
    }

    /** What was in hand when its process ended may have been the cause. */
    @Test
    void P8_whatWasInHandOfAProcessThatEndedIsSuspect() throws Exception {
        boolean outlives = store().scope() != StoreScope.PROCESS;
        var unused = taken(1, 2);
        var unusedToo = taken(3);
        store().attempted(CONSUMER, event(1), 1);
        store().released(CONSUMER, event(3), 0);
        Map<EventId, Known> known = reopened().taken(CONSUMER, List.of(event(1), event(2), event(3), event(4)));
        if (outlives) {
            assertThat(known.get(event(1))).isEqualTo(new Known(1, true));
            assertThat(known.get(event(2))).extracting(Known::suspect).isEqualTo(true);
        }
        assertThat(known).doesNotContainKey(event(4));
        Known third = known.get(event(3));
        assertThat(third == null || !third.suspect()).isTrue();
    }

    @Test
    void P4_consumersAreApart() {
        var unused = taken(1);
        store().attempted(CONSUMER, event(1), 3);
        store().released(CONSUMER, event(1), 3);
        for (Consumer other : List.of(
                new Consumer(TenantContext.of("test", "globex"), "g", "p"),
                new Consumer(TenantContext.of("prod", "acme"), "g", "p"),
                new Consumer(TenantScope.all("test"), "g", "p"),
                new Consumer(TenantContext.of("test", "acme"), "h", "p"),
                new Consumer(TenantContext.of("test", "acme"), "g", "q"))) {
            assertThat(store().taken(other, List.of(event(1)))).as("%s", other).isEmpty();
        }
        assertThat(taken(1).get(event(1))).isEqualTo(new Known(3, false));
    }
}
