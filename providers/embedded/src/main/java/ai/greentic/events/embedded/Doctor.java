package ai.greentic.events.embedded;

import ai.greentic.events.EventsException;
import ai.greentic.events.spi.DeadLetterCodec;
import ai.greentic.events.spi.Time;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Examines a database that may be damaged: the file's own structure, the check of every event, dead letter and waiting event, the counts
 * of every bucket, and whether all that was safe is still there. Damaged rows cannot be read as what they were; a repair removes them,
 * one line of the report each, and counts anew.
 */
final class Doctor {
    private static final int MOST_PROBLEMS = 100;

    private final StateDirectory files;
    private final Processes processes;
    private final Map<String, String> figures = new LinkedHashMap<>();
    private final List<String> problems = new ArrayList<>();
    private final List<String> repairs = new ArrayList<>();
    private long found;

    Doctor(StateDirectory files, Processes processes) {
        this.files = files;
        this.processes = processes;
    }

    /** Examines a store that this process has not open. */
    static Diagnosis alone(StateDirectory files, boolean repair) {
        try (Processes processes = new Processes(files, Time.system(), Duration.ofSeconds(10))) {
            return processes.alone(() -> {
                if (repair && processes.living() > 0) {
                    throw StateDirectory.unusable(
                            files.path,
                            processes.living() + " processes use it; end them before it is repaired, and try again");
                }
                return new Doctor(files, processes).examine(repair);
            });
        } catch (SQLException e) {
            throw StoreFailure.of(e, files.database);
        } catch (IOException e) {
            throw StateDirectory.unusable(files.path, "its files cannot be used (" + e + ")");
        }
    }

    Diagnosis examine(boolean repair) {
        figures.put("directory", files.path.toString());
        size("database bytes", files.database);
        size("log bytes", files.log);
        figures.put("processes", Integer.toString(processes.living()));
        try (Session session = new Database(files.database).open()) {
            examine(session, repair);
        } catch (SQLException e) {
            problem(String.valueOf(StoreFailure.of(e, files.database).getMessage()));
        } catch (EventsException e) {
            problem(String.valueOf(e.getMessage()));
        }
        if (found > MOST_PROBLEMS) {
            problems.add("and " + (found - MOST_PROBLEMS) + " more");
        }
        return new Diagnosis(files.path, figures, problems, repairs);
    }

    private void size(String name, Path file) {
        try {
            figures.put(name, Files.exists(file) ? Long.toString(Files.size(file)) : "0");
        } catch (IOException e) {
            figures.put(name, "unknown");
        }
    }

    private void problem(String what) {
        found++;
        if (problems.size() < MOST_PROBLEMS) {
            problems.add(what);
        }
    }

    private void examine(Session session, boolean repair) throws SQLException {
        long version = session.number("PRAGMA user_version");
        figures.put("schema version", Long.toString(version));
        if (session.number("PRAGMA application_id") != Schema.APPLICATION || version == 0) {
            problem("database " + files.database + " is not one of this program's, or was never finished");
            return;
        }
        if (version > Schema.version()) {
            problem("schema version " + version + " is newer than this program's " + Schema.version()
                    + "; use the newer program");
            return;
        }
        for (String line : session.list("PRAGMA integrity_check(100)", row -> row.getString(1))) {
            if (!line.equals("ok")) {
                problem("the file's structure: " + line);
            }
        }
        marks(session, repair);
        session.list(
                "SELECT a.id, a.log, t.env, t.name, a.topic, a.chk FROM address a LEFT JOIN tenant t ON t.id = a.tenant",
                row -> {
                    long expected = Addresses.check(
                            row.getLong(1), row.getString(2), row.getString(3), row.getString(4), row.getString(5));
                    if (row.getLong(6) != expected) {
                        problem("address " + row.getLong(1)
                                + ": its names fail their check; nobody can be handed its events");
                    }
                    return row;
                });
        buckets(session, repair);
        bodies(session, repair);
        figures(session);
    }

    private void marks(Session session, boolean repair) throws SQLException {
        // In this order: the others may go on meanwhile.
        long marked = processes.syncedTransaction();
        long transactions = session.number("SELECT tx FROM state WHERE id = 1");
        figures.put("transactions", Long.toString(transactions));
        if (!processes.recognised()) {
            problem("the file of marks " + files.marks + " is damaged");
        } else if (transactions < marked) {
            problem((marked - transactions)
                    + " transactions that were safe on disk are missing: the log is damaged, or an older copy was put in the"
                    + " database's place");
        } else {
            return;
        }
        if (repair) {
            processes.forgetMarks();
            repairs.add("the marks were forgotten: what is missing is given up");
        }
    }

