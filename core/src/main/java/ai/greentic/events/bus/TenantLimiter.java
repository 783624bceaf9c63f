package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.spi.Time;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Holds tenants to their limits. Thread-safe. */
final class TenantLimiter {
    private static final int MAX_METERS = 10_000;
    private static final double NANOS = 1e9;

    private final TenantLimits byDefault;
    private final Map<Tenant, TenantLimits> own;
    private final Time time;
    private final boolean limits;
    private final Map<Tenant, Meter> meters = new HashMap<>();

    private static final class Meter {
        double tokens;
        long filledNanos;
        int inFlight;
        long bytes;

        Meter(TenantLimits limits, long now) {
            this.tokens = limits.burst;
            this.filledNanos = now;
        }

        void fill(TenantLimits limits, long now) {
            tokens = Math.min(limits.burst, tokens + (now - filledNanos) / NANOS * limits.eventsPerSecond);
            filledNanos = now;
        }
    }

    /** What one publish takes from its tenant's limits. */
    final class Hold {
        private final Meter meter;
        private final int bytes;

        private Hold(Meter meter, int bytes) {
            this.meter = meter;
            this.bytes = bytes;
        }

        /** Gives back what is counted while a publish has no result. */
        void release() {
            synchronized (meters) {
                meter.inFlight--;
                meter.bytes -= bytes;
            }
        }
    }

    TenantLimiter(TenantLimits byDefault, Map<Tenant, TenantLimits> own, Time time) {
        this.byDefault = byDefault;
        this.own = Map.copyOf(own);
        this.time = time;
        this.limits = byDefault.limits() || own.values().stream().anyMatch(TenantLimits::limits);
    }

    int weight(Tenant tenant) {
        return limits(tenant).weight;
    }

    private TenantLimits limits(Tenant tenant) {
        return own.isEmpty() ? byDefault : own.getOrDefault(tenant, byDefault);
    }

    /** Counts a publish in, or refuses it; null if the tenant has no limits. */
    @Nullable
    Hold admit(EventEnvelope event) {
        if (!limits) {
            return null;
        }
        Tenant tenant = event.address().tenant();
        TenantLimits wanted = limits(tenant);
        if (!wanted.limits()) {
            return null;
        }
        int size = event.payload().size();
        synchronized (meters) {
            long now = time.nanos();
            Meter meter = meters.get(tenant);
            if (meter == null) {
                makeRoom(now);
                meter = new Meter(wanted, now);
                meters.put(tenant, meter);
            }
            if (wanted.eventsPerSecond > 0) {
                meter.fill(wanted, now);
                if (meter.tokens < 1) {
                    throw over(event, wanted.eventsPerSecond + " events per second");
                }
            }
            if (wanted.inFlight > 0 && meter.inFlight >= wanted.inFlight) {
                throw over(event, wanted.inFlight + " publishes without a result");
            }
            if (wanted.bytesInFlight > 0 && meter.inFlight > 0 && meter.bytes + size > wanted.bytesInFlight) {
                throw over(event, wanted.bytesInFlight + " bytes without a result");
            }
            meter.tokens--;
            meter.inFlight++;
            meter.bytes += size;
            return new Hold(meter, size);
        }
    }

    private static EventsException over(EventEnvelope event, String limit) {
        return new EventsException(
                ErrorCode.TENANT_LIMIT,
                event + " was not sent: its tenant may have " + limit
                        + "; publish slower, or raise EventBusBuilder.tenantLimits");
    }

    /** Forgets tenants that are as if they had never published. */
    private void makeRoom(long now) {
        if (meters.size() >= MAX_METERS) {
            meters.entrySet().removeIf(entry -> {
                Meter meter = entry.getValue();
                TenantLimits wanted = limits(entry.getKey());
                meter.fill(wanted, now);
                return meter.inFlight == 0 && meter.tokens >= wanted.burst;
            });
        }
    }
}
