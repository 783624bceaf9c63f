package ai.greentic.events.embedded;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.StartAt;
import ai.greentic.events.embedded.Addresses.Address;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.SubscribeRequest;
import java.time.Instant;

/** From a start position to the number of the first event. */
final class StartingPoint {
    /** Events accepted from now on; which one that is, the transaction that joins says. */
    static final long NEW = -1;

    private final Store store;
    private final ProviderContext context;

    StartingPoint(Store store, ProviderContext context) {
        this.store = store;
        this.context = context;
    }

    long of(SubscribeRequest request) {
        StartAt start = request.start();
        if (start instanceof StartAt.Earliest) {
            return 1;
        }
        if (start instanceof StartAt.At at) {
            return at(at.time());
        }
        Position after = start instanceof StartAt.After some ? some.positions().get(context.name()) : null;
        return after == null ? NEW : after(request, number(after));
    }

    /**
     * The first event that its publisher had at or after a time: the log's clock, which never goes back, tells where to begin looking, and
     * the events themselves the rest.
     */
    private long at(Instant time) {
        long millis = time.toEpochMilli();
        return store.database.read(session -> {
            Long from = session.first(
                    "SELECT seq FROM clock WHERE at < ? ORDER BY seq DESC LIMIT 1", row -> row.getLong(1), millis);
            long seq = from == null ? 1 : from;
            while (true) {
                Long last = null;
                for (long[] row : session.list(
                        "SELECT seq, body FROM event WHERE seq >= ? ORDER BY seq LIMIT 500",
                        row -> new long[] {
                            row.getLong(1), StoredEvent.read(row.getBytes(2)).atMillis()
                        },
                        seq)) {
                    if (row[1] >= millis) {
                        return row[0];
                    }
                    last = row[0];
                }
                if (last == null) {
                    return seq;
                }
                seq = last + 1;
            }
        });
    }

    private long after(SubscribeRequest request, long seen) {
        Interest interest = new Interest(context.qualifiedName(), request.filters(), store.addresses);
        Address forgotten = null;
        for (Long id : store.database.read(
                session -> session.list("SELECT id FROM address WHERE purged > ?", row -> row.getLong(1), seen))) {
            Address address = store.addresses.byId(id);
            forgotten = address != null && interest.wants(address) ? address : forgotten;
        }
        if (forgotten != null) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT,
                    "provider " + context.name() + " no longer keeps the events of " + forgotten.topic()
                            + " after position " + seen
                            + "; start at EARLIEST, or raise events.store.keep_for and events.store.keep_bytes");
        }
        return seen + 1;
    }

    private long number(Position position) {
        try {
            long number = Long.parseLong(position.opaque());
            if (number >= 0) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new EventsException(
                ErrorCode.INVALID_ARGUMENT,
                "'" + position.opaque() + "' is not a position of provider " + context.name());
    }
}
