package ai.greentic.events.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.bus.PublishOptions;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.testing.Ledger;
import ai.greentic.events.testing.TestFabric;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The examples of docs/testing-your-handlers.md. */
class TestingYourHandlersTest {
    private static final TenantContext ACME = TenantContext.of("prod", "acme");

    @Test
    void anOrderIsCharged() {
        try (TestFabric fabric = TestFabric.create()) {
            List<String> charged = new ArrayList<>();
            fabric.bus().subscribe(ACME, "orders.*", delivery -> charged.add(delivery.payload(String.class)));
            fabric.bus().publish(ACME, "orders.created", "order 42");
            fabric.settle();
            assertThat(charged).containsExactly("order 42");
        }
    }

    @Test
    void aHandlerThatFailsIsCalledAgainAndThenGivenUp() {
        try (TestFabric fabric = TestFabric.create()) {
            List<Integer> attempts = new ArrayList<>();
            fabric.bus().subscribe(ACME, "orders.*", SubscribeOptions.group("billing"), delivery -> {
                attempts.add(delivery.attempt());
                throw new IllegalStateException("the bank is closed");
            });
            fabric.bus().publish(ACME, "orders.created", "order 42");
            fabric.advance(Duration.ofMinutes(10));
            assertThat(attempts).containsExactly(1, 2, 3, 4, 5);
            assertThat(fabric.deadLetters(ACME))
                    .singleElement()
                    .satisfies(letter -> assertThat(letter.code()).isEqualTo(ErrorCode.HANDLER_FAILED));
        }
    }

    @Test
    void theProviderIsAwayForAWhile() {
        try (TestFabric fabric = TestFabric.create()) {
            List<String> charged = new ArrayList<>();
            fabric.bus().subscribe(ACME, "orders.*", delivery -> charged.add(delivery.payload(String.class)));
            EventsException away = new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "the broker restarts");
            fabric.faults().failPublish(2, away).failPoll(3, away);
            fabric.bus().publish(ACME, "orders.created", "order 42");
            fabric.advance(Duration.ofMinutes(1));
            assertThat(charged).containsExactly("order 42");
        }
    }

    @Test
    void aReminderComesAnHourLater() {
        try (TestFabric fabric = TestFabric.create()) {
            List<String> reminded = new ArrayList<>();
            fabric.bus().subscribe(ACME, "reminders.*", delivery -> reminded.add(delivery.payload(String.class)));
            fabric.bus()
                    .publish(
                            fabric.bus()
                                    .newEvent(ACME, "reminders.pay")
                                    .payload(Payload.of("order 42"))
                                    .build(),
                            PublishOptions.NONE.deliverAfter(Duration.ofHours(1)));
            fabric.advance(Duration.ofMinutes(59));
            assertThat(reminded).isEmpty();
            fabric.advance(Duration.ofMinutes(2));
            assertThat(reminded).containsExactly("order 42");
        }
    }

    @Test
    void whatIsForbiddenIsRefused() {
        try (TestFabric fabric = TestFabric.create(0, builder -> builder.access(MyRules.POLICY))) {
            assertThatThrownBy(() -> fabric.bus().publish(ACME, "audit.entry", "tampered"))
                    .hasMessageContaining("audit.entry");
        }
    }

    @Test
    void nothingIsLostWhateverTheSeed() {
        for (long seed = 0; seed < 20; seed++) {
            try (TestFabric fabric = TestFabric.create(seed, builder -> {})) {
                Ledger ledger = new Ledger();
                Ledger.Reader billing = ledger.reader("billing", ACME, TopicPattern.of("orders.*"));
                fabric.bus().subscribe(ACME, "orders.*", SubscribeOptions.group("billing"), billing::handled);
                for (int i = 0; i < 100; i++) {
                    var event = fabric.bus()
                            .newEvent(ACME, "orders.created")
                            .orderingKey("customer-" + i % 7)
                            .payload(Payload.of(i))
                            .build();
                    ledger.publishing(event);
                    ledger.acknowledged(fabric.bus().publish(event).eventId());
                }
                fabric.advance(Duration.ofMinutes(1));
                assertThat(ledger.account().isSound())
                        .as("seed %d: %s", seed, ledger.account())
                        .isTrue();
                assertThat(ledger.account().reordered()).isZero();
            }
        }
    }

    /** What an application would have. */
    private static final class MyRules {
        static final ai.greentic.events.access.AccessPolicy POLICY =
                ai.greentic.events.access.AccessPolicy.of(List.of(ai.greentic.events.access.AccessRule.of(
                                ai.greentic.events.access.AccessRule.Effect.ALLOW,
                                java.util.Set.of(ai.greentic.events.access.AccessAction.PUBLISH))
                        .topics("orders.*")
                        .build()));
    }
}
