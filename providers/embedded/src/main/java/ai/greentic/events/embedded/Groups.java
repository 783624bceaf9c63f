package ai.greentic.events.embedded;

import ai.greentic.events.AllTenants;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.spi.SubscribeRequest.Filter;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Groups, their members in all processes, and who owns which shard under which epoch. A shard with a living owner moves only after the
 * owner has drained it; that of a dead member moves at once. Every method runs in a transaction of the committer.
 */
final class Groups {
    private static final byte[] NOTHING = new byte[0];

    private final Processes processes;
    private final long mostGroups;

    /**
     * A shard as the database has it.
     *
     * @param member its owner; 0 if it has none
     * @param wanted to whom the owner is to give it up; 0 if to nobody
     * @param epoch counts its owners
     * @param next the first event that its owners have not passed
     * @param open what they passed and did not settle
     */
    @SuppressWarnings("ArrayRecordComponent")
    record Row(int shard, long member, long wanted, long epoch, long next, byte[] open) {
        static Row of(ResultSet row) throws SQLException {
            return new Row(
                    row.getInt(1), row.getLong(2), row.getLong(3), row.getLong(4), row.getLong(5), row.getBytes(6));
        }
    }

    /**
     * What a shard has come to.
     *
     * @param epoch under which its owner says so
     */
    @SuppressWarnings("ArrayRecordComponent")
    record Progress(int shard, long epoch, long next, byte[] open) {}

    /**
     * A member.
     *
     * @param group number of its group
     * @param id its number
     */
    record Membership(long group, long id) {}

    private record Member(long id, int slot, long nonce) {}

    Groups(Processes processes, long mostGroups) {
        this.processes = processes;
        this.mostGroups = mostGroups;
    }

    /**
     * Joins a group, which is made if it is not there.
     *
     * @param start the first event that a new group gets
     */
    Membership join(Transaction transaction, String log, List<Filter> filters, String name, int shards, long start)
            throws SQLException {
        Session session = transaction.session;
        TenantScope scope = filters.get(0).scope();
        String env = scope.env();
        String tenant = tenantOf(scope);
        String patterns = filters.stream()
                .map(filter -> filter.pattern().value())
                .sorted()
                .collect(Collectors.joining("\n"));
        String find = "SELECT id FROM grp WHERE log = ? AND env = ? AND tenant = ? AND name = ?";
        long group = session.number(find, log, env, tenant, name);
        if (group == 0) {
            if (session.number("SELECT count(*) FROM grp") >= mostGroups) {
                throw new EventsException(
                        ErrorCode.TOO_MANY_SUBSCRIPTIONS,
                        "the store knows " + mostGroups + " groups, and " + name
                                + " would be one more; forget those that are no longer used, or raise events.store.max_groups");
            }
            session.update(
                    "INSERT INTO grp (log, env, tenant, name, patterns, shards, since) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    log,
                    env,
                    tenant,
                    name,
                    patterns,
                    shards,
                    transaction.clock);
            group = session.number(find, log, env, tenant, name);
            for (int shard = 0; shard < shards; shard++) {
                session.update("INSERT INTO shard VALUES (?, ?, NULL, NULL, 0, ?, ?)", group, shard, start, NOTHING);
            }
        } else {
            refuseOtherPatterns(session, group, name, scope, patterns);
        }
        session.update(
                "INSERT INTO member (grp, slot, nonce) VALUES (?, ?, ?)", group, processes.slot, processes.nonce);
        long member = session.number("SELECT last_insert_rowid()");
        rebalance(transaction, group);
        return new Membership(group, member);
    }

    private static void refuseOtherPatterns(
            Session session, long group, String name, TenantScope scope, String patterns) throws SQLException {
        String kept = session.first("SELECT patterns FROM grp WHERE id = ?", row -> row.getString(1), group);
        if (!patterns.equals(kept)) {
            throw new EventsException(
                    ErrorCode.GROUP_MISMATCH,
                    "group " + name + " of " + scope + " is subscribed to "
                            + List.of(String.valueOf(kept).split("\n", -1))
                            + ", not to " + List.of(patterns.split("\n", -1))
                            + "; use the same patterns or another group name");
        }
    }

