package ai.greentic.events.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.spi.ForwardStore;
import ai.greentic.events.spi.ForwardStore.Waiting;
import ai.greentic.events.spi.OutboundEvent;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What every {@link ForwardStore} must do. Extend it and say where the store is. */
public abstract class ForwardStoreConformance extends StoreConformance<ForwardStore> {
    private static final TenantContext TENANT = TenantContext.of("test", "acme");

    /** For subclasses. */
    protected ForwardStoreConformance() {}

    private static OutboundEvent outbound(TenantContext tenant, @Nullable String key, int number) {
        EventEnvelope.Builder event = EventEnvelope.builder(tenant, "away.x")
                .id(event(number))
                .type("kit.event")
                .source("kit")
                .time(Instant.EPOCH)
                .payload(Payload.of(number));
        return new Raw.Event((key == null ? event : event.orderingKey(key)).build());
    }

    private static int numberOf(Waiting waiting) {
        return EnvelopeCodec.STANDARD.decode(waiting.encoded()).payload().as(Integer.class);
    }

    private List<Integer> due(String route, int max) {
        return store().due(route, clock.now(), max).stream()
                .map(ForwardStoreConformance::numberOf)
                .toList();
    }

    @Test
    void P1_P6_whatIsKeptIsThereInOrderAlsoForTheNextProcess() throws Exception {
        List<Integer> all = new ArrayList<>();
        for (int i = 0; i < Size.of(2_000, 200); i++) {
            store().keep("r", outbound(TENANT, i % 3 == 0 ? null : "k" + i % 7, i), null);
            all.add(i);
        }
        for (int life = 0; life < 2; life++) {
            assertThat(store().lead("r")).isTrue();
            assertThat(store().waiting("r")).isEqualTo(all.size());
            assertThat(due("r", all.size() + 1)).isEqualTo(all);
            assertThat(due("r", 10)).isEqualTo(all.subList(0, 10));
            reopened();
        }
    }

    @Test
    void P6_aKeyThatWaitsIsFollowedAndNoOther() throws Exception {
        store().keep("r", outbound(TENANT, "a", 1), null);
        List<OutboundEvent> more = List.of(
                outbound(TENANT, "a", 2),
                outbound(TENANT, "b", 3),
                outbound(TENANT, null, 4),
                outbound(TenantContext.of("test", "globex"), "a", 5),
                outbound(TENANT, "a", 6));
        assertThat(store().follow("other route", more)).containsExactly(false, false, false, false, false);
        assertThat(store().follow("r", more)).containsExactly(true, false, false, false, true);
        assertThat(reopened().lead("r")).isTrue();
        assertThat(due("r", 10)).containsExactly(1, 2, 6);
        List<Waiting> waiting = store().due("r", clock.now(), 10);
        store().sent("r", waiting.stream().map(Waiting::number).toList());
        assertThat(store().follow("r", List.of(outbound(TENANT, "a", 7)))).containsExactly(false);
    }

    @Test
    void P1_whatWasSentIsForgottenAndNothingElse() throws Exception {
        for (int i = 0; i < 20; i++) {
            store().keep("r", outbound(TENANT, null, i), null);
        }
        assertThat(store().lead("r")).isTrue();
        List<Waiting> first = store().due("r", clock.now(), 5);
        store().sent("r", first.stream().map(Waiting::number).toList());
        store().sent("r", first.stream().map(Waiting::number).toList());
        assertThat(store().waiting("r")).isEqualTo(15);
        assertThat(reopened().waiting("r")).isEqualTo(15);
        assertThat(store().lead("r")).isTrue();
        assertThat(due("r", 1)).containsExactly(5);
    }

    @Test
    void P8_whatIsNotDueDoesNotComeAndHoldsNobodyUp() {
        store().keep("r", outbound(TENANT, null, 1), clock.now().plus(Duration.ofMinutes(10)));
        store().keep("r", outbound(TENANT, null, 2), null);
        assertThat(store().lead("r")).isTrue();
        assertThat(due("r", 10)).containsExactly(2);
        assertThat(store().waiting("r")).isEqualTo(2);
        clock.pass(Duration.ofMinutes(10).minusMillis(1));
        assertThat(due("r", 10)).containsExactly(2);
        clock.pass(Duration.ofMillis(1));
        assertThat(due("r", 10)).containsExactlyInAnyOrder(1, 2);
    }

    @Test
    void P4_routesAreApart() {
        store().keep("r", outbound(TENANT, "k", 1), null);
        assertThat(store().lead("s")).isTrue();
        assertThat(due("s", 10)).isEmpty();
        assertThat(store().waiting("s")).isZero();
        assertThat(store().lead("r")).isTrue();
        assertThat(due("r", 10)).containsExactly(1);
        assertThat(store().due("r", clock.now(), 1).get(0).address()).isEqualTo(address(ACME, "away.x"));
    }

    @Test
    void P6_whoLeadsMayGiveItUpAndTakeItAgain() {
        assertThat(store().lead("r")).isTrue();
        assertThat(store().lead("r")).isTrue();
        store().resign("r");
        store().resign("r");
        assertThat(store().lead("r")).isTrue();
    }
}
