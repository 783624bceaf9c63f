package ai.greentic.events.embedded;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;

/** The tables, their version, and the way from one version to the next. */
final class Schema {
    /** "GrEv": tells our databases from those of other programs. */
    static final int APPLICATION = 0x47724576;

    /** Each element leads from the version that is its index to the next one. Append-only. */
    private static final List<List<String>> MIGRATIONS = List.of(
            List.of(
                    "CREATE TABLE state (id INTEGER PRIMARY KEY, tx INTEGER NOT NULL, seq INTEGER NOT NULL, bytes INTEGER NOT NULL,"
                            + " clock INTEGER NOT NULL, membership INTEGER NOT NULL)",
                    "INSERT INTO state VALUES (1, 0, 0, 0, 0, 0)",
                    // Who: usage counts what a tenant keeps.
                    "CREATE TABLE tenant (id INTEGER PRIMARY KEY, env TEXT NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL,"
                            + " keys INTEGER NOT NULL, letters INTEGER NOT NULL, letter_bytes INTEGER NOT NULL, UNIQUE (env, name))",
                    // chk: of the names, since a changed one would hand events to somebody else.
                    "CREATE TABLE address (id INTEGER PRIMARY KEY, log TEXT NOT NULL, tenant INTEGER NOT NULL, topic TEXT NOT NULL,"
                            + " purged INTEGER NOT NULL, chk INTEGER NOT NULL, UNIQUE (log, tenant, topic))",
                    // The log. place: address and a check of both numbers; body: StoredEvent.
                    "CREATE TABLE event (seq INTEGER PRIMARY KEY, place INTEGER NOT NULL, body BLOB NOT NULL)",
                    "CREATE TABLE span (addr INTEGER NOT NULL, bucket INTEGER NOT NULL, n INTEGER NOT NULL, bytes INTEGER NOT NULL,"
                            + " PRIMARY KEY (addr, bucket)) WITHOUT ROWID",
                    "CREATE TABLE span_of_bucket (bucket INTEGER NOT NULL, addr INTEGER NOT NULL, PRIMARY KEY (bucket, addr))"
                            + " WITHOUT ROWID",
                    "CREATE TABLE clock (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL)",
                    "CREATE TABLE priority (prio INTEGER NOT NULL, seq INTEGER NOT NULL, addr INTEGER NOT NULL,"
                            + " PRIMARY KEY (prio, seq)) WITHOUT ROWID",
                    "CREATE TABLE later (due INTEGER NOT NULL, n INTEGER NOT NULL, addr INTEGER NOT NULL, body BLOB NOT NULL,"
                            + " PRIMARY KEY (due, n)) WITHOUT ROWID",
                    // Groups. open: what was handed over and is not settled, with the times before which it must not
                    // come again.
                    "CREATE TABLE grp (id INTEGER PRIMARY KEY, log TEXT NOT NULL, env TEXT NOT NULL, tenant TEXT NOT NULL,"
                            + " name TEXT NOT NULL, patterns TEXT NOT NULL, shards INTEGER NOT NULL, since INTEGER NOT NULL,"
                            + " UNIQUE (log, env, tenant, name))",
                    "CREATE TABLE member (id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, slot INTEGER NOT NULL, nonce INTEGER NOT NULL)",
                    "CREATE INDEX member_of ON member (grp)",
                    "CREATE TABLE shard (grp INTEGER NOT NULL, shard INTEGER NOT NULL, member INTEGER, wanted INTEGER,"
                            + " epoch INTEGER NOT NULL, next INTEGER NOT NULL, open BLOB NOT NULL, PRIMARY KEY (grp, shard))"
                            + " WITHOUT ROWID",
                    // Idempotency keys by digest; state as in Claim; owner: slot and nonce of an open claim.
                    "CREATE TABLE claim (digest BLOB PRIMARY KEY, tenant INTEGER NOT NULL, state INTEGER NOT NULL, slot INTEGER NOT NULL,"
                            + " nonce INTEGER NOT NULL, expires INTEGER NOT NULL, hash INTEGER NOT NULL, event TEXT NOT NULL,"
                            + " receipt BLOB) WITHOUT ROWID",
                    // Dead letters, and what failed alike.
                    "CREATE TABLE letter_group (id INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, code TEXT NOT NULL, topic TEXT NOT NULL,"
                            + " subscription TEXT NOT NULL, n INTEGER NOT NULL, UNIQUE (tenant, code, topic, subscription))",
                    "CREATE TABLE letter (id TEXT NOT NULL, tenant INTEGER NOT NULL, grp INTEGER NOT NULL, state INTEGER NOT NULL,"
                            + " sequence BLOB, number INTEGER NOT NULL, size INTEGER NOT NULL, parked INTEGER NOT NULL, body BLOB NOT NULL)",
                    "CREATE UNIQUE INDEX letter_by_id ON letter (tenant, id)",
                    "CREATE INDEX letter_by_time ON letter (tenant, parked, id)",
                    "CREATE INDEX letter_by_group ON letter (grp, id)",
                    "CREATE INDEX letter_by_sequence ON letter (sequence, number) WHERE sequence IS NOT NULL",
                    // Attempts: failed ones and suspects by event, and what living members have in hand.
                    "CREATE TABLE consumer (id INTEGER PRIMARY KEY, env TEXT NOT NULL, tenant TEXT NOT NULL, grp TEXT NOT NULL,"
                            + " provider TEXT NOT NULL, UNIQUE (env, tenant, grp, provider))",
                    "CREATE TABLE attempt (consumer INTEGER NOT NULL, event TEXT NOT NULL, n INTEGER NOT NULL, suspect INTEGER NOT NULL,"
                            + " touched INTEGER NOT NULL, PRIMARY KEY (consumer, event)) WITHOUT ROWID",
                    "CREATE TABLE in_hand (id INTEGER PRIMARY KEY, consumer INTEGER NOT NULL, slot INTEGER NOT NULL,"
                            + " nonce INTEGER NOT NULL, events BLOB NOT NULL)",
                    // Store and forward.
                    "CREATE TABLE forward (n INTEGER PRIMARY KEY, route TEXT NOT NULL, due INTEGER NOT NULL, kh INTEGER,"
                            + " addr INTEGER NOT NULL, body BLOB NOT NULL)",
                    "CREATE INDEX forward_due ON forward (route, due, n)",
                    "CREATE INDEX forward_key ON forward (route, kh) WHERE kh IS NOT NULL",
                    "CREATE TABLE forward_lead (route TEXT PRIMARY KEY, slot INTEGER NOT NULL, nonce INTEGER NOT NULL) WITHOUT ROWID"));

