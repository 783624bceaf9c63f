package ai.greentic.events.spi;

import java.time.Instant;

/** Clocks and chance. The engine and its providers read time from here alone, so that tests and simulation can supply it. */
public interface Time {
    /** Wall-clock time: for stamps that people and other machines read, never for measuring. */
    Instant now();

    /** Monotonic nanoseconds from an arbitrary origin: for measuring and deadlines. */
    long nanos();

    /** 64 random bits, good enough for ids and jitter, not for keys. */
    long randomBits();

    /** The machine's clocks and a per-thread generator. */
    static Time system() {
        return SystemTime.INSTANCE;
    }
}
