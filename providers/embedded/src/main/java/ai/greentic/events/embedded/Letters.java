package ai.greentic.events.embedded;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.Topic;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterCodec;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterGroup;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.StoreScope;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Dead letters on disk. What failed alike is a group with a count, kept as letters come and go; so groups are listed without looking at
 * their letters, and a filter by topic, code or subscription becomes a choice of groups.
 */
final class Letters implements DeadLetterStore {
    private static final Logger LOG = LoggerFactory.getLogger(Letters.class);
    private static final String COLUMNS = "id, state, number, body";
    /** So many groups are merged; more of them are found by going through all letters. */
    private static final int MOST_MERGED = 32;

    private static final int PAGE = 500;
    /** After every id. */
    private static final String LAST = "\uffff";

    private final Database database;
    private final Committer committer;
    private final Addresses addresses;
    private final long mostOfTenant;
    private final long mostBytesOfTenant;

    private record Group(long id, ErrorCode code, Topic topic, String subscription, long count) {}

    Letters(Database database, Committer committer, Addresses addresses, long mostOfTenant, long mostBytesOfTenant) {
        this.database = database;
        this.committer = committer;
        this.addresses = addresses;
        this.mostOfTenant = mostOfTenant;
        this.mostBytesOfTenant = mostBytesOfTenant;
    }

    @Override
    public void put(DeadLetter letter) {
        byte[] body = DeadLetterCodec.write(letter);
        committer.call(true, tx -> {
            long tenant = addresses.tenant(tx, letter.address().tenant());
            long number = letter.number();
            Long known = tx.session.first(
                    "SELECT number FROM letter WHERE tenant = ? AND id = ?",
                    row -> row.getLong(1),
                    tenant,
                    letter.id().value());
            byte[] sequence = letter.sequence().map(Letters::bytes).orElse(null);
            if (known != null) {
                remove(tx, tenant, letter.id());
            } else {
                refuseIfFull(tx, tenant, letter);
                if (sequence != null) {
                    Long last = tx.session.first(
                            "SELECT number FROM letter WHERE sequence = ? ORDER BY number DESC LIMIT 1",
                            row -> row.getLong(1),
                            sequence);
                    number = last == null ? number : last + 1;
                }
            }
            insert(tx, tenant, letter, sequence, number, body);
            return number;
        });
    }

    private void refuseIfFull(Transaction tx, long tenant, DeadLetter letter) throws SQLException {
        Transaction.Usage usage = tx.usage(tenant);
        if (usage.letters >= mostOfTenant || usage.letterBytes + letter.size() > mostBytesOfTenant) {
            throw new EventsException(
                    ErrorCode.DEAD_LETTERS_FULL,
                    "tenant " + letter.address().tenant() + " has " + usage.letters + " dead letters ("
                            + usage.letterBytes
                            + " bytes); redrive or purge some, or raise events.store.max_dead_letters and"
                            + " events.store.max_dead_letter_bytes");
        }
    }

    private static void insert(
            Transaction tx, long tenant, DeadLetter letter, byte @Nullable [] sequence, long number, byte[] body)
            throws SQLException {
        String code = letter.code().name();
        String topic = letter.address().topic().value();
        // A subscription cannot be empty, so that is what stands for a failed publish.
        String subscription = letter.subscription().orElse("");
        tx.session.update(
                "INSERT INTO letter_group (tenant, code, topic, subscription, n) VALUES (?, ?, ?, ?, 1)"
                        + " ON CONFLICT (tenant, code, topic, subscription) DO UPDATE SET n = n + 1",
                tenant,
                code,
                topic,
                subscription);
        long group = tx.session.number(
                "SELECT id FROM letter_group WHERE tenant = ? AND code = ? AND topic = ? AND subscription = ?",
                tenant,
                code,
                topic,
                subscription);
        tx.session.update(
                "INSERT INTO letter VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                letter.id().value(),
                tenant,
                group,
                number(letter.state()),
                sequence,
                number,
                letter.size(),
                letter.time().toEpochMilli(),
                body);
        Transaction.Usage usage = tx.usage(tenant);
        usage.letters++;
        usage.letterBytes += letter.size();
        usage.changed = true;
    }

    private static int number(DeadLetter.State state) {
        return state == DeadLetter.State.PARKED ? 0 : 1;
    }

