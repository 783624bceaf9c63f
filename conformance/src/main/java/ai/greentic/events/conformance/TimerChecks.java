package ai.greentic.events.conformance;

import static ai.greentic.events.conformance.Fabric.ACME;
import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventId;
import ai.greentic.events.bus.PublishOptions;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.Tasks;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** Events with a time of their own, while somebody sets the clock. */
abstract class TimerChecks extends Checks {
    private static final Duration HOUR = Duration.ofHours(1);

    /** Timers fall due, and events expire, within this time. */
    private static final Duration WINDOW = Duration.ofMillis(Size.of(5_000, 1_000));

    TimerChecks(ProviderConformance kit) {
        super(kit);
    }

    private static SteppedTime stepped(Fabric fabric) {
        SteppedTime time = new SteppedTime();
        fabric.with(builder -> builder.seams(time, Tasks.threads("kit-timers")));
        return time;
    }

    /** Never before their time, by the fabric's clock and the transport's; and they do come. */
    @Test
    void P8_scheduledEventsAreNeverEarlyWhateverTheClockDoes() {
        Fabric fabric = fabric();
        SteppedTime time = stepped(fabric);
        if (!fabric.can(Capability.SCHEDULE) && fabric.target.stateDirectory() == null) {
            CapabilityChecks.assertUnsupported(() -> fabric.bus()
                    .publish(fabric.event("timers.due", null, 1), PublishOptions.NONE.deliverAfter(WINDOW)));
            return;
        }
        Map<EventId, Instant> due = new ConcurrentHashMap<>();
        List<String> early = new CopyOnWriteArrayList<>();
        Audience reader = fabric.ephemeral("timers", ACME, "timers.due");
        reader.join(fabric.bus(), delivery -> {
            Instant notBefore = Objects.requireNonNull(due.get(delivery.event().id()));
            if (time.latest().isBefore(notBefore)) {
                early.add(delivery.event().id() + " by " + Duration.between(time.latest(), notBefore));
            }
            reader.reader.handled(delivery);
        });
        for (int i = 0; i < Size.of(1_000, 100); i++) {
            EventEnvelope event = fabric.event("timers.due", null, i);
            Duration wait = Duration.ofMillis(1 + fabric.random.nextInt((int) WINDOW.toMillis()));
            due.put(event.id(), time.now().plus(wait));
            fabric.publish(event, PublishOptions.NONE.deliverAfter(wait));
        }
        Fabric.pause(WINDOW.dividedBy(8));
        time.step(HOUR.negated());
        Fabric.pause(WINDOW.dividedBy(2));
        time.step(HOUR);
        Fabric.pause(WINDOW.dividedBy(8));
        time.step(HOUR);
        fabric.awaitAll();
        time.step(HOUR.negated());
        assertThat(early).isEmpty();
        fabric.assertNoDuplicates();
    }

    /** Whoever waits too long in a queue is not delivered any more, and everybody else is. */
    @Test
    void P8_whatHasExpiredNeverComesWhateverTheClockDoes() {
        Fabric fabric = fabric();
        SteppedTime time = stepped(fabric);
        // Between the engine's look at the clock and the handler's, a slow machine may pause.
        Duration pause = Duration.ofSeconds(2);
        Map<EventId, Instant> expiry = new ConcurrentHashMap<>();
        Set<EventId> handled = ConcurrentHashMap.newKeySet();
        List<String> late = new CopyOnWriteArrayList<>();
        Audience reader = fabric.ephemeral("expiring", ACME, "timers.ttl").with(options -> options.concurrency(1));
        int count = Size.of(1_000, 100);
        Duration work = WINDOW.multipliedBy(5).dividedBy(count);
        reader.join(fabric.bus(), delivery -> {
            EventId id = delivery.event().id();
            Instant until = expiry.get(id);
            if (until != null && time.earliest().isAfter(until.plus(pause))) {
                late.add(id + " by " + Duration.between(until, time.earliest()));
            }
            handled.add(id);
            reader.reader.handled(delivery);
            Fabric.pause(work);
        });
        for (int i = 0; i < count; i++) {
            EventEnvelope event = fabric.event("timers.ttl", "k", i);
            Duration ttl = Duration.ofMillis(1 + fabric.random.nextInt((int) WINDOW.toMillis()));
            fabric.publish(event, PublishOptions.NONE.ttl(ttl));
            expiry.put(event.id(), time.now().plus(ttl));
        }
        EventEnvelope last = fabric.event("timers.ttl", "k", count);
        fabric.publish(last);
        time.step(HOUR.negated());
        Fabric.pause(WINDOW.dividedBy(4));
        time.step(HOUR);
        fabric.await("the last one, which does not expire", () -> handled.contains(last.id()));
        expiry.forEach((id, until) -> {
            if (!handled.contains(id) && time.latest().isAfter(until)) {
                reader.reader.ended(id);
            }
        });
        assertThat(late).isEmpty();
        assertThat(handled).as("those in time, and the last").hasSizeBetween(1, count);
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }
}
