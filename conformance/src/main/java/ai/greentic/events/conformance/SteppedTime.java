package ai.greentic.events.conformance;

import ai.greentic.events.spi.Time;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;

/** The machine's time, whose wall clock somebody sets now and then. Thread-safe. */
final class SteppedTime implements Time {
    private final AtomicReference<Duration> off = new AtomicReference<>(Duration.ZERO);

    @Override
    public Instant now() {
        return Time.system().now().plus(Objects.requireNonNull(off.get()));
    }

    @Override
    public long nanos() {
        return Time.system().nanos();
    }

    @Override
    public long randomBits() {
        return Time.system().randomBits();
    }

    /** Somebody sets the wall clock. */
    void step(Duration by) {
        off.updateAndGet(now -> now.plus(by));
    }

    /** The later one of this clock and the transport's, which nobody has set. */
    Instant latest() {
        Instant own = now();
        Instant others = Time.system().now();
        return own.isAfter(others) ? own : others;
    }

    /** The earlier one. */
    Instant earliest() {
        Instant own = now();
        Instant others = Time.system().now();
        return own.isBefore(others) ? own : others;
    }
}
