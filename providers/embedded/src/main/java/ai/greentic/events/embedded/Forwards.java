package ai.greentic.events.embedded;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.embedded.Addresses.Address;
import ai.greentic.events.spi.ForwardStore;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.StoreScope;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Store and forward on disk: what waits for its provider or its time. */
final class Forwards implements ForwardStore {
    /** Before the routes' names, where addresses are numbered: these are no logs of the embedded provider. */
    static final String PREFIX = "~";

    private static final String LEAD = "SELECT slot, nonce FROM forward_lead WHERE route = ?";

    private final Database database;
    private final Committer committer;
    private final Processes processes;
    private final Addresses addresses;
    private final long most;

    private record Lead(int slot, long nonce) {}

    Forwards(Database database, Committer committer, Processes processes, Addresses addresses, long most) {
        this.database = database;
        this.committer = committer;
        this.processes = processes;
        this.addresses = addresses;
        this.most = most;
    }

    private static @Nullable Long hash(OutboundEvent event) {
        String key = event.orderingKey();
        return key == null ? null : StoredEvent.hash(event.address(), key);
    }

    @Override
    public List<Boolean> follow(String route, List<OutboundEvent> events) {
        boolean none = database.read(session ->
                session.number("SELECT count(*) FROM (SELECT 1 FROM forward WHERE route = ? LIMIT 1)", route) == 0);
        if (none || events.stream().allMatch(event -> event.orderingKey() == null)) {
            return Collections.nCopies(events.size(), false);
        }
        List<StoredEvent> records = events.stream().map(this::record).toList();
        return committer.call(true, tx -> {
            List<Boolean> kept = new ArrayList<>(events.size());
            for (int i = 0; i < events.size(); i++) {
                Long hash = hash(events.get(i));
                boolean waits = hash != null
                        && tx.session.number(
                                        "SELECT count(*) FROM forward WHERE route = ? AND kh = ? AND due <= ?",
                                        route,
                                        hash,
                                        tx.clock)
                                > 0;
                if (waits) {
                    insert(tx, route, events.get(i), records.get(i), 0);
                }
                kept.add(waits);
            }
            return kept;
        });
    }

    private StoredEvent record(OutboundEvent event) {
        return StoredEvent.of(event, 0);
    }

    @Override
    public void keep(String route, OutboundEvent event, @Nullable Instant due) {
        StoredEvent record = record(event);
        committer.call(true, tx -> {
            insert(tx, route, event, record, due == null ? 0 : due.toEpochMilli());
            return route;
        });
    }

    private void insert(Transaction tx, String route, OutboundEvent event, StoredEvent record, long due)
            throws SQLException {
        // An upper bound is enough most of the time.
        if (tx.session.number("SELECT max(n) - min(n) FROM forward") >= most - 1
                && tx.session.number("SELECT count(*) FROM forward") >= most) {
            throw new EventsException(
                    ErrorCode.FORWARD_STORE_FULL,
                    "the forward store holds " + most + " events, so " + event.event() + " for provider " + route
                            + " was not kept; bring the provider back, or raise events.store.max_forward");
        }
        Address address = addresses.address(tx, PREFIX + route, event.address());
        tx.session.update(
                "INSERT INTO forward (route, due, kh, addr, body) VALUES (?, ?, ?, ?, ?)",
                route,
                due,
                hash(event),
                address.id(),
                record.body());
    }

    @Override
    public boolean lead(String route) {
        Lead now = database.first(LEAD, Forwards::lead, route);
        if (now != null && now.slot == processes.slot && now.nonce == processes.nonce) {
            return true;
        }
        return committer.call(false, tx -> {
            Lead other = tx.session.first(LEAD, Forwards::lead, route);
            if (other != null && processes.isAlive(other.slot, other.nonce)) {
                return other.slot == processes.slot;
            }
            tx.session.update(
                    "INSERT INTO forward_lead VALUES (?, ?, ?)"
                            + " ON CONFLICT DO UPDATE SET slot = excluded.slot, nonce = excluded.nonce",
                    route,
                    processes.slot,
                    processes.nonce);
            return true;
        });
    }

    private static Lead lead(ResultSet row) throws SQLException {
        return new Lead(row.getInt(1), row.getLong(2));
    }

    @Override
    public void resign(String route) {
        committer.call(
                false,
                tx -> tx.session.update(
                        "DELETE FROM forward_lead WHERE route = ? AND slot = ? AND nonce = ?",
                        route,
                        processes.slot,
                        processes.nonce));
    }

    @Override
    public List<Waiting> due(String route, Instant now, int max) {
        @SuppressWarnings("ArrayRecordComponent")
        record Row(long number, long address, byte[] body) {}
        List<Row> rows = database.read(session -> session.list(
                "SELECT n, addr, body FROM forward WHERE route = ? AND due <= ? ORDER BY due, n LIMIT ?",
                row -> new Row(row.getLong(1), row.getLong(2), row.getBytes(3)),
                route,
                now.toEpochMilli(),
                (long) max));
        List<Waiting> due = new ArrayList<>(rows.size());
        for (Row row : rows) {
            Address address = addresses.byId(row.address);
            StoredEvent record = StoredEvent.read(row.body);
            if (address == null) {
                throw new EventsException(
                        ErrorCode.STORE_CORRUPT,
                        "store " + database.path + ": the address of waiting event " + row.number
                                + " is missing; run doctor");
            }
            // What fails its check is passed on as nothing, which no reader takes for an event.
            due.add(new Waiting(row.number, address.topic(), record.isIntact() ? record.encoded() : new byte[0]));
        }
        return due;
    }

    @Override
    public void sent(String route, Collection<Long> numbers) {
        committer.call(true, tx -> {
            for (Long number : numbers) {
                tx.session.update("DELETE FROM forward WHERE n = ?", number);
            }
            return numbers.size();
        });
    }

    @Override
    public long waiting(String route) {
        return database.read(session -> session.number("SELECT count(*) FROM forward WHERE route = ?", route));
    }

    @Override
    public StoreScope scope() {
        return StoreScope.DIRECTORY;
    }
}