    private Schema() {}

    /** Version that this program writes. */
    static int version() {
        return MIGRATIONS.size();
    }

    /** Brings the database to this program's version, in one transaction. The caller has seen to it that nobody else does. */
    static void prepare(Session session, Path database) throws SQLException {
        long application = session.number("PRAGMA application_id");
        boolean empty = session.number("SELECT count(*) FROM sqlite_schema") == 0;
        if (application != APPLICATION && !(application == 0 && empty)) {
            throw new EventsException(
                    ErrorCode.STORE_UNUSABLE,
                    "store " + database + " is the database of another program (application id "
                            + Long.toHexString(application) + "); name another directory");
        }
        long found = session.number("PRAGMA user_version");
        if (found > version()) {
            throw new EventsException(
                    ErrorCode.STORE_UNUSABLE,
                    "store " + database + " has schema version " + found + ", and this program knows up to " + version()
                            + "; use the newer program");
        }
        if (empty) {
            session.execute("PRAGMA auto_vacuum = INCREMENTAL");
            session.execute("PRAGMA application_id = " + APPLICATION);
        }
        String mode = session.execute("PRAGMA journal_mode = WAL");
        if (!"wal".equals(mode)) {
            throw new EventsException(
                    ErrorCode.STORE_UNUSABLE,
                    "store " + database + " cannot keep a write-ahead log here (journal mode " + mode
                            + "); name a directory on a local disk");
        }
        if (found == version()) {
            return;
        }
        session.execute("BEGIN IMMEDIATE");
        try {
            for (List<String> step : MIGRATIONS.subList((int) found, version())) {
                for (String statement : step) {
                    session.execute(statement);
                }
            }
            session.execute("PRAGMA user_version = " + version());
            session.execute("COMMIT");
        } catch (SQLException e) {
            session.execute("ROLLBACK");
            throw e;
        }
        session.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    }
}
