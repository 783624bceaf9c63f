package ai.greentic.events.embedded;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.embedded.Addresses.Address;
import ai.greentic.events.spi.OpenEvents;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Looking at an open store, and its care, for people. */
final class Inspection {
    private static final int VACUUM_PAGES = 1000;

    private final Store store;

    private record Group(
            long id, String log, String env, String tenant, String name, List<String> patterns, int shards) {}

    Inspection(Store store) {
        this.store = store;
    }

    List<TopicSummary> topics(Tenant tenant) {
        store.addresses.refresh();
        List<TopicSummary> topics = new ArrayList<>();
        for (Address address : store.addresses.all()) {
            if (address.topic().tenant().equals(tenant) && !address.log().startsWith(Forwards.PREFIX)) {
                topics.add(store.database.read(session -> summary(session, address)));
            }
        }
        topics.sort(Comparator.comparing((TopicSummary topic) -> topic.topic().value())
                .thenComparing(TopicSummary::provider));
        return topics;
    }

    private TopicSummary summary(Session session, Address address) throws SQLException {
        long[] sum = Transaction.present(
                session.first(
                        "SELECT coalesce(sum(n), 0), coalesce(sum(bytes), 0), coalesce(max(bucket), -1) FROM span"
                                + " WHERE addr = ?",
                        row -> new long[] {row.getLong(1), row.getLong(2), row.getLong(3)},
                        address.id()),
                "a sum");
        Instant newest = sum[2] < 0
                ? null
                : session.first(
                        "SELECT body FROM event WHERE seq >= ? AND seq < ? AND place >> 32 = ? ORDER BY seq DESC LIMIT 1",
                        row -> Instant.ofEpochMilli(
                                StoredEvent.read(row.getBytes(1)).atMillis()),
                        EventLog.firstOf(sum[2]),
                        EventLog.firstOf(sum[2] + 1),
                        address.id());
        return new TopicSummary(address.log(), address.topic().topic(), sum[0], sum[1], newest);
    }

    List<GroupSummary> groups(Tenant tenant) {
        store.addresses.refresh();
        store.subscriptions().forEach(EmbeddedSubscription::saveProgress);
        List<GroupSummary> groups = new ArrayList<>();
        for (Group group : store.database.read(session -> found(session, tenant))) {
            groups.add(store.database.read(session -> summary(session, group, tenant)));
        }
        groups.sort(Comparator.comparing(GroupSummary::group).thenComparing(GroupSummary::provider));
        return groups;
    }

    private static List<Group> found(Session session, Tenant tenant) throws SQLException {
        return session.list(
                "SELECT id, log, env, tenant, name, patterns, shards FROM grp WHERE env = ? AND tenant IN (?, '*')",
                row -> new Group(
                        row.getLong(1),
                        row.getString(2),
                        row.getString(3),
                        row.getString(4),
                        row.getString(5),
                        List.of(row.getString(6).split("\n", -1)),
                        row.getInt(7)),
                tenant.env(),
                tenant.name());
    }

    private GroupSummary summary(Session session, Group group, Tenant tenant) throws SQLException {
        List<TopicPattern> patterns =
                group.patterns.stream().map(TopicPattern::of).toList();
        List<Address> wanted = new ArrayList<>();
        for (Address address : store.addresses.all()) {
            boolean whose = group.tenant.equals("*")
                    ? address.topic().tenant().env().equals(group.env)
                    : address.topic().tenant().equals(tenant);
            if (whose
                    && address.log().equals(group.log)
                    && patterns.stream().anyMatch(p -> p.matches(address.topic().topic()))) {
                wanted.add(address);
            }
        }
        long open = 0;
        long delayed = 0;
        long oldest = Long.MAX_VALUE;
        long[] next = new long[group.shards];
        long least = Long.MAX_VALUE;
        for (Groups.Row row : Groups.rows(session, group.id)) {
            next[row.shard()] = row.next();
            least = Math.min(least, row.next());
            for (Map.Entry<Long, OpenEvents.Open> one :
                    OpenEvents.read(row.open()).entrySet()) {
                if (!one.getValue().done()) {
                    open++;
                    delayed += one.getValue().dueMillis() > 0 ? 1 : 0;
                    oldest = Math.min(oldest, one.getKey());
                }
            }
        }
        Lag lag = lag(session, wanted, next, least);
        int members = session
                .list(
                        "SELECT slot, nonce FROM member WHERE grp = ?",
                        row -> store.processes.isAlive(row.getInt(1), row.getLong(2)),
                        group.id)
                .stream()
                .mapToInt(alive -> alive ? 1 : 0)
                .sum();
        Entry first =
                Math.min(oldest, lag.first) == Long.MAX_VALUE ? null : store.log.entry(Math.min(oldest, lag.first));
        return new GroupSummary(
                group.log,
                group.name,
                group.tenant.equals("*"),
                group.patterns,
                members,
                lag.count,
                open,
                delayed,
                session.number(
                        "SELECT count(*) FROM attempt a JOIN consumer c ON c.id = a.consumer"
                                + " WHERE c.env = ? AND c.tenant = ? AND c.grp = ? AND a.n > 0",
                        group.env,
                        group.tenant,
                        group.name),
                session.number(
                        "SELECT count(DISTINCT l.sequence) FROM letter l JOIN letter_group g ON g.id = l.grp"
                                + " WHERE l.sequence IS NOT NULL AND g.tenant = ? AND g.subscription = ?",
                        Addresses.tenant(session, tenant),
                        group.tenant.equals("*") ? group.name + "@*" : group.name),
                first == null ? null : Instant.ofEpochMilli(first.record().atMillis()));
    }

