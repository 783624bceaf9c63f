package ai.greentic.events.embedded;

import static ai.greentic.events.embedded.Rig.ACME;
import static ai.greentic.events.embedded.Rig.ack;
import static ai.greentic.events.embedded.Rig.take;
import static ai.greentic.events.embedded.Rig.texts;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Marks;
import ai.greentic.events.Position;
import ai.greentic.events.Priority;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.OrderingKey;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbeddedProviderTest {
    @TempDir
    Path directory;

    @Test
    void startsAtNewEarliestTimeAndPosition() throws Exception {
        try (Rig rig = new Rig(directory)) {
            rig.publish("a.b", "k", "1");
            rig.clock.pass(Duration.ofMinutes(5));
            Instant second = rig.clock.now();
            Position afterSecond = rig.publish("a.b", "k", "2").position();
            rig.clock.pass(Duration.ofMinutes(5));
            rig.publish("a.b", "k", "3");
            ProviderSubscription fresh = rig.subscribe(null, "a.*", StartAt.NEW);
            assertThat(texts(take(rig.subscribe(null, "a.*", StartAt.EARLIEST), 3)))
                    .containsExactly("1", "2", "3");
            assertThat(texts(take(rig.subscribe("t", "a.*", StartAt.at(second)), 2)))
                    .containsExactly("2", "3");
            assertThat(texts(take(rig.subscribe("p", "a.*", StartAt.after(Map.of("local", afterSecond))), 1)))
                    .containsExactly("3");
            rig.publish("a.b", "k", "4");
            assertThat(texts(take(fresh, 1))).containsExactly("4");
        }
    }

    @Test
    void P4_aSubscriptionSeesItsTenantsAlone() throws Exception {
        try (Rig rig = new Rig(directory)) {
            TenantContext other = TenantContext.of("test", "globex");
            TenantContext elsewhere = TenantContext.of("prod", "acme");
            rig.publish(Rig.event(ACME, "a.b", null, "acme", Marks.NONE));
            rig.publish(Rig.event(other, "a.b", null, "globex", Marks.NONE));
            rig.publish(Rig.event(elsewhere, "a.b", null, "prod", Marks.NONE));
            assertThat(texts(take(rig.subscribe(null, "*", StartAt.EARLIEST), 1)))
                    .containsExactly("acme");
            ProviderSubscription all = rig.subscribe(TenantScope.all("test"), "g", "*", StartAt.EARLIEST);
            assertThat(texts(take(all, 2))).containsExactlyInAnyOrder("acme", "globex");
            assertThat(take(all, 0)).isEmpty();
        }
    }

    @Test
    void P9_unsettledDeliveriesComeAgainAfterARestartAndSettledOnesDoNot() throws Exception {
        try (Rig rig = new Rig(directory)) {
            for (int i = 0; i < 100; i++) {
                rig.publish("a.b", "k" + i % 7, Integer.toString(i));
            }
            ProviderSubscription group = rig.subscribe("g", "a.*", StartAt.EARLIEST);
            List<InboundDelivery> taken = take(group, 100);
            ack(
                    group,
                    taken.stream()
                            .filter(one -> Integer.parseInt(Rig.text(one)) % 3 != 0)
                            .toList());
        }
        try (Rig rig = new Rig(directory)) {
            ProviderSubscription group = rig.subscribe("g", "a.*", StartAt.NEW);
            List<InboundDelivery> again = take(group, 34);
            assertThat(again)
                    .allMatch(one -> Integer.parseInt(Rig.text(one)) % 3 == 0)
                    .hasSize(34);
            ack(group, again);
            assertThat(take(group, 0)).isEmpty();
        }
        try (Rig rig = new Rig(directory)) {
            assertThat(take(rig.subscribe("g", "a.*", StartAt.NEW), 0)).isEmpty();
        }
    }

    @Test
    void P6_anEventGivenBackWithADelayHoldsItsKeyAndNoOther() throws Exception {
        try (Rig rig = new Rig(directory)) {
            ProviderSubscription group = rig.subscribe("g", "a.*", StartAt.EARLIEST);
            rig.publish("a.b", "k", "1");
            List<InboundDelivery> first = take(group, 1);
            assertThat(group.settle(List.of(Settled.redeliver(first.get(0), Duration.ofMinutes(10)))))
                    .containsExactly(SettleOutcome.SETTLED);
            rig.publish("a.b", "k", "2");
            rig.publish("a.b", "other", "3");
            assertThat(texts(take(group, 1))).containsExactly("3");
            rig.clock.pass(Duration.ofMinutes(10).minusMillis(1));
            assertThat(take(group, 0)).isEmpty();
            rig.clock.pass(Duration.ofMillis(1));
            assertThat(texts(take(group, 2))).containsExactly("1", "2");
        }
    }

    @Test
    void P8_aDelayHoldsOverARestartAndOverAClockThatIsSet() throws Exception {
        Rig.Clock clock = new Rig.Clock();
        try (Rig rig = new Rig(directory, clock, Map.of(), Store.Seams.NONE)) {
            ProviderSubscription group = rig.subscribe("g", "a.*", StartAt.EARLIEST);
            rig.publish("a.b", "k", "1");
            List<InboundDelivery> first = take(group, 1);
            var unused = group.settle(List.of(Settled.redeliver(first.get(0), Duration.ofMinutes(30))));
            clock.step(Duration.ofHours(1));
            assertThat(take(group, 0)).isEmpty();
            clock.step(Duration.ofHours(-1));
        }
        clock.pass(Duration.ofMinutes(10));
        clock.step(Duration.ofHours(-1));
        try (Rig rig = new Rig(directory, clock, Map.of(), Store.Seams.NONE)) {
            ProviderSubscription group = rig.subscribe("g", "a.*", StartAt.EARLIEST);
            assertThat(take(group, 0)).isEmpty();
            clock.pass(Duration.ofMinutes(19));
            assertThat(take(group, 0)).isEmpty();
            // Late rather than early, and never later than the delay once more.
            clock.pass(Duration.ofMinutes(11));
            assertThat(texts(take(group, 1))).containsExactly("1");
        }
    }

    @Test
    void membersShareTheKeysAndAShardMovesWithItsState() throws Exception {
        try (Rig rig = new Rig(directory)) {
            ProviderSubscription one = rig.subscribe("g", "a.*", StartAt.EARLIEST);
            ProviderSubscription two = rig.subscribe("g", "a.*", StartAt.EARLIEST);
            assertThat(take(one, 0)).isEmpty();
            assertThat(take(two, 0)).isEmpty();
            for (int i = 0; i < 200; i++) {
                rig.publish("a.b", "k" + i % 50, Integer.toString(i));
            }
            List<InboundDelivery> ones = new ArrayList<>();
            List<InboundDelivery> twos = new ArrayList<>();
            for (int i = 0; i < 1000 && ones.size() + twos.size() < 200; i++) {
                ones.addAll(take(one, 0));
                twos.addAll(take(two, 0));
            }
            assertThat(ones).hasSizeGreaterThan(40);
            assertThat(twos).hasSizeGreaterThan(40);
            Set<String> all = new HashSet<>(texts(ones));
            all.addAll(texts(twos));
            assertThat(all).hasSize(200);
            ack(one, ones);
            two.close();
            List<InboundDelivery> moved = take(one, twos.size());
            assertThat(texts(moved)).containsExactlyInAnyOrderElementsOf(texts(twos));
            assertThat(two.settle(twos.stream().map(Settled::ack).toList())).containsOnly(SettleOutcome.LOST);
        }
    }

    @Test
    void aGroupRefusesOtherPatterns() {
        try (Rig rig = new Rig(directory)) {
            rig.subscribe("g", "a.*", StartAt.NEW);
            assertThatThrownBy(() -> rig.subscribe("g", "b.*", StartAt.NEW))
                    .isInstanceOfSatisfying(
                            EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.GROUP_MISMATCH));
        }
    }

    @Test
    void highPriorityOvertakesAndLowIsOvertaken() throws Exception {
        try (Rig rig = new Rig(directory)) {
            rig.publish("a.b", "low", Priority.LOW);
            for (int i = 0; i < 5; i++) {
                rig.publish("a.b", Integer.toString(i), Priority.NORMAL);
            }
            rig.publish("a.b", "high", Priority.HIGH);
            ProviderSubscription group = rig.subscribe("g", "a.*", StartAt.EARLIEST);
            List<InboundDelivery> taken = take(group, 7);
            assertThat(texts(taken)).startsWith("high").endsWith("low").hasSize(7);
            ack(group, taken.subList(0, 3));
        }
        try (Rig rig = new Rig(directory)) {
            assertThat(take(rig.subscribe("g", "a.*", StartAt.NEW), 4)).hasSize(4);
        }
    }

    @Test
    void scheduledEventsComeAtTheirTimeAlsoAfterARestart() throws Exception {
        Rig.Clock clock = new Rig.Clock();
        Instant due = clock.now().plus(Duration.ofHours(2));
        try (Rig rig = new Rig(directory, clock, Map.of(), Store.Seams.NONE)) {
            PublishOutcome outcome = rig.publish(Rig.event(ACME, "a.b", "k", "later", Marks.NONE.deliverAt(due)));
            assertThat(outcome.isAccepted()).isTrue();
            rig.publish("a.b", "k", "now");
            assertThat(texts(take(rig.subscribe("g", "a.*", StartAt.EARLIEST), 1)))
                    .containsExactly("now");
        }
        clock.pass(Duration.ofHours(1));
        try (Rig rig = new Rig(directory, clock, Map.of(), Store.Seams.NONE)) {
            ProviderSubscription group = rig.subscribe("g", "a.*", StartAt.EARLIEST);
            List<InboundDelivery> first = take(group, 1);
            assertThat(texts(first)).containsExactly("now");
            ack(group, first);
            Thread.sleep(1500);
            assertThat(take(group, 0)).isEmpty();
            clock.pass(Duration.ofHours(1));
            assertThat(texts(take(group, 1))).containsExactly("later");
        }
    }

    @Test
    void retentionRemovesWhatIsOldAndSettledAndNothingElse() throws Exception {
        Rig.Clock clock = new Rig.Clock();
        try (Rig rig = new Rig(directory, clock, Map.of("keep_for", "1h"), Store.Seams.NONE)) {
            ProviderSubscription slow = rig.subscribe("slow", "b.*", StartAt.EARLIEST);
            ProviderSubscription quick = rig.subscribe("quick", "a.*", StartAt.EARLIEST);
            for (int i = 0; i < 50; i++) {
                rig.publish("a.b", "k" + i, "a" + i);
                rig.publish("b.b", "k" + i, "b" + i);
            }
            ack(quick, take(quick, 50));
            List<InboundDelivery> some = take(slow, 50);
            ack(slow, some.subList(0, 10));
            clock.pass(Duration.ofHours(3));
            rig.publish("a.b", null, "new");
            long freed = rig.store.compact();
            assertThat(freed).isNotNegative();
            Map<String, Long> left = new java.util.HashMap<>();
            rig.store
                    .topics(ACME.tenant())
                    .forEach(topic -> left.put(topic.topic().value(), topic.events()));
            assertThat(left.get("a.b")).isEqualTo(1);
            assertThat(left.get("b.b")).isBetween(40L, 50L);
            assertThat(texts(take(rig.subscribe(null, "a.*", StartAt.EARLIEST), 1)))
                    .containsExactly("new");
            assertThat(EmbeddedStore.examine(directory, false).problems()).isEmpty();
            assertThatThrownBy(() ->
                            rig.subscribe(null, "a.*", StartAt.after(Map.of("local", new Position("local", "3")))))
                    .hasMessageContaining("no longer keeps");
        }
        try (Rig rig = new Rig(directory, clock, Map.of("keep_for", "1h"), Store.Seams.NONE)) {
            assertThat(take(rig.subscribe("slow", "b.*", StartAt.NEW), 40)).hasSize(40);
        }
    }

    @Test
    void P10_aFullStoreRefusesAndLosesNothing() throws Exception {
        Map<String, Object> settings = Map.of("max_bytes_of_tenant", 65536L);
        try (Rig rig = new Rig(directory, new Rig.Clock(), settings, Store.Seams.NONE)) {
            ProviderSubscription group = rig.subscribe("g", "a.*", StartAt.EARLIEST);
            int accepted = 0;
            PublishOutcome outcome = rig.publish("a.b", "k", "x".repeat(1000));
            while (outcome.isAccepted()) {
                accepted++;
                outcome = rig.publish("a.b", "k", "x".repeat(1000));
            }
            assertThat(outcome.failure()).isInstanceOfSatisfying(EventsException.class, e -> {
                assertThat(e.code()).isEqualTo(ErrorCode.STORE_FULL);
                assertThat(e).hasMessageContaining("max_bytes_of_tenant").hasMessageContaining("test/acme");
            });
            assertThat(accepted).isBetween(40, 60);
            TenantContext other = TenantContext.of("test", "globex");
            assertThat(rig.publish(Rig.event(other, "a.b", null, "fits", Marks.NONE))
                            .isAccepted())
                    .isTrue();
            assertThat(take(group, accepted)).hasSize(accepted);
        }
    }

    @Test
    void aPausedShardGivesNothingAndMissesNothing() throws Exception {
        try (Rig rig = new Rig(directory)) {
            ProviderSubscription group = rig.subscribe("g", "a.*", StartAt.EARLIEST);
            rig.publish("a.b", "k", "1");
            InboundDelivery first = take(group, 1).get(0);
            group.pause(Set.of(first.shard()));
            rig.publish("a.b", "k", "2");
            for (int i = 0; i < 20; i++) {
                rig.publish("a.b", "other" + i, "o" + i);
            }
            List<String> others = texts(take(group, 0));
            for (int i = 0; i < 50; i++) {
                others = new ArrayList<>(others);
                others.addAll(texts(take(group, 0)));
            }
            assertThat(others).doesNotContain("2").hasSizeGreaterThan(10);
            group.pause(Set.of());
            List<String> rest = new ArrayList<>(others);
            for (int i = 0; i < 50; i++) {
                rest.addAll(texts(take(group, 0)));
            }
            assertThat(rest).contains("2").hasSize(21);
        }
    }

    @Test
    void topicsOfManyAddressesAreFoundAmongOthers() throws Exception {
        try (Rig rig = new Rig(directory)) {
            for (int i = 0; i < 300; i++) {
                rig.publish("t" + i % 100 + ".x", null, Integer.toString(i));
            }
        }
        try (Rig rig = new Rig(directory)) {
            assertThat(texts(take(rig.subscribe(null, "t7.*", StartAt.EARLIEST), 3)))
                    .containsExactly("7", "107", "207");
            assertThat(take(rig.subscribe(null, "*", StartAt.EARLIEST), 300)).hasSize(300);
        }
    }

    @Test
    void aBackupIsAWholeStore() throws Exception {
        Path copy = java.nio.file.Files.createDirectories(directory.resolve("copy"));
        Path file = copy.resolve("events.db");
        try (Rig rig = new Rig(directory.resolve("first"))) {
            for (int i = 0; i < 100; i++) {
                rig.publish("a.b", "k", Integer.toString(i));
            }
            rig.store.backup(file);
            rig.publish("a.b", "k", "after");
        }
        try (Rig rig = new Rig(copy)) {
            assertThat(take(rig.subscribe("g", "a.*", StartAt.EARLIEST), 100)).hasSize(100);
        }
        assertThat(EmbeddedStore.examine(copy, false).problems()).isEmpty();
    }

    @Test
    void P7_aPausedKeyStopsNoOtherKeyOfItsShard() throws Exception {
        try (Rig rig = new Rig(directory)) {
            ProviderSubscription all = rig.subscribe(null, "a.*", StartAt.EARLIEST);
            rig.publish("a.b", "bad", "1");
            assertThat(texts(take(all, 1))).containsExactly("1");
            TenantTopic address = new TenantTopic(ACME.tenant(), new Topic("a.b"));
            assertThat(all.pauseKeys(Set.of(new OrderingKey(address, "bad")))).isTrue();
            for (int i = 2; i < 500; i++) {
                rig.publish("a.b", i % 2 == 0 ? "bad" : "good", Integer.toString(i));
            }
            List<String> good = texts(take(all, 249));
            assertThat(good)
                    .hasSize(249)
                    .allMatch(text -> Integer.parseInt(text) % 2 == 1)
                    .isSortedAccordingTo(java.util.Comparator.comparing(Integer::valueOf));
            assertThat(all.pauseKeys(Set.of())).isTrue();
            List<String> bad = texts(take(all, 249));
            assertThat(bad).hasSize(249).startsWith("2", "4", "6").endsWith("498");
        }
    }

    /** Its owner has not heard yet that another member took the shard, as after standing still. */
    @Test
    void P6_whatSomebodyElseTookCannotBeSettled() throws Exception {
        try (Rig rig = new Rig(directory)) {
            ProviderSubscription member = rig.subscribe("g", "a.*", StartAt.EARLIEST);
            rig.publish("a.b", "k", "1");
            List<InboundDelivery> taken = take(member, 1);
            rig.store.store().committer.call(true, tx -> tx.session.update("UPDATE shard SET epoch = epoch + 1"));
            assertThat(member.settle(List.of(Settled.ack(taken.get(0))))).containsExactly(SettleOutcome.LOST);
            List<InboundDelivery> again = take(member, 1);
            assertThat(texts(again)).containsExactly("1");
            assertThat(member.settle(List.of(Settled.ack(again.get(0))))).containsExactly(SettleOutcome.SETTLED);
        }
    }

    @Test
    void retentionLeavesWhatIsYoung() throws Exception {
        Rig.Clock clock = new Rig.Clock();
        try (Rig rig = new Rig(directory, clock, Map.of("keep_for", "1h"), Store.Seams.NONE)) {
            for (int i = 0; i < 400; i++) {
                clock.pass(Duration.ofMillis(20));
                rig.publish("a.b", null, Integer.toString(i));
            }
            rig.store.compact();
            assertThat(rig.store.topics(ACME.tenant()).get(0).events()).isEqualTo(400);
            clock.pass(Duration.ofHours(1).minusSeconds(4));
            rig.store.compact();
            // The log's clock has a row a second, so the bound is that exact.
            assertThat(rig.store.topics(ACME.tenant()).get(0).events()).isBetween(200L, 260L);
            assertThat(EmbeddedStore.examine(directory, false).problems()).isEmpty();
        }
    }

    /** Whoever opens or examines a store sees others' transactions come in while it looks. */
    @Test
    void aStoreThatOthersWriteToIsNotTakenForDamaged() throws Exception {
        try (Rig rig = new Rig(directory)) {
            Store store = rig.store.store();
            AtomicBoolean enough = new AtomicBoolean();
            Thread others = new Thread(() -> {
                for (int i = 0; i < 1_000_000 && !enough.get(); i++) {
                    rig.publish("a.b", "k", "x");
                }
            });
            others.start();
            try (Session session = store.database.open()) {
                for (int i = 0; store.log.tail() < 2_000; i++) {
                    Store.refuseLoss(session, store.files, store.processes);
                    if (i % 1_000 == 0) {
                        assertThat(EmbeddedStore.examine(directory, false).problems())
                                .isEmpty();
                    }
                }
            } finally {
                enough.set(true);
                others.join();
            }
        }
    }
}
