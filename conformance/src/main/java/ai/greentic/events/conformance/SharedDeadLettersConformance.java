package ai.greentic.events.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.DeadLetters;
import ai.greentic.events.bus.Delivery;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.PullSubscription;
import ai.greentic.events.bus.RedriveOptions;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.StoreScope;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/** What a {@link DeadLetterStore} must do besides if several hosts share it. */
public abstract class SharedDeadLettersConformance extends DeadLetterStoreConformance {
    /** For subclasses. */
    protected SharedDeadLettersConformance() {}

    /**
     * The store as another host opens it; {@link #close} closes it too.
     *
     * @param maxLetters letters of one tenant that it takes
     */
    protected abstract DeadLetterStore another(int maxLetters) throws Exception;

    /** The bus of another host, which carries every topic and keeps its dead letters there. */
    protected abstract EventBus bus();

    private static DeadLetter letter(Tenant tenant, int number) {
        return DeadLetter.builder(
                        id(number),
                        address(tenant, "orders.created"),
                        "{}".getBytes(StandardCharsets.UTF_8),
                        "p",
                        EPOCH)
                .cause(ErrorCode.HANDLER_FAILED, "why")
                .build();
    }

    @Test
    void P2_anotherHostSeesAndRedrivesWhatOneParked() throws Exception {
        expect("is a dead letter");
        TenantContext acme = TenantContext.of("dev", "acme");
        try (EventBus one = bus();
                EventBus other = bus();
                PullSubscription orders = one.pull(acme, "orders.*", SubscribeOptions.group("billing"))) {
            orders.ready().get(30, TimeUnit.SECONDS);
            one.publish(acme, "orders.created", 42);
            try (Delivery delivery = orders.next(Duration.ofSeconds(30)).orElseThrow()) {
                delivery.reject("no such customer");
            }
            DeadLetters seen = other.deadLetters(acme);
            List<DeadLetter> parked = seen.list(DeadLetterFilter.ALL, 10);
            for (int tries = 0; parked.isEmpty() && tries < 1_000; tries++) {
                Fabric.pause(Duration.ofMillis(10));
                parked = seen.list(DeadLetterFilter.ALL, 10);
            }
            assertThat(parked)
                    .singleElement()
                    .satisfies(letter -> assertThat(letter.reason()).contains("no such customer"));
            assertThat(other.deadLetters(TenantContext.of("dev", "globex")).list(DeadLetterFilter.ALL, 10))
                    .isEmpty();
            assertThat(seen.redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD)
                            .redriven())
                    .isOne();
            try (Delivery again = orders.next(Duration.ofSeconds(30)).orElseThrow()) {
                assertThat(again.payload(Integer.class)).isEqualTo(42);
                again.ack();
            }
            assertThat(one.deadLetters(acme).list(DeadLetterFilter.ALL, 10)).isEmpty();
        }
    }

    @Test
    void P2_ofManyHostsOneChangesALetter() throws Exception {
        List<DeadLetterStore> hosts = List.of(store(), another(1_000), another(1_000));
        assertThat(hosts).allMatch(host -> host.scope() == StoreScope.SHARED);
        for (int number = 0; number < Size.of(500, 20); number++) {
            DeadLetterId id = id(number);
            store().put(letter(ACME, number));
            assertThat(winners(
                            hosts, host -> host.change(ACME, id, DeadLetter.State.PARKED, DeadLetter.State.REDRIVING)))
                    .isOne();
            assertThat(winners(hosts, host -> host.remove(ACME, id))).isOne();
        }
    }

    private static long winners(List<DeadLetterStore> hosts, Predicate<DeadLetterStore> deed) {
        return hosts.parallelStream().filter(deed).count();
    }

    @Test
    void P10_aTenantsShareIsBounded() throws Exception {
        DeadLetterStore small = another(3);
        for (int number = 0; number < 3; number++) {
            small.put(letter(ACME, number));
        }
        assertThatThrownBy(() -> small.put(letter(ACME, 3)))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.DEAD_LETTERS_FULL))
                .hasMessageContaining("max_dead_letters");
        small.put(letter(GLOBEX, 3));
        assertThat(small.remove(ACME, id(1))).isTrue();
        small.put(letter(ACME, 4));
    }
}