    /**
     * Looks at every event, and at the counts of what each address has in each bucket. A bucket at a time is read as it is at one
     * moment: others may write meanwhile, and are not kept from shortening the log for long.
     */
    private void buckets(Session session, boolean repair) throws SQLException {
        Map<Place, Count> wrong = new LinkedHashMap<>();
        List<Long> broken = new ArrayList<>();
        long events = 0;
        for (Long bucket = next(session, 0); bucket != null; bucket = next(session, bucket + 1)) {
            session.execute("BEGIN");
            Map<Long, Count> counts = events(session, bucket, broken);
            Map<Long, Long> said = said(session, bucket);
            session.execute("COMMIT");
            for (Count count : counts.values()) {
                events += count.events;
            }
            Set<Long> addresses = new TreeSet<>(said.keySet());
            addresses.addAll(counts.keySet());
            for (Long address : addresses) {
                Count count = counts.getOrDefault(address, new Count());
                long expected = said.getOrDefault(address, 0L);
                if (expected != count.events) {
                    wrong.put(new Place(address, bucket), count);
                    problem("address " + address + ": there should be " + expected + " events between "
                            + EventLog.firstOf(bucket) + " and " + (EventLog.firstOf(bucket + 1) - 1)
                            + ", and there are "
                            + count.events);
                }
            }
        }
        List<Place> stray = session.list(
                "SELECT addr, bucket FROM span s WHERE n > 0 AND NOT EXISTS"
                        + " (SELECT 1 FROM span_of_bucket b WHERE b.bucket = s.bucket AND b.addr = s.addr)",
                row -> new Place(row.getLong(1), row.getLong(2)));
        for (Place place : stray) {
            if (wrong.putIfAbsent(place, new Count()) == null) {
                problem("address " + place.address + ": there is a count of events from "
                        + EventLog.firstOf(place.bucket) + " on that nobody will look for");
            }
        }
        figures.put("events", Long.toString(events + broken.size()));
        if (repair) {
            remove(session, broken);
            countAnew(session, wrong);
        }
    }

    /** The first bucket from one on in which there is something, or should be; null if there is none. */
    private static @Nullable Long next(Session session, long from) throws SQLException {
        Long event = session.first(
                "SELECT seq FROM event WHERE seq >= ? ORDER BY seq LIMIT 1",
                row -> EventLog.bucket(row.getLong(1)),
                EventLog.firstOf(from));
        Long counted = session.first(
                "SELECT bucket FROM span_of_bucket WHERE bucket >= ? ORDER BY bucket LIMIT 1",
                row -> row.getLong(1),
                from);
        return event == null || counted != null && counted < event ? counted : event;
    }

    private Map<Long, Count> events(Session session, long bucket, List<Long> broken) throws SQLException {
        Map<Long, Count> counts = new TreeMap<>();
        session.list(
                "SELECT seq, place, body FROM event WHERE seq >= ? AND seq < ? ORDER BY seq",
                row -> {
                    long seq = row.getLong(1);
                    long place = row.getLong(2);
                    byte[] body = row.getBytes(3);
                    if (!StoredEvent.fits(seq, place)) {
                        problem("event " + seq + ": its row does not fit its check; nobody knows whose it was");
                        broken.add(seq);
                        return seq;
                    }
                    Count count = counts.computeIfAbsent(StoredEvent.addressOf(place), any -> new Count());
                    count.events++;
                    count.bytes += body.length;
                    if (!StoredEvent.read(body).isIntact()) {
                        problem("event " + seq
                                + ": its bytes fail their check; it becomes a dead letter when it is delivered");
                    }
                    return seq;
                },
                EventLog.firstOf(bucket),
                EventLog.firstOf(bucket + 1));
        return counts;
    }

    private static Map<Long, Long> said(Session session, long bucket) throws SQLException {
        Map<Long, Long> said = new TreeMap<>();
        session.list(
                "SELECT b.addr, coalesce(s.n, 0) FROM span_of_bucket b"
                        + " LEFT JOIN span s ON s.addr = b.addr AND s.bucket = b.bucket WHERE b.bucket = ?",
                row -> said.put(row.getLong(1), row.getLong(2)),
                bucket);
        return said;
    }

