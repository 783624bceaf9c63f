package ai.greentic.events.testing;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventId;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantTopic;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Keeps account of every publish and every delivery, and says what was lost, duplicated, unexpected, reordered or seen by the wrong
 * tenant. Nothing is filtered before the account is drawn. Thread-safe.
 */
public final class Ledger {
    private final Map<EventId, Sheet> sheets = new LinkedHashMap<>();
    private final Map<String, Long> newest = new HashMap<>();
    private long publishes;
    private long deliveries;
    private long unexpected;
    private long reordered;
    private long crossTenant;

    public Ledger() {}

    private static final class Sheet {
        final TenantTopic address;
        final long number;
        boolean acknowledged;
        int delivered;
        int settled;

        Sheet(TenantTopic address, long number) {
            this.address = address;
            this.number = number;
        }
    }

    /**
     * The account.
     *
     * @param attempted publishes begun
     * @param acknowledged publishes with a receipt
     * @param delivered deliveries to handlers
     * @param settled deliveries whose handler finished
     * @param lost acknowledged events that no handler finished
     * @param duplicated deliveries beyond the first of each event
     * @param unexpected deliveries of events that were never published
     * @param reordered first deliveries that came after a later event of their key
     * @param crossTenant deliveries to a subscription of another tenant
     */
    public record Account(
            long attempted,
            long acknowledged,
            long delivered,
            long settled,
            long lost,
            long duplicated,
            long unexpected,
            long reordered,
            long crossTenant) {
        /** Whether nothing happened that must never happen. */
        public boolean isSound() {
            return lost == 0 && unexpected == 0 && crossTenant == 0;
        }
    }

    /** A publish begins. */
    public synchronized void publishing(EventEnvelope event) {
        sheets.put(event.id(), new Sheet(event.address(), publishes++));
    }

    /** A receipt came. */
    public synchronized void acknowledged(EventEnvelope event) {
        Sheet sheet = sheets.get(event.id());
        if (sheet != null) {
            sheet.acknowledged = true;
        }
    }

    /**
     * A handler starts.
     *
     * @param subscription name of the subscription, for order within it
     * @param tenant whose subscription it is; empty if it is every tenant's
     */
    public synchronized void delivered(String subscription, Optional<Tenant> tenant, EventEnvelope event) {
        deliveries++;
        Sheet sheet = sheets.get(event.id());
        if (sheet == null || !sheet.address.equals(event.address())) {
            unexpected++;
            return;
        }
        if (tenant.isPresent() && !tenant.get().equals(sheet.address.tenant())) {
            crossTenant++;
        }
        if (sheet.delivered++ == 0 && event.orderingKey().isPresent()) {
            String lane = subscription + "|" + event.address() + "|"
                    + event.orderingKey().get();
            long last = newest.getOrDefault(lane, -1L);
            if (sheet.number < last) {
                reordered++;
            } else {
                newest.put(lane, sheet.number);
            }
        }
    }

    /** A handler finished. */
    public synchronized void settled(EventEnvelope event) {
        Sheet sheet = sheets.get(event.id());
        if (sheet != null) {
            sheet.settled++;
        }
    }

    /** Draws the account. */
    public synchronized Account account() {
        long acknowledged = 0;
        long settled = 0;
        long lost = 0;
        long duplicated = 0;
        for (Sheet sheet : sheets.values()) {
            acknowledged += sheet.acknowledged ? 1 : 0;
            settled += sheet.settled;
            lost += sheet.acknowledged && sheet.settled == 0 ? 1 : 0;
            duplicated += Math.max(0, sheet.delivered - 1);
        }
        return new Account(
                publishes, acknowledged, deliveries, settled, lost, duplicated, unexpected, reordered, crossTenant);
    }
}
