package ai.greentic.events.bus;

/**
 * What one tenant may publish. Beyond it, a publish is refused at once with {@code TENANT_LIMIT}. Immutable: every method returns a
 * changed copy.
 */
public final class TenantLimits {
    /** No limits of its own, and one share of every lane. */
    public static final TenantLimits NONE = new TenantLimits(0, 0, 0, 0, 1);

    final double eventsPerSecond;
    final int burst;
    final int inFlight;
    final long bytesInFlight;
    final int weight;

    private TenantLimits(double eventsPerSecond, int burst, int inFlight, long bytesInFlight, int weight) {
        this.eventsPerSecond = eventsPerSecond;
        this.burst = burst;
        this.inFlight = inFlight;
        this.bytesInFlight = bytesInFlight;
        this.weight = weight;
    }

    /**
     * Limits the rate (token bucket).
     *
     * @param perSecond events per second in the long run
     * @param atOnce events that may come at once after a pause
     */
    public TenantLimits rate(double perSecond, int atOnce) {
        if (!(perSecond > 0) || atOnce < 1) {
            throw new IllegalArgumentException("a rate of " + perSecond + " events per second with a burst of " + atOnce
                    + " lets nothing pass; both must be positive");
        }
        return new TenantLimits(perSecond, atOnce, inFlight, bytesInFlight, weight);
    }

    /** Limits the publishes that have no result yet. */
    public TenantLimits inFlight(int events) {
        if (events < 1) {
            throw new IllegalArgumentException("inFlight is " + events + "; it must be at least 1");
        }
        return new TenantLimits(eventsPerSecond, burst, events, bytesInFlight, weight);
    }

    /** Limits the payload bytes of publishes that have no result yet. */
    public TenantLimits bytesInFlight(long bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("bytesInFlight is " + bytes + "; it must be at least 1");
        }
        return new TenantLimits(eventsPerSecond, burst, inFlight, bytes, weight);
    }

    /** How many turns the tenant gets for each of another's while both wait in a lane; 1 to 100. */
    public TenantLimits weight(int turns) {
        if (turns < 1 || turns > 100) {
            throw new IllegalArgumentException("weight is " + turns + "; it must be between 1 and 100");
        }
        return new TenantLimits(eventsPerSecond, burst, inFlight, bytesInFlight, turns);
    }

    boolean limits() {
        return eventsPerSecond > 0 || inFlight > 0 || bytesInFlight > 0;
    }
}