    private void remove(Session session, List<Long> broken) throws SQLException {
        for (Long seq : broken) {
            session.update("DELETE FROM event WHERE seq = ?", seq);
            repairs.add("event " + seq + " was removed");
        }
    }

    private void countAnew(Session session, Map<Place, Count> wrong) throws SQLException {
        if (wrong.isEmpty()) {
            return;
        }
        session.execute("BEGIN IMMEDIATE");
        for (Map.Entry<Place, Count> entry : wrong.entrySet()) {
            Place place = entry.getKey();
            Count count = entry.getValue();
            session.update("DELETE FROM span WHERE addr = ? AND bucket = ?", place.address, place.bucket);
            session.update("DELETE FROM span_of_bucket WHERE bucket = ? AND addr = ?", place.bucket, place.address);
            if (count.events > 0) {
                session.update(
                        "INSERT INTO span VALUES (?, ?, ?, ?)", place.address, place.bucket, count.events, count.bytes);
                session.update("INSERT INTO span_of_bucket VALUES (?, ?)", place.bucket, place.address);
            }
        }
        session.execute("COMMIT");
        repairs.add("the counts of " + wrong.size() + " places were made anew: the events missing there are given up");
    }

    /** What an address has in a bucket. */
    private record Place(long address, long bucket) {}

    private static final class Count {
        long events;
        long bytes;
    }

    /** Dead letters, waiting and scheduled events. */
    private void bodies(Session session, boolean repair) throws SQLException {
        List<Long> letters = new ArrayList<>();
        session.list("SELECT rowid, id, body FROM letter", row -> {
            if (!DeadLetterCodec.isIntact(row.getBytes(3))) {
                problem("dead letter " + row.getString(2) + ": its bytes fail their check");
                letters.add(row.getLong(1));
            }
            return row;
        });
        List<Long> waiting = new ArrayList<>();
        session.list("SELECT n, route, body FROM forward", row -> {
            if (!StoredEvent.read(row.getBytes(3)).isIntact()) {
                problem("waiting event " + row.getLong(1) + " for provider " + row.getString(2)
                        + ": its bytes fail their check");
                waiting.add(row.getLong(1));
            }
            return row;
        });
        session.list("SELECT due, n, body FROM later", row -> {
            if (!StoredEvent.read(row.getBytes(3)).isIntact()) {
                problem("scheduled event " + row.getLong(2) + " of " + row.getLong(1) + ": its bytes fail their check;"
                        + " it becomes a dead letter when it is delivered");
            }
            return row;
        });
        if (repair) {
            for (Long letter : letters) {
                session.update("DELETE FROM letter WHERE rowid = ?", letter);
                repairs.add("dead letter at row " + letter + " was removed");
            }
            for (Long event : waiting) {
                session.update("DELETE FROM forward WHERE n = ?", event);
                repairs.add("waiting event " + event + " was removed");
            }
        }
    }

    private void figures(Session session) throws SQLException {
        for (String[] figure : new String[][] {
            {"newest event", "SELECT seq FROM state WHERE id = 1"},
            {"event bytes", "SELECT bytes FROM state WHERE id = 1"},
            {"tenants", "SELECT count(*) FROM tenant"},
            {"topics", "SELECT count(*) FROM address"},
            {"groups", "SELECT count(*) FROM grp"},
            {"members", "SELECT count(*) FROM member"},
            {"scheduled events", "SELECT count(*) FROM later"},
            {"waiting events", "SELECT count(*) FROM forward"},
            {"dead letters", "SELECT count(*) FROM letter"},
            {"idempotency keys", "SELECT count(*) FROM claim"},
            {"free pages", "PRAGMA freelist_count"}
        }) {
            figures.put(figure[0], Long.toString(session.number(figure[1])));
        }
        List<String> leases = session.list(
                "SELECT g.name, m.slot, m.nonce FROM member m JOIN grp g ON g.id = m.grp ORDER BY g.name, m.slot",
                row -> row.getString(1) + " in slot " + row.getInt(2)
                        + (processes.isAlive(row.getInt(2), row.getLong(3)) ? "" : " (dead)"));
        figures.put("leases", String.join(", ", leases));
    }
}
