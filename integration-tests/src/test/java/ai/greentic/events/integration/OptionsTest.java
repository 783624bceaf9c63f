package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Marks;
import ai.greentic.events.Payload;
import ai.greentic.events.Priority;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.Interceptor;
import ai.greentic.events.bus.PublishOptions;
import ai.greentic.events.bus.PullSubscription;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.testing.TestFabric;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Time to live, scheduled delivery, priority, and interceptors. */
class OptionsTest {
    private static final TenantContext ACME = TenantContext.of("prod", "acme");

    private static EventEnvelope event(TestFabric fabric, Object payload) {
        return fabric.bus().newEvent(ACME, "a").payload(Payload.of(payload)).build();
    }

    private static ErrorCode refused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        EventsException e = catchThrowableOfType(EventsException.class, call);
        return e == null ? null : e.code();
    }

    @Test
    void anExpiredEventReachesNobodyAndIsKeptWhereThatIsWanted() throws Exception {
        try (TestFabric fabric = TestFabric.create()) {
            List<String> seen = new ArrayList<>();
            PullSubscription late = fabric.bus().pull(ACME, "a", SubscribeOptions.group("late"));
            PullSubscription keeper = fabric.bus()
                    .pull(ACME, "a", SubscribeOptions.group("keeper").deadLetterExpired(true));
            fabric.bus().subscribe(ACME, "a", d -> seen.add(d.payload(String.class)));
            fabric.bus().publish(event(fabric, "short"), PublishOptions.NONE.ttl(Duration.ofSeconds(10)));
            fabric.bus().publish(event(fabric, "long"), PublishOptions.NONE.ttl(Duration.ofHours(1)));
            fabric.advance(Duration.ofMinutes(1));
            assertThat(seen).containsExactlyInAnyOrder("short", "long");
            for (PullSubscription subscription : List.of(late, keeper)) {
                assertThat(subscription.next(9, Duration.ZERO))
                        .extracting(d -> d.payload(String.class))
                        .containsExactly("long");
            }
            assertThat(fabric.deadLetters(ACME)).singleElement().satisfies(letter -> {
                assertThat(letter.code()).isEqualTo(ErrorCode.EXPIRED);
                assertThat(letter.subscription()).contains("keeper");
            });
        }
    }

    @Test
    void aPublishThatIsRetriedBeyondItsTimeToLiveFails() {
        try (TestFabric fabric = TestFabric.create(
                0,
                b -> b.override(
                        "memory",
                        ai.greentic.events.delivery.ProviderOverrides.NONE
                                .backoff(ai.greentic.events.delivery.Backoff.FIXED)
                                .baseDelay(Duration.ofSeconds(5))))) {
            fabric.faults().failPublish(1, new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "away"));
            assertThat(refused(() ->
                            fabric.bus().publish(event(fabric, 1), PublishOptions.NONE.ttl(Duration.ofSeconds(2)))))
                    .isEqualTo(ErrorCode.EXPIRED);
        }
    }

    @Test
    void aScheduledEventComesAtItsTimeAndNotEarlier() {
        try (TestFabric fabric = TestFabric.create()) {
            List<String> seen = new ArrayList<>();
            List<Long> times = new ArrayList<>();
            fabric.bus().subscribe(ACME, "a", SubscribeOptions.group("g"), d -> {
                seen.add(d.payload(String.class));
                times.add(fabric.time().nanos());
            });
            fabric.bus().publish(event(fabric, "later"), PublishOptions.NONE.deliverAfter(Duration.ofHours(3)));
            fabric.bus()
                    .publish(
                            event(fabric, "soon"),
                            PublishOptions.NONE.deliverAt(fabric.time().now().plusSeconds(60)));
            fabric.bus()
                    .publish(
                            event(fabric, "short-lived"),
                            PublishOptions.NONE
                                    .deliverAfter(Duration.ofMinutes(2))
                                    .ttl(Duration.ofSeconds(5)));
            fabric.bus().publish(event(fabric, "now"));
            fabric.advance(Duration.ofSeconds(59));
            assertThat(seen).containsExactly("now");
            fabric.advance(Duration.ofHours(4));
            assertThat(seen)
                    .as("a time to live begins with the delivery time")
                    .containsExactly("now", "soon", "short-lived", "later");
            assertThat(times.get(3)).isGreaterThanOrEqualTo(Duration.ofHours(3).toNanos());
        }
    }

    @Test
    void urgentEventsOvertakeAndWhatCannotBeHonouredIsRefused() throws Exception {
        StubProvider plain = new StubProvider();
        try (TestFabric fabric = TestFabric.create(0, b -> b.provider("plain", plain, "plain.*"))) {
            PullSubscription pull =
                    fabric.bus().pull(ACME, "a", SubscribeOptions.group("g").maxInFlight(1));
            fabric.bus().publish(event(fabric, "first"));
            fabric.settle();
            fabric.bus().publish(event(fabric, "low"), PublishOptions.NONE.priority(Priority.LOW));
            fabric.bus().publish(event(fabric, "normal"));
            fabric.bus().publish(event(fabric, "high"), PublishOptions.NONE.priority(Priority.HIGH));
            List<String> order = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                pull.next(Duration.ofSeconds(1)).ifPresent(d -> {
                    order.add(d.payload(String.class));
                    d.ack();
                });
            }
            assertThat(order).containsExactly("first", "high", "normal", "low");
            EventEnvelope keyed = event(fabric, 1).toBuilder().orderingKey("k").build();
            assertThat(refused(() -> fabric.bus().publish(keyed, PublishOptions.NONE.priority(Priority.HIGH))))
                    .isEqualTo(ErrorCode.INVALID_ARGUMENT);
            EventEnvelope elsewhere = fabric.bus().newEvent(ACME, "plain.x").build();
            for (PublishOptions options : List.of(
                    PublishOptions.NONE.priority(Priority.HIGH),
                    PublishOptions.NONE.deliverAfter(Duration.ofMinutes(1)))) {
                assertThat(refused(() -> fabric.bus().publish(elsewhere, options)))
                        .isEqualTo(ErrorCode.UNSUPPORTED_CAPABILITY);
            }
        }
    }

    @Test
    void nobodyCanForgeOrInheritTheFabricsMarks() throws Exception {
        try (TestFabric fabric = TestFabric.create()) {
            PullSubscription pull = fabric.bus().pull(ACME, "a", SubscribeOptions.group("g"));
            Marks forged = Marks.NONE
                    .deadLetter(true)
                    .hops(9)
                    .priority(Priority.HIGH)
                    .redrive(new Marks.Redrive("dl-1", "g", 1));
            fabric.bus().publish(event(fabric, 1).withMarks(forged));
            assertThat(pull.next(Duration.ofSeconds(1)).orElseThrow().event().marks())
                    .isEqualTo(Marks.NONE);
            EventEnvelope marked = event(fabric, 1)
                    .withMarks(forged.expiresAt(fabric.time().now())
                            .deliverAt(fabric.time().now()));
            assertThat(EnvelopeCodec.STANDARD.decode(EnvelopeCodec.STANDARD.encode(marked)))
                    .isEqualTo(marked);
        }
    }

    @Test
    void interceptorsChangeAndRefuseInBothDirections() {
        Interceptor stamp = (direction, event) -> event.toBuilder()
                .metadata(
                        "stamp",
                        event.metadata().getOrDefault("stamp", "")
                                + direction.name().charAt(0))
                .build();
        Interceptor guard = (direction, event) -> {
            if (event.metadata().containsKey("forbidden")) {
                throw new IllegalStateException("secret");
            }
            return event;
        };
        Interceptor mover = (direction, event) -> event.metadata().containsKey("move")
                ? event.toBuilder()
                        .topic(new ai.greentic.events.Topic("elsewhere"))
                        .build()
                : event;
        try (TestFabric fabric =
                TestFabric.create(0, b -> b.intercept(stamp).intercept(guard).intercept(mover))) {
            List<String> seen = new ArrayList<>();
            fabric.bus().subscribe(ACME, "a", d -> seen.add(d.event().metadata().get("stamp")));
            fabric.bus().publish(event(fabric, 1));
            fabric.settle();
            assertThat(seen).containsExactly("PD");
            assertThat(refused(() -> fabric.bus()
                            .publish(event(fabric, 1).toBuilder()
                                    .metadata("forbidden", "x")
                                    .build())))
                    .isEqualTo(ErrorCode.INTERCEPTOR_FAILED);
            assertThat(refused(() -> fabric.bus()
                            .publish(event(fabric, 1).toBuilder()
                                    .metadata("move", "x")
                                    .build())))
                    .isEqualTo(ErrorCode.INTERCEPTOR_FAILED);
        }
    }

    @Test
    void anInterceptorThatRefusesADeliveryIsAFailedAttempt() {
        Interceptor refusing = (direction, event) -> {
            if (direction == Interceptor.Direction.DELIVERY) {
                throw new IllegalStateException("secret");
            }
            return event;
        };
        try (TestFabric fabric = TestFabric.create(0, b -> b.intercept(refusing).deadLetterCopies(false))) {
            List<String> seen = new ArrayList<>();
            fabric.bus().subscribe(ACME, "a", SubscribeOptions.ephemeral().maxAttempts(2), d -> seen.add("handled"));
            fabric.bus().publish(event(fabric, 1));
            fabric.advance(Duration.ofMinutes(1));
            assertThat(seen).isEmpty();
            assertThat(fabric.deadLetters(ACME)).singleElement().satisfies(letter -> {
                assertThat(letter.attempts()).isEqualTo(2);
                assertThat(letter.history()).allMatch(a -> a.code() == ErrorCode.INTERCEPTOR_FAILED);
            });
        }
    }
}
