package ai.greentic.events.embedded;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Numbers of tenants and of addresses, remembered once seen: they never change and are never given to another. Thread-safe. */
final class Addresses {
    private static final String SELECT = "SELECT a.id, a.log, a.tenant, t.env, t.name, a.topic, a.chk FROM address a"
            + " JOIN tenant t ON t.id = a.tenant";

    private final Database database;
    private final long most;
    private final Map<Key, Address> byKey = new ConcurrentHashMap<>();
    private final Map<Long, Address> byId = new ConcurrentHashMap<>();
    private final Map<Tenant, Long> tenants = new ConcurrentHashMap<>();
    /** Every address up to this number is known. */
    private volatile long learnt;

    private record Key(String log, TenantTopic topic) {}

    /**
     * A topic of a tenant in a log.
     *
     * @param id its number
     * @param log whose events: the qualified name of a provider
     * @param tenant number of its tenant
     * @param topic what the numbers stand for
     */
    record Address(long id, String log, long tenant, TenantTopic topic) {}

    /**
     * @param most how many addresses there may be
     */
    Addresses(Database database, long most) {
        this.database = database;
        this.most = most;
    }

    /** Remembers what is there already. */
    void load(Session session) throws SQLException {
        session.list(SELECT, this::remembered).forEach(address -> learnt = Math.max(learnt, address.id));
    }

    /** Learns the addresses that other processes have added. */
    void refresh() {
        long after = learnt;
        database.read(session -> session.list(SELECT + " WHERE a.id > ? ORDER BY a.id", this::remembered, after))
                .forEach(address -> learnt = Math.max(learnt, address.id));
    }

    private Address remembered(ResultSet row) throws SQLException {
        String topic = row.getString(6);
        String env = row.getString(4);
        String name = row.getString(5);
        long id = row.getLong(1);
        if (row.getLong(7) != check(id, row.getString(2), env, name, topic)) {
            throw new EventsException(
                    ErrorCode.STORE_CORRUPT,
                    "store " + database.path + " is damaged: the names of address " + id
                            + " fail their check; run doctor, and restore a backup");
        }
        Address address = new Address(
                id, row.getString(2), row.getLong(3), new TenantTopic(new Tenant(env, name), new Topic(topic)));
        remember(address);
        return address;
    }

    static long check(long id, String log, String env, String tenant, String topic) {
        return StoredEvent.hash(null, String.join("\0", Long.toString(id), log, env, tenant, topic));
    }

    private void remember(Address address) {
        byKey.put(new Key(address.log, address.topic), address);
        byId.put(address.id, address);
        tenants.put(address.topic.tenant(), address.tenant);
    }

    /** The number of a tenant; it gets one if it has none. */
    long tenant(Transaction transaction, Tenant tenant) throws SQLException {
        Long known = tenants.get(tenant);
        if (known != null) {
            return known;
        }
        Session session = transaction.session;
        session.update(
                "INSERT INTO tenant (env, name, bytes, keys, letters, letter_bytes) VALUES (?, ?, 0, 0, 0, 0)"
                        + " ON CONFLICT DO NOTHING",
                tenant.env(),
                tenant.name());
        long id = tenant(session, tenant);
        tenants.put(tenant, id);
        transaction.onRollback(() -> tenants.remove(tenant));
        return id;
    }

    /** The number of a tenant; 0 if it has none. */
    static long tenant(Session session, Tenant tenant) throws SQLException {
        return session.number("SELECT id FROM tenant WHERE env = ? AND name = ?", tenant.env(), tenant.name());
    }

    /** An address; it gets a number if it has none. */
    Address address(Transaction transaction, String log, TenantTopic topic) throws SQLException {
        Key key = new Key(log, topic);
        Address known = byKey.get(key);
        if (known != null) {
            return known;
        }
        long tenant = tenant(transaction, topic.tenant());
        Session session = transaction.session;
        String find = "SELECT id FROM address WHERE log = ? AND tenant = ? AND topic = ?";
        long id = session.number(find, log, tenant, topic.topic().value());
        if (id == 0) {
            if (session.number("SELECT count(*) FROM address") >= most) {
                throw new EventsException(
                        ErrorCode.STORE_FULL,
                        "store " + database.path + " knows " + most + " topics, and " + topic
                                + " would be one more; publish to fewer topics, or raise events.store.max_topics");
            }
            session.update(
                    "INSERT INTO address (log, tenant, topic, purged, chk) VALUES (?, ?, ?, 0, 0)",
                    log,
                    tenant,
                    topic.topic().value());
            id = session.number(find, log, tenant, topic.topic().value());
            session.update(
                    "UPDATE address SET chk = ? WHERE id = ?",
                    check(
                            id,
                            log,
                            topic.tenant().env(),
                            topic.tenant().name(),
                            topic.topic().value()),
                    id);
        }
        Address address = new Address(id, log, tenant, topic);
        remember(address);
        transaction.onRollback(() -> {
            byKey.remove(key);
            byId.remove(address.id);
        });
        return address;
    }

    /** The address with a number, or null if there is none. */
    @Nullable
    Address byId(long id) {
        Address known = byId.get(id);
        if (known != null) {
            return known;
        }
        return database.first(SELECT + " WHERE a.id = ?", this::remembered, id);
    }

    /** Every address that this process has seen. */
    Iterable<Address> all() {
        return byId.values();
    }
}
