package ai.greentic.events.embedded;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A connection with its prepared statements, each prepared once. For one thread at a time. */
final class Session implements AutoCloseable {
    /** Reads one row. */
    interface Row<T extends @Nullable Object> {
        T read(ResultSet row) throws SQLException;
    }

    private final Connection connection;
    private final Map<String, PreparedStatement> statements = new HashMap<>();

    Session(Connection connection) {
        this.connection = connection;
    }

    /** A statement of this session, to be filled in and executed by the caller. */
    PreparedStatement prepared(String sql) throws SQLException {
        PreparedStatement known = statements.get(sql);
        if (known == null) {
            known = connection.prepareStatement(sql);
            statements.put(sql, known);
        }
        return known;
    }

    private PreparedStatement filled(String sql, @Nullable Object[] arguments) throws SQLException {
        PreparedStatement statement = prepared(sql);
        for (int i = 0; i < arguments.length; i++) {
            Object argument = arguments[i];
            if (argument instanceof Long number) {
                statement.setLong(i + 1, number);
            } else if (argument instanceof Integer number) {
                statement.setInt(i + 1, number);
            } else if (argument instanceof byte[] bytes) {
                statement.setBytes(i + 1, bytes);
            } else if (argument instanceof String text) {
                statement.setString(i + 1, text);
            } else if (argument == null) {
                statement.setNull(i + 1, java.sql.Types.NULL);
            } else {
                throw new IllegalArgumentException("no column holds a " + argument.getClass());
            }
        }
        return statement;
    }

    /** Changes rows; returns how many. */
    int update(String sql, @Nullable Object... arguments) throws SQLException {
        return filled(sql, arguments).executeUpdate();
    }

    <T extends @Nullable Object> List<T> list(String sql, Row<T> row, @Nullable Object... arguments)
            throws SQLException {
        List<T> found = new ArrayList<>();
        try (ResultSet rows = filled(sql, arguments).executeQuery()) {
            while (rows.next()) {
                found.add(row.read(rows));
            }
        }
        return found;
    }

    /** The first row, or null if there is none. */
    <T extends @Nullable Object> @Nullable T first(String sql, Row<T> row, @Nullable Object... arguments)
            throws SQLException {
        try (ResultSet rows = filled(sql, arguments).executeQuery()) {
            return rows.next() ? row.read(rows) : null;
        }
    }

    /** The first column of the first row; 0 if there is none. */
    long number(String sql, @Nullable Object... arguments) throws SQLException {
        Long number = first(sql, row -> row.getLong(1), arguments);
        return number == null ? 0 : number;
    }

    /** Runs a statement that is not worth keeping prepared; returns the first column of its first row as text, if it has any. */
    @Nullable
    String execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            if (!statement.execute(sql)) {
                return null;
            }
            try (ResultSet rows = statement.getResultSet()) {
                return rows.next() ? rows.getString(1) : null;
            }
        }
    }

    /** Begins a transaction that may write; waits for other writers as long as the session was told to. */
    void begin() throws SQLException {
        // The driver's own way: in its other mode it looks for a transaction before each statement.
        try {
            connection.setAutoCommit(false);
        } catch (SQLException e) {
            leaveTransaction();
            throw e;
        }
    }

    /** Commits; if that fails, {@link #rollback} is still to be called. */
    void commit() throws SQLException {
        connection.setAutoCommit(true);
    }

    /** Ends a transaction without a trace, if there is one. */
    void rollback() throws SQLException {
        try {
            execute("ROLLBACK");
        } finally {
            leaveTransaction();
        }
    }

    /** The driver notes its mode before it acts, and leaves the one of transactions with a commit: it is given an empty one. */
    private void leaveTransaction() throws SQLException {
        if (!connection.getAutoCommit()) {
            execute("BEGIN");
            connection.setAutoCommit(true);
        }
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