    private record Lag(long count, long first) {}

    /** Exact where shards differ, by the counts of whole buckets beyond. */
    private static Lag lag(Session session, List<Address> wanted, long[] next, long least) throws SQLException {
        long most = 0;
        for (long one : next) {
            most = Math.max(most, one);
        }
        long firstWhole = EventLog.bucket(most) + 1;
        long[] count = {0};
        long[] first = {Long.MAX_VALUE};
        java.util.Set<Long> ids = new java.util.HashSet<>();
        wanted.forEach(address -> ids.add(address.id()));
        session.list(
                "SELECT seq, place, substr(body, 1, " + StoredEvent.HEAD
                        + ") FROM event WHERE seq >= ? AND seq < ? ORDER BY seq",
                row -> {
                    long seq = row.getLong(1);
                    if (ids.contains(StoredEvent.addressOf(row.getLong(2)))) {
                        int shard = (int) ((StoredEvent.read(row.getBytes(3)).hash() >>> 33) % next.length);
                        if (seq >= next[shard]) {
                            count[0]++;
                            first[0] = Math.min(first[0], seq);
                        }
                    }
                    return seq;
                },
                least,
                EventLog.firstOf(firstWhole));
        for (Address address : wanted) {
            count[0] += session.number(
                    "SELECT coalesce(sum(n), 0) FROM span WHERE addr = ? AND bucket >= ?", address.id(), firstWhole);
        }
        return new Lag(count[0], first[0]);
    }

    boolean forgetGroup(Tenant tenant, String name) {
        return store.committer.call(true, tx -> {
            boolean any = false;
            for (Group group : found(tx.session, tenant)) {
                if (!group.name.equals(name)
                        || group.tenant.equals("*") && !tenant.name().equals("*")) {
                    continue;
                }
                boolean alive = tx.session
                        .list(
                                "SELECT slot, nonce FROM member WHERE grp = ?",
                                row -> store.processes.isAlive(row.getInt(1), row.getLong(2)),
                                group.id)
                        .contains(true);
                if (alive) {
                    throw new EventsException(
                            ErrorCode.INVALID_ARGUMENT,
                            "group " + name + " of " + tenant + " has members; end its subscriptions first");
                }
                for (String table : new String[] {"shard", "member"}) {
                    tx.session.update("DELETE FROM " + table + " WHERE grp = ?", group.id);
                }
                tx.session.update("DELETE FROM grp WHERE id = ?", group.id);
                tx.membershipChanged();
                any = true;
            }
            return any;
        });
    }

    void backup(Path file) {
        if (Files.exists(file)) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT, "backup " + file + " exists already; name a file that does not");
        }
        Path unfinished = file.resolveSibling(file.getFileName() + ".unfinished");
        try {
            Files.deleteIfExists(unfinished);
            StateDirectory.createPrivate(unfinished);
            // An empty file is one that VACUUM INTO accepts, so the copy is private from its first byte.
            try (Session session = store.database.open()) {
                session.update("VACUUM INTO ?", unfinished.toString());
            }
            try (var channel = java.nio.channels.FileChannel.open(unfinished, java.nio.file.StandardOpenOption.WRITE)) {
                channel.force(true);
            }
            Files.move(unfinished, file, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
        } catch (SQLException e) {
            throw StoreFailure.of(e, unfinished);
        } catch (IOException e) {
            throw new EventsException(
                    ErrorCode.STORE_UNUSABLE, "backup " + file + " could not be written (" + e + ")", e);
        } finally {
            deleteQuietly(unfinished);
        }
    }

    private static void deleteQuietly(@Nullable Path file) {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            // What is left over is named for what it is.
            return;
        }
    }

    long compact() {
        long before = size();
        store.subscriptions().forEach(EmbeddedSubscription::saveProgress);
        new Retention(store).run();
        long free = store.database.read(session -> session.number("PRAGMA freelist_count"));
        for (long done = 0; done < free; done += VACUUM_PAGES) {
            store.committer.call(false, tx -> {
                tx.session.execute("PRAGMA incremental_vacuum(" + VACUUM_PAGES + ")");
                return tx.number();
            });
        }
        store.emptyLog();
        return Math.max(0, before - size());
    }

    private long size() {
        try {
            return Files.size(store.files.database);
        } catch (IOException e) {
            return 0;
        }
    }
}