    /** The tenant's name; {@code *} for all of them, which no tenant can be called. */
    static String tenantOf(TenantScope scope) {
        return scope instanceof AllTenants
                ? "*"
                : ((TenantContext) scope).tenant().name();
    }

    /** Shares the shards of a group out evenly among its living members. */
    void rebalance(Transaction transaction, long group) throws SQLException {
        Session session = transaction.session;
        List<Member> members = new ArrayList<>();
        for (Member member : session.list(
                "SELECT id, slot, nonce FROM member WHERE grp = ? ORDER BY id",
                row -> new Member(row.getLong(1), row.getInt(2), row.getLong(3)),
                group)) {
            if (processes.isAlive(member.slot, member.nonce)) {
                members.add(member);
            } else {
                forget(session, group, member.id);
            }
        }
        transaction.membershipChanged();
        if (members.isEmpty()) {
            return;
        }
        Set<Long> living = members.stream().map(Member::id).collect(Collectors.toSet());
        for (Row row : rows(session, group)) {
            long target = members.get(row.shard % members.size()).id;
            if (!living.contains(row.member)) {
                session.update(
                        "UPDATE shard SET member = ?, wanted = NULL, epoch = epoch + 1 WHERE grp = ? AND shard = ?",
                        target,
                        group,
                        row.shard);
            } else if (row.member != target || row.wanted != 0) {
                session.update(
                        "UPDATE shard SET wanted = ? WHERE grp = ? AND shard = ?",
                        row.member == target ? null : (Object) target,
                        group,
                        row.shard);
            }
        }
    }

    static List<Row> rows(Session session, long group) throws SQLException {
        return session.list(
                "SELECT shard, coalesce(member, 0), coalesce(wanted, 0), epoch, next, open FROM shard WHERE grp = ?"
                        + " ORDER BY shard",
                Row::of,
                group);
    }

    private static void forget(Session session, long group, long member) throws SQLException {
        session.update("DELETE FROM member WHERE id = ?", member);
        session.update("UPDATE shard SET member = NULL, wanted = NULL WHERE grp = ? AND member = ?", group, member);
    }

    void leave(Transaction transaction, Membership membership) throws SQLException {
        forget(transaction.session, membership.group, membership.id);
        rebalance(transaction, membership.group);
    }

    /** The member gives a drained shard to the one that waits for it. */
    void release(Transaction transaction, Membership membership, int shard) throws SQLException {
        transaction.session.update(
                "UPDATE shard SET member = NULL, wanted = NULL WHERE grp = ? AND shard = ? AND member = ?",
                membership.group,
                shard,
                membership.id);
        rebalance(transaction, membership.group);
    }

    /** Shares out the shards of members whose processes have died; returns whether there were any. */
    boolean buryDead(Transaction transaction) throws SQLException {
        Set<Long> bereaved = new java.util.TreeSet<>();
        transaction.session.list("SELECT grp, slot, nonce FROM member", row -> {
            if (!processes.isAlive(row.getInt(2), row.getLong(3))) {
                bereaved.add(row.getLong(1));
            }
            return row;
        });
        for (Long group : bereaved) {
            rebalance(transaction, group);
        }
        return !bereaved.isEmpty();
    }

    /** Writes down what shards have come to; returns those that the member no longer owns. */
    static List<Integer> save(Transaction transaction, Membership membership, List<Progress> progress)
            throws SQLException {
        List<Integer> lost = new ArrayList<>();
        for (Progress one : progress) {
            int changed = transaction.session.update(
                    "UPDATE shard SET next = ?, open = ? WHERE grp = ? AND shard = ? AND member = ? AND epoch = ?",
                    one.next,
                    one.open,
                    membership.group,
                    one.shard,
                    membership.id,
                    one.epoch);
            if (changed == 0) {
                lost.add(one.shard);
            }
        }
        return lost;
    }

    /** The shards of a member's group by number; none if the group was forgotten. */
    static Map<Integer, Row> of(Session session, Membership membership) throws SQLException {
        Map<Integer, Row> rows = new TreeMap<>();
        rows(session, membership.group).forEach(row -> rows.put(row.shard, row));
        return rows;
    }
}
