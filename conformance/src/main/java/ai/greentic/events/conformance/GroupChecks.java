package ai.greentic.events.conformance;

import static ai.greentic.events.conformance.Fabric.ACME;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.spi.Capability;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Positions that are kept, and members that compete. A provider without groups must refuse them. */
abstract class GroupChecks extends Checks {
    GroupChecks(ProviderConformance kit) {
        super(kit);
    }

    /** Whether there are groups; where there are none, proves that they are refused. */
    private boolean refusedInstead() {
        Fabric fabric = fabric();
        if (fabric.can(Capability.GROUP)) {
            return false;
        }
        CapabilityChecks.assertUnsupported(
                () -> fabric.bus().subscribe(ACME, "groups.x", SubscribeOptions.group("g"), delivery -> {}));
        return true;
    }

    /** Three groups of four members, which come and go while events flow. */
    @Test
    void P9_eachGroupGetsEachEventOnceWhileMembersComeAndGo() throws Exception {
        if (refusedInstead()) {
            return;
        }
        Fabric fabric = fabric();
        List<Audience> groups = new ArrayList<>();
        List<List<Subscription>> members = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            Audience group = fabric.group("group-" + i, ACME, fabric.pattern("groups.*", "groups.x"));
            groups.add(group);
            List<Subscription> own = new ArrayList<>();
            for (int member = 0; member < 4; member++) {
                own.add(group.join(fabric.another()));
            }
            members.add(own);
        }
        AtomicBoolean published = new AtomicBoolean();
        Thread publisher = new Thread(() -> {
            int count = Size.of(10_000, 1_200);
            for (int i = 0; i < count; i += 20) {
                fabric.publishAll(ACME, "groups.x", 16, 20);
            }
            published.set(true);
        });
        publisher.start();
        List<EventBus> buses = List.of(fabric.another(), fabric.another());
        for (int turn = 0; !published.get() || turn < 3; turn++) {
            Audience group = groups.get(turn % groups.size());
            List<Subscription> own = members.get(turn % groups.size());
            own.remove(fabric.random.nextInt(own.size())).close();
            Fabric.pause(Duration.ofMillis(100));
            own.add(group.join(buses.get(turn % 2)));
        }
        publisher.join();
        fabric.awaitAll();
        fabric.assertNoDuplicates();
        if (fabric.canAll(Capability.KEY_ORDER, Capability.KEY_AFFINITY)) {
            fabric.assertOrdered();
        }
    }

    @Test
    void P9_aGroupGoesOnWhereItWasWhenEverybodyHadLeft() {
        if (refusedInstead()) {
            return;
        }
        Fabric fabric = fabric();
        Audience group = fabric.group("kept", ACME, fabric.pattern("groups.*", "groups.x"));
        for (int round = 0; round < 4; round++) {
            Subscription member = group.join();
            fabric.publishAll(ACME, "groups.x", 4, 50);
            fabric.awaitAll();
            member.close();
            fabric.publishAll(ACME, "groups.x", 4, 50);
            if (round % 2 == 1) {
                fabric.reopen();
            }
        }
        group.join();
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }

    @Test
    void P9_groupsDoNotTakeFromEachOther() {
        if (refusedInstead()) {
            return;
        }
        Fabric fabric = fabric();
        fabric.group("first", ACME, fabric.pattern("groups.*", "groups.x")).join();
        fabric.group("second", ACME, fabric.pattern("groups.*", "groups.x")).join(fabric.another());
        fabric.group("second-", ACME, fabric.pattern("groups.*", "groups.x")).join();
        fabric.group("second.first", ACME, "groups.x").join();
        fabric.ephemeral("nobody's", ACME, fabric.pattern("groups.*", "groups.x"))
                .join();
        fabric.publishAll(ACME, "groups.x", 4, Size.of(1_000, 100));
        fabric.awaitAll();
        fabric.assertNoDuplicates();
    }

    @Test
    void P9_membersShareTheWork() {
        if (refusedInstead()) {
            return;
        }
        Fabric fabric = fabric();
        Set<Integer> workers = new ConcurrentSkipListSet<>();
        Audience group = fabric.group("sharing", ACME, fabric.pattern("groups.*", "groups.x"));
        for (int i = 0; i < 3; i++) {
            int worker = i;
            group.join(fabric.another(), delivery -> {
                workers.add(worker);
                group.reader.handled(delivery);
            });
        }
        if (fabric.target.membersWorkTogether()) {
            fabric.await("every member has worked", () -> {
                fabric.publishAll(ACME, "groups.x", 64, 64);
                return workers.size() == 3;
            });
        } else {
            fabric.publishAll(ACME, "groups.x", 640, 64);
        }
        fabric.awaitAll();
        fabric.assertNoDuplicates();
        assertThat(workers).hasSize(fabric.target.membersWorkTogether() ? 3 : 1);
    }

    @Test
    void P14_anotherPatternUnderAKeptPositionIsRefused() {
        if (refusedInstead()) {
            return;
        }
        Fabric fabric = fabric();
        fabric.group("fixed", ACME, "groups.a").join().close();
        assertThatThrownBy(() -> fabric.bus()
                        .subscribe(ACME, "groups.b", SubscribeOptions.group("fixed"), delivery -> {})
                        .ready()
                        .join())
                .satisfies(error -> {
                    Throwable cause = error instanceof EventsException ? error : error.getCause();
                    assertThat(cause).isInstanceOfSatisfying(EventsException.class, e -> {
                        assertThat(e.code()).isEqualTo(ErrorCode.GROUP_MISMATCH);
                        assertThat(e).hasMessageContaining("fixed").hasMessageContaining("groups.a");
                    });
                });
    }
}
