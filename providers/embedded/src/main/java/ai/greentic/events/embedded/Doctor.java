package ai.greentic.events.embedded;

import ai.greentic.events.EventsException;
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
import java.util.TreeMap;

/**
 * Examines a database that may be damaged: the file's own structure, the check of every event, dead letter and waiting event, the counts
 * of every bucket, and whether all that was safe is still there. Damaged rows cannot be read as what they were; a repair removes them,
 * one line of the report each, and counts anew.
 */
final class Doctor {
    private static final int MOST_PROBLEMS = 100;
    private static final int STEP = 1000;

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
        Map<Long, Map<Long, long[]>> counts = events(session, repair);
        spans(session, counts, repair);
        bodies(session, repair);
        figures(session);
    }

    private void marks(Session session, boolean repair) throws SQLException {
        long transactions = session.number("SELECT tx FROM state WHERE id = 1");
        long marked = processes.syncedTransaction();
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

    /** Looks at every event; returns how many each address has in each bucket, and their bytes. */
    private Map<Long, Map<Long, long[]>> events(Session session, boolean repair) throws SQLException {
        Map<Long, Map<Long, long[]>> counts = new TreeMap<>();
        List<Long> broken = new ArrayList<>();
        long[] seen = {0, 0};
        while (true) {
            long from = seen[0] + 1;
            List<Long> rows = session.list(
                    "SELECT seq, place, body FROM event WHERE seq >= ? ORDER BY seq LIMIT " + STEP,
                    row -> {
                        long seq = row.getLong(1);
                        long place = row.getLong(2);
                        byte[] body = row.getBytes(3);
                        if (!StoredEvent.fits(seq, place)) {
                            problem("event " + seq + ": its row does not fit its check; nobody knows whose it was");
                            broken.add(seq);
                        } else {
                            long[] count = counts.computeIfAbsent(StoredEvent.addressOf(place), any -> new TreeMap<>())
                                    .computeIfAbsent(EventLog.bucket(seq), any -> new long[2]);
                            count[0]++;
                            count[1] += body.length;
                            if (!StoredEvent.read(body).isIntact()) {
                                problem("event " + seq
                                        + ": its bytes fail their check; it becomes a dead letter when it"
                                        + " is delivered");
                            }
                        }
                        return seq;
                    },
                    from);
            if (rows.isEmpty()) {
                break;
            }
            seen[0] = rows.get(rows.size() - 1);
            seen[1] += rows.size();
        }
        figures.put("events", Long.toString(seen[1]));
        if (repair) {
            for (Long seq : broken) {
                session.update("DELETE FROM event WHERE seq = ?", seq);
                repairs.add("event " + seq + " was removed");
            }
        }
        return counts;
    }

    private void spans(Session session, Map<Long, Map<Long, long[]>> counts, boolean repair) throws SQLException {
        record Span(long address, long bucket, long n) {}
        List<Span> spans = session.list(
                "SELECT addr, bucket, n FROM span", row -> new Span(row.getLong(1), row.getLong(2), row.getLong(3)));
        long wrong = 0;
        Map<Long, TreeMap<Long, Long>> said = new TreeMap<>();
        for (Span span : spans) {
            said.computeIfAbsent(span.address, any -> new TreeMap<>()).put(span.bucket, span.n);
        }
        List<long[]> places = new ArrayList<>();
        said.forEach((address, buckets) -> buckets.keySet().forEach(b -> places.add(new long[] {address, b})));
        counts.forEach((address, buckets) -> buckets.keySet().forEach(b -> {
            if (!said.getOrDefault(address, new TreeMap<>()).containsKey(b)) {
                places.add(new long[] {address, b});
            }
        }));
        for (long[] place : places) {
            long expected = said.getOrDefault(place[0], new TreeMap<>()).getOrDefault(place[1], 0L);
            long[] count = counts.getOrDefault(place[0], new TreeMap<>()).getOrDefault(place[1], new long[2]);
            if (expected != count[0]) {
                wrong++;
                problem("address " + place[0] + ": there should be " + expected + " events between "
                        + EventLog.firstOf(place[1]) + " and " + (EventLog.firstOf(place[1] + 1) - 1)
                        + ", and there are " + count[0]);
            }
        }
        if (repair && wrong > 0) {
            session.execute("BEGIN IMMEDIATE");
            session.execute("DELETE FROM span");
            session.execute("DELETE FROM span_of_bucket");
            for (Map.Entry<Long, Map<Long, long[]>> address : counts.entrySet()) {
                for (Map.Entry<Long, long[]> bucket : address.getValue().entrySet()) {
                    session.update(
                            "INSERT INTO span VALUES (?, ?, ?, ?)",
                            address.getKey(),
                            bucket.getKey(),
                            bucket.getValue()[0],
                            bucket.getValue()[1]);
                    session.update("INSERT INTO span_of_bucket VALUES (?, ?)", bucket.getKey(), address.getKey());
                }
            }
            session.execute("COMMIT");
            repairs.add("the counts of " + wrong + " places were made anew: the events missing there are given up");
        }
    }

    /** Dead letters, waiting and scheduled events. */
    private void bodies(Session session, boolean repair) throws SQLException {
        List<Long> letters = new ArrayList<>();
        session.list("SELECT rowid, id, body FROM letter", row -> {
            if (!LetterCodec.isIntact(row.getBytes(3))) {
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
