package ai.greentic.events.memory;

import ai.greentic.events.spi.OutboundEvent;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/** Events that wait for their time by the wall clock. Guarded by the provider's lock. */
final class Schedule {
    record Waiting(Instant due, long number, OutboundEvent event, TenantLog log) {}

    private final PriorityQueue<Waiting> waiting =
            new PriorityQueue<>(Comparator.comparing(Waiting::due).thenComparingLong(Waiting::number));
    private long numbers;

    /** Adds one; returns whether it is the next that falls due. */
    boolean add(Instant due, OutboundEvent event, TenantLog log) {
        Waiting added = new Waiting(due, numbers++, event, log);
        waiting.add(added);
        return waiting.peek() == added;
    }

    /** Takes the next one if it is due. */
    @Nullable
    Waiting takeDue(Instant now) {
        Waiting next = waiting.peek();
        return next == null || now.isBefore(next.due) ? null : waiting.poll();
    }

    /** How long the next one has to wait; null if there is none. */
    @Nullable
    Duration untilNext(Instant now) {
        Waiting next = waiting.peek();
        return next == null ? null : Duration.between(now, next.due);
    }
}
