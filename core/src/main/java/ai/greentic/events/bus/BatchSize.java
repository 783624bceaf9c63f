package ai.greentic.events.bus;

/**
 * How many events a lane hands to its provider at once: as many as it seems to take in the time of one call, so that a newcomer does not
 * wait long for a call to end. Grows step by step, as a connection does that does not know its peer, and shrinks at once. Belongs to the
 * lane's leader.
 */
final class BatchSize {
    private static final int MOST = 256;
    private static final int FEWEST = 4;
    private static final long CALL_NANOS = 5_000_000;

    private int size = FEWEST;

    int size() {
        return size;
    }

    /** Whether a call with so many events says anything about the provider's speed. */
    static boolean tells(int events) {
        return events >= FEWEST;
    }

    /** A call took so long. */
    void learn(int events, long nanos) {
        long affordable = CALL_NANOS / Math.max(1, nanos / events);
        size = (int) Math.max(FEWEST, Math.min(Math.min(MOST, 2L * size), affordable));
    }
}
