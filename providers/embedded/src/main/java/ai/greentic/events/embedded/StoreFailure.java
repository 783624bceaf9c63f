package ai.greentic.events.embedded;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.nio.file.Path;
import java.sql.SQLException;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** What the database's own errors mean: the one table from SQLite's result codes to ours. */
final class StoreFailure {
    private StoreFailure() {}

    /** Primary result code of an error; -1 if it is not SQLite's. */
    private static int primary(SQLException e) {
        return e instanceof SQLiteException known ? known.getResultCode().code & 0xFF : -1;
    }

    static boolean isFull(SQLException e) {
        return primary(e) == SQLiteErrorCode.SQLITE_FULL.code;
    }

    /** Whether nothing more should be written to a store that said this. */
    static boolean isFatal(SQLException e) {
        int code = primary(e);
        return isDamage(e, code) || code == SQLiteErrorCode.SQLITE_IOERR.code;
    }

    /** Statements are always the same, and the schema's version was checked: what they name and is not there was there. */
    private static boolean isDamage(SQLException e, int code) {
        return code == SQLiteErrorCode.SQLITE_CORRUPT.code
                || code == SQLiteErrorCode.SQLITE_NOTADB.code
                || code == SQLiteErrorCode.SQLITE_ERROR.code
                        && String.valueOf(e.getMessage())
                                .matches("(?s).*(no such (table|column)|has no column named).*");
    }

    static EventsException of(SQLException e, Path database) {
        int code = primary(e);
        String what = "store " + database + ": ";
        if (code == SQLiteErrorCode.SQLITE_FULL.code) {
            return new EventsException(
                    ErrorCode.STORE_FULL,
                    what + "the disk is full; nothing that was accepted is lost: make room and try again",
                    e);
        }
        if (isDamage(e, code)) {
            return new EventsException(
                    ErrorCode.STORE_CORRUPT,
                    what + "its file is damaged (" + e.getMessage() + "); run doctor, and restore a backup",
                    e);
        }
        if (code == SQLiteErrorCode.SQLITE_READONLY.code
                || code == SQLiteErrorCode.SQLITE_CANTOPEN.code
                || code == SQLiteErrorCode.SQLITE_PERM.code
                || code == SQLiteErrorCode.SQLITE_AUTH.code) {
            return new EventsException(
                    ErrorCode.STORE_UNUSABLE,
                    what + "it cannot be written (" + e.getMessage() + "); check the directory's owner and permissions",
                    e);
        }
        if (code == SQLiteErrorCode.SQLITE_BUSY.code || code == SQLiteErrorCode.SQLITE_LOCKED.code) {
            return new EventsException(
                    ErrorCode.STORE_UNAVAILABLE,
                    what + "another program holds the database; close it and try again",
                    e);
        }
        if (code == SQLiteErrorCode.SQLITE_IOERR.code) {
            return new EventsException(
                    ErrorCode.STORE_UNAVAILABLE, what + "the disk failed (" + e.getMessage() + "); check it", e);
        }
        return new EventsException(ErrorCode.INTERNAL_ERROR, what + e.getMessage(), e);
    }
}
