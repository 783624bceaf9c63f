package ai.greentic.events.embedded;

import ai.greentic.events.EventId;
import ai.greentic.events.TenantScope;
import ai.greentic.events.spi.AttemptStore;
import ai.greentic.events.spi.Consumer;
import ai.greentic.events.spi.StoreScope;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Attempts on disk. What a member takes in hand at once is one row, which goes when all of it has ended; only events that failed, and
 * those that a dead process had in hand, have rows of their own. A part of what was taken at once is suspected with the rest of it. Written before the handler starts; safe from the end of the process,
 * and of what loss of power takes the attempts are counted again.
 */
final class Attempts implements AttemptStore {
    private final Database database;
    private final Committer committer;
    private final Processes processes;
    private final Map<Consumer, Group> groups = new ConcurrentHashMap<>();

    /** What this process remembers of a group. Guarded by itself. */
    private static final class Group {
        final long id;
        long membership = -1;
        final Map<EventId, Batch> inHand = new HashMap<>();
        /** Events that have, or may have, rows of their own. */
        final Set<EventId> noted = new HashSet<>();

        Group(long id) {
            this.id = id;
        }
    }

    private static final class Batch {
        final long row;
        int left;

        Batch(long row, int left) {
            this.row = row;
            this.left = left;
        }
    }

    Attempts(Database database, Committer committer, Processes processes) {
        this.database = database;
        this.committer = committer;
        this.processes = processes;
    }

    private Group group(Consumer consumer) {
        return groups.computeIfAbsent(consumer, any -> new Group(committer.call(false, tx -> id(tx, consumer))));
    }

