package ai.greentic.events.embedded;

import static ai.greentic.events.embedded.Rig.ack;
import static ai.greentic.events.embedded.Rig.take;
import static ai.greentic.events.embedded.Rig.texts;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.ErrorKind;
import ai.greentic.events.EventsException;
import ai.greentic.events.StartAt;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Time;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each bad day has one outcome: nothing accepted is lost, or what is lost is named. */
class BadDaysTest {
    @TempDir
    Path directory;

    private Path state() {
        return directory.resolve("state");
    }

    private static void refused(Path where, ErrorCode code, String... words) {
        assertThatThrownBy(() -> EmbeddedStore.open(where, Time.system()).close())
                .isInstanceOfSatisfying(EventsException.class, e -> {
                    assertThat(e.code()).isEqualTo(code);
                    assertThat(e.getMessage()).contains(words);
                });
    }

    private void fill(int events) {
        try (Rig rig = new Rig(state())) {
            for (int i = 0; i < events; i++) {
                assertThat(rig.publish("a.b", "k" + i % 5, "event " + i).isAccepted())
                        .isTrue();
            }
        }
    }

    @Test
    void filesArePrivate() throws Exception {
        fill(1);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(state())))
                .isEqualTo("rwx------");
        for (String name : List.of("events.db", "events.marks", "events.locks")) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(state().resolve(name))))
                    .isEqualTo("rw-------");
        }
    }

    @Test
    void aDirectoryThatCannotBeUsedIsRefused() throws Exception {
        Path file = Files.createFile(directory.resolve("file"));
        refused(file, ErrorCode.STORE_UNUSABLE, "is a file");
        refused(Path.of("/proc/greentic-events"), ErrorCode.STORE_UNUSABLE, "could not be made ready");
        assertThatThrownBy(() -> StateDirectory.refuseNetwork(directory, "nfs4"))
                .hasMessageContaining("network file system (nfs4)");
        StateDirectory.refuseNetwork(directory, "ext4");
    }

    @Test
    void foreignFilesAreRefusedAndLeftAlone() throws Exception {
        Files.createDirectories(state());
        Files.writeString(state().resolve("events.db"), "this is my shopping list, and quite a long one at that");
        refused(state(), ErrorCode.STORE_CORRUPT, "does not begin like a database");
        assertThat(state().resolve("events.db")).hasContent("this is my shopping list, and quite a long one at that");
        Path other = Files.createDirectories(directory.resolve("other"));
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + other.resolve("events.db"));
                Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA application_id = 42");
            statement.execute("CREATE TABLE mine (a)");
        }
        refused(other, ErrorCode.STORE_UNUSABLE, "another program");
        Files.write(other.resolve("events.marks"), new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
        Files.delete(other.resolve("events.db"));
        refused(other, ErrorCode.STORE_CORRUPT, "not a file of marks");
    }

    @Test
    void aNewerSchemaIsRefusedAndAnEmptyFileIsABeginning() throws Exception {
        fill(3);
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + state().resolve("events.db"));
                Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA user_version = 99");
        }
        refused(state(), ErrorCode.STORE_UNUSABLE, "schema version 99", "knows up to " + Schema.version());
        Path empty = Files.createDirectories(directory.resolve("empty"));
        Files.createFile(empty.resolve("events.db"));
        EmbeddedStore.open(empty, Time.system()).close();
    }

    @Test
    void anotherProgramThatHoldsTheDatabaseIsNamed() throws Exception {
        try (Rig rig = new Rig(state())) {
            assertThat(rig.publish("a.b", "k", "1").isAccepted()).isTrue();
            try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + state().resolve("events.db"));
                    Statement statement = connection.createStatement()) {
                statement.execute("BEGIN IMMEDIATE");
                EventsException failure = java.util.Objects.requireNonNull(
                        rig.publish("a.b", "k", "2").failure());
                assertThat(failure.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE);
                assertThat(failure).hasMessageContaining("another program");
                statement.execute("ROLLBACK");
            }
            assertThat(rig.publish("a.b", "k", "3").isAccepted()).isTrue();
            assertThat(texts(take(rig.subscribe(null, "a.*", StartAt.EARLIEST), 2)))
                    .containsExactly("1", "3");
        }
    }

    @Test
    void P1_aFullDiskRefusesAndLosesNothing() throws Exception {
        int accepted = 0;
        try (Rig rig = new Rig(state(), new Rig.Clock(), Map.of(), new Store.Seams(null, 120))) {
            ProviderSubscription group = rig.subscribe("g", "a.*", StartAt.EARLIEST);
            PublishOutcome outcome = rig.publish("a.b", "k", "x".repeat(2000));
            while (outcome.isAccepted()) {
                accepted++;
                outcome = rig.publish("a.b", "k", "x".repeat(2000));
            }
            assertThat(outcome.failure()).isInstanceOfSatisfying(EventsException.class, e -> {
                assertThat(e.code()).isEqualTo(ErrorCode.STORE_FULL);
                assertThat(e).hasMessageContaining("disk is full");
            });
            assertThat(accepted).isGreaterThan(20);
            List<InboundDelivery> taken = take(group, accepted);
            assertThat(taken).hasSize(accepted);
            assertThat(group.settle(List.of(Settled.ack(taken.get(0))))).containsExactly(SettleOutcome.SETTLED);
        }
        try (Rig rig = new Rig(state())) {
            assertThat(rig.publish("a.b", "k", "there is room again").isAccepted())
                    .isTrue();
            assertThat(take(rig.subscribe("g", "a.*", StartAt.NEW), accepted)).hasSize(accepted);
        }
        assertThat(EmbeddedStore.examine(state(), false).problems()).isEmpty();
    }

    @Test
    void P1_aFailedSyncStopsTheStore() throws Exception {
        AtomicInteger syncs = new AtomicInteger();
        Store.Seams seams = new Store.Seams(
                () -> {
                    if (syncs.incrementAndGet() > 3) {
                        throw new IOException("Input/output error");
                    }
                },
                0);
        try (Rig rig = new Rig(state(), new Rig.Clock(), Map.of(), seams)) {
            PublishOutcome outcome = rig.publish("a.b", "k", "0");
            int accepted = 0;
            while (outcome.isAccepted()) {
                accepted++;
                outcome = rig.publish("a.b", "k", Integer.toString(accepted));
            }
            EventsException unknown = java.util.Objects.requireNonNull(outcome.failure());
            assertThat(unknown.kind()).isEqualTo(ErrorKind.OUTCOME_UNKNOWN);
            EventsException later = java.util.Objects.requireNonNull(
                    rig.publish("a.b", "k", "never").failure());
            assertThat(later.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE);
            assertThat(later).hasMessageContaining("could not be synced");
            assertThat(syncs.get()).isEqualTo(4);
        }
        try (Rig rig = new Rig(state())) {
            List<String> kept = texts(take(rig.subscribe(null, "a.*", StartAt.EARLIEST), 2));
            assertThat(kept).startsWith("0").doesNotContain("never");
        }
    }

    /** What is on the disk when the power goes: everything up to the last sync, and of the rest nothing, a part, or rubbish. */
    @Test
    void P1_lossOfPowerKeepsEveryReceipt() throws Exception {
        long seed = Long.getLong("power.seed", System.nanoTime());
        System.out.println("power.seed=" + seed);
        Random random = new Random(seed);
        List<Integer> receipts = new ArrayList<>();
        record Snapshot(Path path, int receipts) {}
        List<Snapshot> snapshots = new ArrayList<>();
        StateDirectory[] files = new StateDirectory[1];
        AtomicInteger syncs = new AtomicInteger();
        Store.Seams seams = new Store.Seams(
                () -> {
                    try (FileChannel log =
                            FileChannel.open(state().resolve("events.db-wal"), StandardOpenOption.WRITE)) {
                        log.force(false);
                    }
                    if (files[0] != null && syncs.incrementAndGet() % 40 == 0) {
                        int known;
                        synchronized (receipts) {
                            known = receipts.size();
                        }
                        Path copy = directory.resolve("copy" + snapshots.size());
                        Files.createDirectories(copy);
                        long safe = Files.size(state().resolve("events.db-wal"));
                        for (String name : List.of("events.db", "events.db-wal", "events.marks")) {
                            Files.copy(state().resolve(name), copy.resolve(name));
                        }
                        tear(copy.resolve("events.db-wal"), safe, random);
                        snapshots.add(new Snapshot(copy, known));
                    }
                },
                0);
        try (Rig rig = new Rig(state(), new Rig.Clock(), Map.of(), seams)) {
            files[0] = StateDirectory.existing(state());
            ProviderSubscription group = rig.subscribe("g", "a.*", StartAt.EARLIEST);
            for (int i = 0; i < 800; i++) {
                assertThat(rig.publish("a.b", "k" + i % 3, Integer.toString(i)).isAccepted())
                        .isTrue();
                synchronized (receipts) {
                    receipts.add(i);
                }
                if (i % 7 == 0) {
                    ack(group, take(group, 1));
                }
            }
        }
        assertThat(snapshots).hasSizeGreaterThan(10);
        for (Snapshot snapshot : snapshots) {
            try (Rig rig = new Rig(snapshot.path)) {
                List<String> kept = texts(take(rig.subscribe(null, "a.*", StartAt.EARLIEST), snapshot.receipts));
                for (int i = 0; i < snapshot.receipts; i++) {
                    assertThat(kept.get(i)).isEqualTo(Integer.toString(i));
                }
                assertThat(rig.publish("a.b", "k", "on we go").isAccepted()).isTrue();
            }
            assertThat(EmbeddedStore.examine(snapshot.path, false).problems()).isEmpty();
        }
    }

    private static void tear(Path log, long safe, Random random) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "rw")) {
            file.setLength(safe);
            byte[] rubbish = new byte[random.nextInt(10_000)];
            random.nextBytes(rubbish);
            file.seek(safe);
            file.write(rubbish);
        }
    }

    @Test
    void aLogThatLostWhatWasSafeIsCorruptUntilTheLossIsAccepted() throws Exception {
        Path copy = Files.createDirectories(directory.resolve("copy"));
        try (Rig rig = new Rig(state())) {
            for (int i = 0; i < 50; i++) {
                assertThat(rig.publish("a.b", "k", Integer.toString(i)).isAccepted())
                        .isTrue();
            }
            for (String name : List.of("events.db", "events.db-wal", "events.marks")) {
                Files.copy(state().resolve(name), copy.resolve(name));
            }
        }
        try (RandomAccessFile log =
                new RandomAccessFile(copy.resolve("events.db-wal").toFile(), "rw")) {
            long middle = log.length() / 2;
            log.seek(middle);
            int old = log.read();
            log.seek(middle);
            log.write(old ^ 4);
        }
        refused(copy, ErrorCode.STORE_CORRUPT, "has lost its last", "doctor --repair");
        Diagnosis sick = EmbeddedStore.examine(copy, false);
        assertThat(sick.problems())
                .hasSize(1)
                .first()
                .asString()
                .contains("transactions that were safe on disk are missing");
        Diagnosis repaired = EmbeddedStore.examine(copy, true);
        assertThat(repaired.repairs()).isNotEmpty();
        try (Rig rig = new Rig(copy)) {
            List<String> kept = texts(take(rig.subscribe(null, "a.*", StartAt.EARLIEST), 1));
            assertThat(kept).first().isEqualTo("0");
            assertThat(rig.publish("a.b", "k", "on we go").isAccepted()).isTrue();
        }
        assertThat(EmbeddedStore.examine(copy, false).problems()).isEmpty();
    }

    /** One bit anywhere in the database: every event arrives as it was, or somebody says what is wrong. */
    @Test
    void P11_aFlippedBitIsNeverPassedOnNorSkippedInSilence() throws Exception {
        long seed = Long.getLong("flip.seed", System.nanoTime());
        System.out.println("flip.seed=" + seed);
        Random random = new Random(seed);
        int events = 300;
        fill(events);
        int said = 0;
        int harmless = 0;
        for (int trial = 0; trial < Integer.getInteger("flip.trials", 60); trial++) {
            Path copy = Files.createDirectories(directory.resolve("flip" + trial));
            for (String name : List.of("events.db", "events.marks")) {
                Files.copy(state().resolve(name), copy.resolve(name));
            }
            try (RandomAccessFile file =
                    new RandomAccessFile(copy.resolve("events.db").toFile(), "rw")) {
                long at = (long) (random.nextDouble() * file.length());
                file.seek(at);
                int old = file.read();
                file.seek(at);
                file.write(old ^ 1 << random.nextInt(8));
            }
            if (isWhole(copy, events)) {
                harmless++;
            } else {
                said++;
            }
        }
        System.out.println("flipped bits: " + harmless + " harmless, " + said + " said");
        assertThat(said).isPositive();
    }

    /** A bit of the schema's own text; and an open that fails half way leaves nothing behind. */
    @Test
    void P11_P12_aColumnThatIsNoLongerThereIsDamage() throws Exception {
        fill(20);
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + state().resolve("events.db"));
                Statement statement = connection.createStatement()) {
            statement.execute("PRAGMA writable_schema = ON");
            assertThat(statement.executeUpdate(
                            "UPDATE sqlite_master SET sql = replace(sql, 'clock', 'cloak') WHERE sql LIKE '%clock%'"))
                    .isPositive();
        }
        assertThatThrownBy(() -> {
                    try (Rig rig = new Rig(state())) {
                        rig.publish("a", "k", "one");
                    }
                })
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_CORRUPT))
                .hasMessageContaining("doctor");
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .noneMatch(name -> name.startsWith("store-"));
    }

    /** Reads everything; false if something was said, an error if something is wrong and was not. */
    private static boolean isWhole(Path copy, int events) {
        Set<String> whole = new HashSet<>();
        try (Rig rig = new Rig(copy)) {
            ProviderSubscription all = rig.subscribe(null, "*", StartAt.EARLIEST);
            boolean said = false;
            for (int rounds = 0; rounds < 20; rounds++) {
                for (InboundDelivery delivery : take(all, 0)) {
                    if (delivery.defect() != null) {
                        said = true;
                    } else {
                        whole.add(Rig.text(delivery));
                    }
                }
                for (InboundDelivery delivery : all.poll(1000, Duration.ZERO).deliveries()) {
                    if (delivery.defect() != null) {
                        said = true;
                    } else {
                        whole.add(Rig.text(delivery));
                    }
                }
            }
            for (String text : whole) {
                assertThat(text).matches("event \\d+");
            }
            if (whole.size() == events) {
                return true;
            }
            assertThat(said)
                    .as("%d of %d events came, and nobody said why", whole.size(), events)
                    .isTrue();
            return false;
        } catch (EventsException e) {
            assertThat(e.kind()).as(e.toString()).isIn(ErrorKind.CORRUPT, ErrorKind.MISCONFIGURED);
            return false;
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void damagedRowsAreNamedAndRepaired() throws Exception {
        fill(20);
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + state().resolve("events.db"));
                Statement statement = connection.createStatement()) {
            statement.execute("UPDATE event SET body = zeroblob(length(body)) WHERE seq = 3");
            statement.execute("DELETE FROM event WHERE seq = 7");
            statement.execute("UPDATE event SET place = place + 1 WHERE seq = 9");
        }
        Diagnosis sick = EmbeddedStore.examine(state(), false);
        assertThat(String.join("\n", sick.problems()))
                .contains("event 3: its bytes fail", "event 9: its row does not fit", "there should be 20 events");
        try (Rig rig = new Rig(state())) {
            ProviderSubscription all = rig.subscribe(null, "a.*", StartAt.EARLIEST);
            assertThatThrownBy(() -> take(all, 20))
                    .isInstanceOfSatisfying(
                            EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_CORRUPT));
        }
        assertThat(EmbeddedStore.examine(state(), true).repairs()).hasSizeGreaterThanOrEqualTo(2);
        try (Rig rig = new Rig(state())) {
            List<InboundDelivery> rest = take(rig.subscribe(null, "a.*", StartAt.EARLIEST), 18);
            assertThat(rest).hasSize(18);
            assertThat(rest.stream().filter(one -> one.defect() != null)).hasSize(1);
        }
    }

    @Test
    void aClockThatIsSetAnHourEitherWayChangesNoOrderAndLosesNothing() throws Exception {
        Rig.Clock clock = new Rig.Clock();
        try (Rig rig = new Rig(state(), clock, Map.of(), Store.Seams.NONE)) {
            rig.publish("a.b", "k", "1");
            clock.step(Duration.ofHours(1));
            rig.publish("a.b", "k", "2");
            clock.step(Duration.ofHours(-2));
            rig.publish("a.b", "k", "3");
            Instant back = clock.now();
            clock.pass(Duration.ofMinutes(1));
            rig.publish("a.b", "k", "4");
            assertThat(texts(take(rig.subscribe(null, "a.*", StartAt.EARLIEST), 4)))
                    .containsExactly("1", "2", "3", "4");
            assertThat(texts(take(rig.subscribe(null, "a.*", StartAt.at(back)), 4)))
                    .contains("3", "4");
        }
    }

    @Test
    void aSecondClassLoaderIsRefused() {
        EmbeddedStore store = EmbeddedStore.open(state(), Time.system());
        String key = "ai.greentic.events.embedded." + store.directory();
        assertThat(System.getProperty(key)).isEqualTo("open");
        store.close();
        assertThat(System.getProperty(key)).isNull();
        System.setProperty(key, "open");
        try {
            refused(state(), ErrorCode.STORE_UNUSABLE, "another class loader");
        } finally {
            System.clearProperty(key);
        }
    }

    @Test
    void P12_closeIsIdempotentSharedAndLeavesNoThread() {
        EmbeddedStore one = EmbeddedStore.open(state(), Time.system());
        EmbeddedStore two = EmbeddedStore.open(state(), Time.system());
        one.close();
        one.close();
        assertThat(two.topics(Rig.ACME.tenant())).isEmpty();
        two.close();
        assertThat(Thread.getAllStackTraces().keySet().stream().map(Thread::getName))
                .noneMatch(name -> name.startsWith("store-"));
    }
}
