package ai.greentic.events.runner;

import static ai.greentic.events.runner.InstallsTest.ACME;
import static ai.greentic.events.runner.InstallsTest.OTHER;
import static ai.greentic.events.runner.InstallsTest.install;
import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.AllTenants;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.delivery.RetryPolicy;
import ai.greentic.events.runner.InstallDiagnostic.Code;
import ai.greentic.events.testing.VirtualTime;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SubscriptionWorkerTest {
    private final VirtualTime time = new VirtualTime(7);
    private final InstallStore store = InstallStore.inMemory();
    private final InstallResolver resolver =
            new InstallResolver((tenant, reference) -> Optional.empty(), (tenant, reference) -> Optional.empty());

    @AfterEach
    void end() {
        time.close();
    }

    private SubscriptionWorker.Builder worker(SubscriptionWorker.Driver driver) {
        return SubscriptionWorker.builder(store, resolver)
                .provider("sms", driver)
                .retry(RetryPolicy.STANDARD.maxRetries(0))
                .seams(time, time);
    }

    private ProviderInstall now(TenantContext tenant, String id) {
        return store.find(tenant, "sms", id).orElseThrow();
    }

    private Map<?, ?> notes(ProviderInstall install) {
        return (Map<?, ?>) java.util.Objects.requireNonNull(
                install.metadata().as(Map.class).get("subscriptions"));
    }

    private static Payload outage() {
        throw new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "away");
    }

    @Test
    void whatADriverReturnsIsKept() throws Exception {
        store.create(install(ACME, "sms", "one"));
        store.create(install(OTHER, "sms", "one"));
        store.create(install(ACME, "fax", "one"));
        SubscriptionWorker worker = worker((install, state) -> Payload.of(Map.of(
                        "for", install.install().tenant().tenant().name(), "before", state.equals(Payload.NULL))))
                .build(new AllTenants("prod"));
        time.advance(Duration.ofHours(1));
        assertThat(worker.sync()).isEmpty();
        for (TenantContext tenant : List.of(ACME, OTHER)) {
            ProviderInstall done = now(tenant, "one");
            assertThat(done.subscriptionsState().as(Object.class))
                    .isEqualTo(Map.of("for", tenant.tenant().name(), "before", true));
            assertThat(done.updatedAt()).isEqualTo(time.now());
            assertThat(notes(done))
                    .isEqualTo(Map.of("last_sync", "2025-01-01T01:00:00Z", "failures", 0, "degraded", false));
        }
        assertThat(store.find(ACME, "fax", "one").orElseThrow()).isEqualTo(install(ACME, "fax", "one"));
        assertThat(worker.sync()).isEmpty();
        assertThat(now(ACME, "one").subscriptionsState().as(Map.class).get("before"))
                .isEqualTo(false);
    }

    /** D36: failures are counted, the last success stays, and the degraded are left alone for longer and longer. */
    @Test
    void theDegradedAreLeftAlone() throws Exception {
        store.create(install(ACME, "sms", "one")
                .with(
                        Payload.of("old"),
                        Payload.json(
                                "{\"other\": 1.50, \"subscriptions\": {\"last_sync\": \"2024-12-31T00:00:00Z\", \"failures\": 0, \"degraded\": false}}"),
                        InstallsTest.THEN));
        AtomicInteger calls = new AtomicInteger();
        SubscriptionWorker worker = worker((install, state) -> {
                    calls.incrementAndGet();
                    return outage();
                })
                .every(Duration.ofMinutes(1))
                .longestPause(Duration.ofMinutes(5))
                .build(ACME);
        for (int failures = 1; failures <= 3; failures++) {
            assertThat(worker.sync())
                    .extracting(InstallDiagnostic::code)
                    .containsExactly(Code.SUBSCRIPTION_SYNC_FAILED);
            assertThat(notes(now(ACME, "one")))
                    .isEqualTo(Map.of(
                            "last_sync", "2024-12-31T00:00:00Z", "failures", failures, "degraded", failures == 3));
        }
        assertThat(now(ACME, "one").subscriptionsState()).isEqualTo(Payload.of("old"));
        assertThat(now(ACME, "one").metadata().json()).contains("\"other\":1.50");
        assertThat(worker.sync()).as("it has two minutes").isEmpty();
        time.advance(Duration.ofMinutes(2));
        assertThat(worker.sync()).hasSize(1);
        time.advance(Duration.ofMinutes(3));
        assertThat(worker.sync()).as("it has four minutes now").isEmpty();
        time.advance(Duration.ofMinutes(1));
        assertThat(worker.sync()).hasSize(1);
        time.advance(Duration.ofMinutes(5));
        assertThat(worker.sync()).as("five at most").hasSize(1);
        assertThat(calls).hasValue(6);
    }

    /** D36: what others change in the record while a driver runs stays; but two states of the same subscriptions cannot both stand. */
    @Test
    void P2_whatOthersChangeMeanwhileStays() throws Exception {
        store.create(install(ACME, "sms", "one"));
        SubscriptionWorker.Driver driver = (install, state) -> {
            ProviderInstall before = now(ACME, "one");
            store.replace(before, InstallsTest.with(before, Map.of(), Map.of("NEW", "ref")));
            return Payload.of("mine");
        };
        assertThat(worker(driver).build(ACME).sync()).isEmpty();
        assertThat(now(ACME, "one").secretRefs()).containsKey("NEW");
        assertThat(now(ACME, "one").subscriptionsState()).isEqualTo(Payload.of("mine"));

        store.remove(now(ACME, "one"));
        store.create(install(ACME, "sms", "one"));
        SubscriptionWorker.Driver raced = (install, state) -> {
            ProviderInstall before = now(ACME, "one");
            store.replace(before, before.with(Payload.of("theirs"), before.metadata(), before.updatedAt()));
            return Payload.of("mine");
        };
        assertThat(worker(raced).build(ACME).sync().toString()).contains("theirs stands");
        assertThat(now(ACME, "one").subscriptionsState()).isEqualTo(Payload.of("theirs"));
    }

    @Test
    void anInstallThatIsRemovedMeanwhileStaysSo() throws Exception {
        store.create(install(ACME, "sms", "one"));
        SubscriptionWorker worker = worker((install, state) -> {
                    store.remove(now(ACME, "one"));
                    return Payload.of("late");
                })
                .build(ACME);
        assertThat(worker.sync()).isEmpty();
        assertThat(store.list(ACME)).isEmpty();
    }

    /** D37: missing secrets are no failed synchronisation. */
    @Test
    void kindsOfProblemsAreKept() throws Exception {
        store.create(InstallsTest.with(install(ACME, "sms", "one"), Map.of(), Map.of("TOKEN", "nowhere")));
        store.create(install(ACME, "sms", "two").with(Payload.NULL, Payload.of("text"), InstallsTest.THEN));
        List<InstallDiagnostic> found =
                worker((install, state) -> Payload.of(1)).build(ACME).sync();
        assertThat(found)
                .extracting(InstallDiagnostic::code)
                .containsExactlyInAnyOrder(Code.MISSING_SECRET, Code.MALFORMED_INSTALL);
        assertThat(notes(now(ACME, "one"))).isEqualTo(Map.of("last_sync", "unknown", "failures", 1, "degraded", false));
        assertThat(now(ACME, "two").metadata()).isEqualTo(Payload.of("text"));
        assertThat(now(ACME, "two").subscriptionsState()).isEqualTo(Payload.of(1));
    }

    /** An outage is waited out; what cannot get better is not tried again. */
    @Test
    void aDriverIsCalledAgainWhereThatCanHelp() throws Exception {
        store.create(install(ACME, "sms", "one"));
        AtomicInteger calls = new AtomicInteger();
        SubscriptionWorker worker = worker((install, state) -> {
                    if (calls.incrementAndGet() < 3) {
                        throw new java.io.IOException("reset");
                    }
                    return Payload.of("done");
                })
                .retry(RetryPolicy.STANDARD.maxRetries(5))
                .build(ACME);
        assertThat(worker.sync()).isEmpty();
        assertThat(calls).hasValue(3);
        AtomicInteger refused = new AtomicInteger();
        SubscriptionWorker other = worker((install, state) -> {
                    refused.incrementAndGet();
                    throw new EventsException(ErrorCode.ACCESS_DENIED, "no");
                })
                .retry(RetryPolicy.STANDARD.maxRetries(5))
                .build(ACME);
        assertThat(other.sync()).hasSize(1);
        assertThat(refused).hasValue(1);
    }

    /** D36: one that is slow does not hold up the others. */
    @Test
    void installsAreDoneSideBySide() throws Exception {
        for (int i = 0; i < 8; i++) {
            store.create(install(ACME, "sms", "i" + i));
        }
        List<String> done = new CopyOnWriteArrayList<>();
        SubscriptionWorker worker = worker((install, state) -> {
                    boolean slow = install.install().installId().equals("i0");
                    var unused = time.signal().await(Duration.ofSeconds(slow ? 60 : 1));
                    done.add(install.install().installId());
                    return Payload.of(1);
                })
                .parallel(2)
                .build(ACME);
        long began = time.nanos();
        assertThat(worker.sync()).isEmpty();
        assertThat(done).hasSize(8).endsWith("i0");
        assertThat(Duration.ofNanos(time.nanos() - began)).isBetween(Duration.ofSeconds(60), Duration.ofSeconds(62));
    }

    @Test
    void roundsComeByThemselvesUntilItIsClosed() throws Exception {
        store.create(install(ACME, "sms", "one"));
        AtomicInteger calls = new AtomicInteger();
        SubscriptionWorker worker = worker((install, state) -> Payload.of(calls.incrementAndGet()))
                .every(Duration.ofMinutes(1))
                .build(ACME);
        worker.start();
        worker.start();
        time.advance(Duration.ofSeconds(150));
        assertThat(calls).hasValue(3);
        worker.close();
        time.advance(Duration.ofMinutes(10));
        assertThat(calls).hasValue(3);
    }
}