    private static long id(Transaction tx, Consumer consumer) throws SQLException {
        TenantScope scope = consumer.scope();
        String[] names = {scope.env(), Groups.tenantOf(scope), consumer.group(), consumer.provider()};
        tx.session.update(
                "INSERT INTO consumer (env, tenant, grp, provider) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (Object[]) names);
        return tx.session.number(
                "SELECT id FROM consumer WHERE env = ? AND tenant = ? AND grp = ? AND provider = ?", (Object[]) names);
    }

    @Override
    public Map<EventId, Known> taken(Consumer consumer, Collection<EventId> events) {
        Group group = group(consumer);
        long membership = processes.membership();
        boolean look;
        synchronized (group) {
            look = group.membership != membership;
        }
        Map<EventId, Known> known = new HashMap<>();
        byte[] ids =
                String.join("\n", events.stream().map(EventId::value).toList()).getBytes(StandardCharsets.UTF_8);
        long row = committer.call(false, tx -> {
            known.clear();
            if (look) {
                suspectDead(tx, group.id);
            }
            recall(tx, group.id, events, known);
            tx.session.update(
                    "INSERT INTO in_hand (consumer, slot, nonce, events) VALUES (?, ?, ?, ?)",
                    group.id,
                    processes.slot,
                    processes.nonce,
                    ids);
            return tx.session.number("SELECT last_insert_rowid()");
        });
        synchronized (group) {
            group.membership = membership;
            Batch batch = new Batch(row, events.size());
            events.forEach(event -> group.inHand.put(event, batch));
            group.noted.addAll(known.keySet());
        }
        return known;
    }

    /** What processes had in hand when they died may have killed them. */
    private void suspectDead(Transaction tx, long consumer) throws SQLException {
        @SuppressWarnings("ArrayRecordComponent")
        record Hand(long id, int slot, long nonce, byte[] events) {}
        for (Hand hand : tx.session.list(
                "SELECT id, slot, nonce, events FROM in_hand WHERE consumer = ?",
                row -> new Hand(row.getLong(1), row.getInt(2), row.getLong(3), row.getBytes(4)),
                consumer)) {
            if (processes.isAlive(hand.slot, hand.nonce)) {
                continue;
            }
            for (String event : new String(hand.events, StandardCharsets.UTF_8).split("\n", -1)) {
                tx.session.update(
                        "INSERT INTO attempt VALUES (?, ?, 0, 1, ?)"
                                + " ON CONFLICT DO UPDATE SET suspect = 1, touched = excluded.touched",
                        consumer,
                        event,
                        tx.clock);
            }
            tx.session.update("DELETE FROM in_hand WHERE id = ?", hand.id);
        }
    }

    private static void recall(Transaction tx, long consumer, Collection<EventId> events, Map<EventId, Known> known)
            throws SQLException {
        if (tx.session.number("SELECT count(*) FROM (SELECT 1 FROM attempt WHERE consumer = ? LIMIT 1)", consumer)
                == 0) {
            return;
        }
        for (EventId event : events) {
            Known before = tx.session.first(
                    "SELECT n, suspect FROM attempt WHERE consumer = ? AND event = ?",
                    row -> new Known(row.getInt(1), row.getInt(2) != 0),
                    consumer,
                    event.value());
            if (before != null) {
                known.put(event, before);
            }
        }
    }

    @Override
    public void attempted(Consumer consumer, EventId event, int attempts) {
        note(group(consumer), event, attempts);
    }

    private void note(Group group, EventId event, int attempts) {
        synchronized (group) {
            group.noted.add(event);
        }
        committer.call(
                false,
                tx -> tx.session.update(
                        "INSERT INTO attempt VALUES (?, ?, ?, 0, ?)"
                                + " ON CONFLICT DO UPDATE SET n = excluded.n, suspect = 0, touched = excluded.touched",
                        group.id,
                        event.value(),
                        attempts,
                        tx.clock));
    }

    @Override
    public void released(Consumer consumer, EventId event, int attempts) {
        if (attempts == 0) {
            ended(consumer, List.of(event));
        } else {
            Group group = group(consumer);
            note(group, event, attempts);
            forget(group, dropped(group, List.of(event)), List.of());
        }
    }

    @Override
    public void ended(Consumer consumer, Collection<EventId> events) {
        if (events.isEmpty()) {
            return;
        }
        Group group = group(consumer);
        List<EventId> noted;
        synchronized (group) {
            noted = group.noted.isEmpty()
                    ? List.of()
                    : events.stream().filter(group.noted::remove).toList();
        }
        forget(group, dropped(group, events), noted);
    }

    /** Takes events out of hand; returns the rows that have nothing left. */
    private static List<Long> dropped(Group group, Collection<EventId> events) {
        List<Long> empty = new java.util.ArrayList<>();
        synchronized (group) {
            for (EventId event : events) {
                @Nullable Batch batch = group.inHand.remove(event);
                if (batch != null && --batch.left == 0) {
                    empty.add(batch.row);
                }
            }
        }
        return empty;
    }

    /** Nobody waits for this: what is not written makes a suspect of an event that will not come again. */
    private void forget(Group group, List<Long> rows, List<EventId> events) {
        if (rows.isEmpty() && events.isEmpty()) {
            return;
        }
        var unused = committer.submit(false, tx -> {
            for (Long row : rows) {
                tx.session.update("DELETE FROM in_hand WHERE id = ?", row);
            }
            for (EventId event : events) {
                tx.session.update("DELETE FROM attempt WHERE consumer = ? AND event = ?", group.id, event.value());
            }
            return rows;
        });
    }

    /** Forgets what nobody has touched since a time: events that ended with a process that did not say so. */
    void forgetOlder(long millis) {
        if (database.read(session -> session.number(
                        "SELECT count(*) FROM (SELECT 1 FROM attempt WHERE touched < ? LIMIT 1)", millis))
                > 0) {
            committer.call(false, tx -> tx.session.update("DELETE FROM attempt WHERE touched < ?", millis));
        }
    }

    @Override
    public StoreScope scope() {
        return StoreScope.DIRECTORY;
    }
}