    private static byte[] bytes(DeadLetter.SequenceId sequence) {
        return String.join(
                        "\0",
                        sequence.address().tenant().env(),
                        sequence.address().tenant().name(),
                        sequence.address().topic().value(),
                        sequence.group(),
                        sequence.key())
                .getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public Optional<DeadLetter> find(Tenant tenant, DeadLetterId id) {
        return Optional.ofNullable(database.first(
                "SELECT " + COLUMNS + " FROM letter WHERE tenant = ? AND id = ?",
                Letters::letter,
                tenantId(tenant),
                id.value()));
    }

    private long tenantId(Tenant tenant) {
        return database.read(session -> Addresses.tenant(session, tenant));
    }

    /** A letter of a row, or an error that names it. */
    private static DeadLetter letter(ResultSet row) throws SQLException {
        DeadLetterId id = new DeadLetterId(row.getString(1));
        byte[] body = row.getBytes(4);
        if (!DeadLetterCodec.isIntact(body)) {
            throw new EventsException(
                    ErrorCode.STORE_CORRUPT,
                    "dead letter " + id
                            + " is damaged: its bytes fail their check; purge it by its id, or restore a backup");
        }
        return DeadLetterCodec.read(
                id, row.getInt(2) == 0 ? DeadLetter.State.PARKED : DeadLetter.State.REDRIVING, row.getLong(3), body);
    }

    /** As {@link #letter}, for lists: one damaged letter does not hide the others. */
    private static @Nullable DeadLetter listed(ResultSet row) throws SQLException {
        try {
            return letter(row);
        } catch (EventsException e) {
            LOG.error("a dead letter is left out of a list", e);
            return null;
        }
    }

    @Override
    public List<DeadLetter> list(Tenant tenant, DeadLetterFilter filter, @Nullable DeadLetterId after, int max) {
        return database.read(session -> {
            long owner = Addresses.tenant(session, tenant);
            Range range = range(session, owner, filter, after == null ? "" : after.value());
            if (!filter.ids().isEmpty()) {
                return byIds(session, owner, filter, range.after, max);
            }
            List<Group> all = groups(session, owner);
            List<Group> wanted =
                    all.stream().filter(group -> matches(group, filter)).toList();
            if (wanted.size() == all.size() || wanted.size() > MOST_MERGED) {
                return scan(session, owner, filter, range, max);
            }
            List<DeadLetter> merged = new ArrayList<>();
            for (Group group : wanted) {
                merged.addAll(page(
                        session,
                        "SELECT " + COLUMNS + " FROM letter WHERE grp = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?",
                        group.id,
                        filter,
                        range,
                        max));
            }
            merged.sort(Comparator.comparing(DeadLetter::id));
            return List.copyOf(merged.subList(0, Math.min(max, merged.size())));
        });
    }

    /** Ids after one, and up to one. */
    private record Range(String after, String last) {}

    /** Ids grow with time, so a filter by time is looked for between the ids that it can have. */
    private static Range range(Session session, long tenant, DeadLetterFilter filter, String after)
            throws SQLException {
        Instant from = filter.from().orElse(null);
        Instant to = filter.to().orElse(null);
        String first = from == null
                ? null
                : session.first(
                        "SELECT min(id) FROM letter WHERE tenant = ? AND parked >= ?",
                        row -> row.getString(1) == null ? LAST : row.getString(1),
                        tenant,
                        from.toEpochMilli());
        String last = to == null
                ? LAST
                : session.first(
                        "SELECT coalesce(max(id), '') FROM letter WHERE tenant = ? AND parked <= ?",
                        row -> row.getString(1),
                        tenant,
                        to.toEpochMilli());
        // The first one itself is wanted, and nothing comes right before it.
        String before = first == null || first.isEmpty() ? "" : first.substring(0, first.length() - 1);
        return new Range(before.compareTo(after) > 0 ? before : after, last == null ? LAST : last);
    }

    private static List<DeadLetter> byIds(Session session, long tenant, DeadLetterFilter filter, String after, int max)
            throws SQLException {
        List<DeadLetter> found = new ArrayList<>();
        for (DeadLetterId id : filter.ids().stream().sorted().toList()) {
            DeadLetter letter = id.value().compareTo(after) <= 0 || found.size() >= max
                    ? null
                    : session.first(
                            "SELECT " + COLUMNS + " FROM letter WHERE tenant = ? AND id = ?",
                            Letters::letter,
                            tenant,
                            id.value());
            if (letter != null && filter.matches(letter)) {
                found.add(letter);
            }
        }
        return found;
    }

    private static List<DeadLetter> scan(Session session, long tenant, DeadLetterFilter filter, Range range, int max)
            throws SQLException {
        return page(
                session,
                "SELECT " + COLUMNS + " FROM letter WHERE tenant = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?",
                tenant,
                filter,
                range,
                max);
    }

    private static List<DeadLetter> page(
            Session session, String sql, long of, DeadLetterFilter filter, Range range, int max) throws SQLException {
        List<DeadLetter> found = new ArrayList<>();
        String[] last = {range.after};
        while (found.size() < max) {
            int limit = Math.min(PAGE, max);
            int rows = session.list(
                            sql,
                            row -> {
                                last[0] = row.getString(1);
                                DeadLetter letter = listed(row);
                                return letter != null
                                        && found.size() < max
                                        && filter.matches(letter)
                                        && found.add(letter);
                            },
                            of,
                            last[0],
                            range.last,
                            (long) limit)
                    .size();
            if (rows < limit) {
                break;
            }
        }
        return found;
    }

    private static boolean matches(Group group, DeadLetterFilter filter) {
        return filter.topics().map(topics -> topics.matches(group.topic)).orElse(true)
                && (filter.codes().isEmpty() || filter.codes().contains(group.code))
                && filter.subscription().map(group.subscription::equals).orElse(true);
    }

    private static List<Group> groups(Session session, long tenant) throws SQLException {
        List<Group> groups = new ArrayList<>();
        session.list(
                "SELECT id, code, topic, subscription, n FROM letter_group WHERE tenant = ? AND n > 0",
                row -> groups.add(new Group(
                        row.getLong(1),
                        code(row.getString(2)),
                        new Topic(row.getString(3)),
                        row.getString(4),
                        row.getLong(5))),
                tenant);
        return groups;
    }

    private static ErrorCode code(String name) {
        try {
            return ErrorCode.valueOf(name);
        } catch (IllegalArgumentException newer) {
            return ErrorCode.INTERNAL_ERROR;
        }
    }

    @Override
    public List<DeadLetterGroup> groups(Tenant tenant, DeadLetterFilter filter) {
        boolean whole =
                filter.from().isEmpty() && filter.to().isEmpty() && filter.ids().isEmpty();
        List<DeadLetterGroup> found = database.read(session -> {
            List<DeadLetterGroup> groups = new ArrayList<>();
            long owner = Addresses.tenant(session, tenant);
            for (Group group : groups(session, owner)) {
                DeadLetterGroup one = !matches(group, filter)
                        ? null
                        : whole ? summary(session, group) : counted(session, owner, group, filter);
                if (one != null) {
                    groups.add(one);
                }
            }
            return groups;
        });
        found.sort(Comparator.comparingLong(DeadLetterGroup::count).reversed());
        return found;
    }

    private static @Nullable DeadLetterGroup summary(Session session, Group group) throws SQLException {
        String edge = "SELECT " + COLUMNS + " FROM letter WHERE grp = ? ORDER BY id ";
        DeadLetter oldest = session.first(edge + "LIMIT 1", Letters::letter, group.id);
        DeadLetter newest = session.first(edge + "DESC LIMIT 1", Letters::letter, group.id);
        return oldest == null || newest == null ? null : summary(group, group.count, oldest, newest);
    }

    private static DeadLetterGroup summary(Group group, long count, DeadLetter oldest, DeadLetter newest) {
        return new DeadLetterGroup(
                group.code,
                newest.reason(),
                group.topic,
                group.subscription.isEmpty() ? null : group.subscription,
                count,
                oldest.time(),
                newest.time(),
                newest.id());
    }

    private static @Nullable DeadLetterGroup counted(Session session, long tenant, Group group, DeadLetterFilter filter)
            throws SQLException {
        long count = 0;
        DeadLetter oldest = null;
        DeadLetter newest = null;
        Range range = range(session, tenant, filter, "");
        while (true) {
            List<DeadLetter> page = page(
                    session,
                    "SELECT " + COLUMNS + " FROM letter WHERE grp = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?",
                    group.id,
                    filter,
                    range,
                    PAGE);
            if (page.isEmpty()) {
                return oldest == null || newest == null ? null : summary(group, count, oldest, newest);
            }
            oldest = oldest == null ? page.get(0) : oldest;
            newest = page.get(page.size() - 1);
            count += page.size();
            range = new Range(newest.id().value(), range.last);
        }
    }

    @Override
    public boolean change(Tenant tenant, DeadLetterId id, DeadLetter.State from, DeadLetter.State to) {
        return committer.call(
                        true,
                        tx -> tx.session.update(
                                "UPDATE letter SET state = ? WHERE tenant = ? AND id = ? AND state = ?",
                                number(to),
                                Addresses.tenant(tx.session, tenant),
                                id.value(),
                                number(from)))
                > 0;
    }

    @Override
    public boolean remove(Tenant tenant, DeadLetterId id) {
        return committer.call(true, tx -> remove(tx, Addresses.tenant(tx.session, tenant), id));
    }

    private static boolean remove(Transaction tx, long tenant, DeadLetterId id) throws SQLException {
        long[] found = tx.session.first(
                "SELECT grp, size FROM letter WHERE tenant = ? AND id = ?",
                row -> new long[] {row.getLong(1), row.getLong(2)},
                tenant,
                id.value());
        if (found == null) {
            return false;
        }
        tx.session.update("DELETE FROM letter WHERE tenant = ? AND id = ?", tenant, id.value());
        tx.session.update("UPDATE letter_group SET n = n - 1 WHERE id = ?", found[0]);
        tx.session.update("DELETE FROM letter_group WHERE id = ? AND n <= 0", found[0]);
        Transaction.Usage usage = tx.usage(tenant);
        usage.letters = Math.max(0, usage.letters - 1);
        usage.letterBytes = Math.max(0, usage.letterBytes - found[1]);
        usage.changed = true;
        return true;
    }

    @Override
    public Optional<DeadLetter> head(DeadLetter.SequenceId sequence) {
        return Optional.ofNullable(database.first(
                "SELECT " + COLUMNS + " FROM letter WHERE sequence = ? ORDER BY number LIMIT 1",
                Letters::letter,
                bytes(sequence)));
    }

    @Override
    public StoreScope scope() {
        return StoreScope.DIRECTORY;
    }
}
