package ai.greentic.events.embedded;

import ai.greentic.events.EventsException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;

/**
 * Opens sessions on the database and lends those that only read. With {@link Schema} and {@link StoreFailure} this is all that knows
 * the dialect; the statements elsewhere are plain SQL with {@code ON CONFLICT}.
 */
final class Database implements AutoCloseable {
    private static final int KEPT_READERS = 4;

    /** Something that only reads. */
    interface Query<T extends @Nullable Object> {
        T run(Session session) throws SQLException;
    }

    final Path path;
    private final Deque<Session> readers = new ArrayDeque<>();
    private boolean closed;

    Database(Path path) {
        this.path = path;
    }

    /** A session of its own, which the caller closes. */
    Session open() throws SQLException {
        return open(5_000);
    }

    Session open(int busyMillis) throws SQLException {
        SQLiteConfig config = new SQLiteConfig();
        config.setBusyTimeout(busyMillis);
        // Else the driver asks for the row number after each insert.
        config.setGetGeneratedKeys(false);
        config.setTransactionMode(SQLiteConfig.TransactionMode.IMMEDIATE);
        Connection connection = config.createConnection("jdbc:sqlite:" + path);
        Session session = new Session(connection);
        try {
            // The log is synced by the committer, for a group of commits at once; a checkpoint syncs by itself.
            for (String pragma : new String[] {
                "synchronous = NORMAL",
                "wal_autocheckpoint = 0",
                "cache_size = -16384",
                "temp_store = MEMORY",
                "trusted_schema = OFF",
                "cell_size_check = ON"
            }) {
                session.execute("PRAGMA " + pragma);
            }
            return session;
        } catch (SQLException e) {
            session.close();
            throw e;
        }
    }

    /** Runs a query on a lent session; each of its statements sees what is committed when it begins. */
    <T extends @Nullable Object> T read(Query<T> query) {
        Session session = null;
        try {
            session = lent();
            T result = query.run(session);
            giveBack(session);
            return result;
        } catch (SQLException e) {
            drop(session);
            throw StoreFailure.of(e, path);
        } catch (EventsException e) {
            giveBack(session);
            throw e;
        }
    }

    /** The first row that a query finds, or null. */
    <T> @Nullable T first(String sql, Session.Row<T> row, @Nullable Object... arguments) {
        List<T> found = read(session -> {
            T first = session.first(sql, row, arguments);
            return first == null ? List.of() : List.of(first);
        });
        return found.isEmpty() ? null : found.get(0);
    }

    private Session lent() throws SQLException {
        synchronized (readers) {
            Session kept = readers.pollFirst();
            if (kept != null) {
                return kept;
            }
        }
        Session fresh = open();
        fresh.execute("PRAGMA query_only = ON");
        return fresh;
    }

    private void giveBack(@Nullable Session session) {
        synchronized (readers) {
            if (session != null && !closed && readers.size() < KEPT_READERS) {
                readers.addFirst(session);
                return;
            }
        }
        drop(session);
    }

    private static void drop(@Nullable Session session) {
        try {
            if (session != null) {
                session.close();
            }
        } catch (SQLException e) {
            // It is not used again either way.
            return;
        }
    }

    @Override
    public void close() {
        synchronized (readers) {
            closed = true;
            readers.forEach(Database::drop);
            readers.clear();
        }
    }
}
