package ai.greentic.events.spi;

import ai.greentic.events.TenantTopic;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Keeps events that were accepted while their provider is away, or whose time has not come, until they can be sent: store and forward.
 * Routes are named by the qualified names of their providers. Thread-safe; methods may block on storage.
 */
public interface ForwardStore {
    /** An event that waits. Immutable. */
    final class Waiting {
        private final long number;
        private final TenantTopic address;
        private final byte[] encoded;

        /**
         * @param number its place: smaller ones were kept earlier
         * @param address environment, tenant and topic
         * @param encoded the event in the Greentic JSON form; not to be changed any more
         */
        public Waiting(long number, TenantTopic address, byte[] encoded) {
            this.number = number;
            this.address = Objects.requireNonNull(address, "address");
            this.encoded = Objects.requireNonNull(encoded, "encoded");
        }

        public long number() {
            return number;
        }

        public TenantTopic address() {
            return address;
        }

        /** The event's bytes, shared, so not to be changed. */
        public byte[] encoded() {
            return encoded;
        }
    }

    /**
     * Keeps those events whose ordering key is waiting on the route already, in one step with finding that out; when this returns, they
     * are as safe as {@link #scope} says.
     *
     * @return for each event, whether it was kept
     */
    List<Boolean> follow(String route, List<OutboundEvent> events);

    /**
     * Keeps an event.
     *
     * @param due not to be sent before; null for as soon as the provider is back
     * @throws ai.greentic.events.EventsException {@code FORWARD_STORE_FULL} if there is no room
     */
    void keep(String route, OutboundEvent event, @Nullable Instant due);

    /**
     * Takes or keeps the right to send what waits on a route: one process at a time has it, until it dies or gives it up.
     *
     * @return whether this process has it
     */
    boolean lead(String route);

    /** Gives the right to send up, if this process has it. */
    void resign(String route);

    /** What waits and is due, in order; only for the one that leads. */
    List<Waiting> due(String route, Instant now, int max);

    /** Forgets events that were sent, or became dead letters. */
    void sent(String route, Collection<Long> numbers);

    /** How many events wait, due or not. */
    long waiting(String route);

    /** How far the promise reaches. */
    StoreScope scope();
}
