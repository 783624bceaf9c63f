package ai.greentic.events.conformance;

import ai.greentic.events.EventId;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import ai.greentic.events.spi.Time;
import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;

/**
 * What the kits of the stores share: a store, a clock that only the test moves, and another life for the store.
 *
 * @param <S> the store's interface
 */
@Timeout(120)
abstract class StoreConformance<S> {
    static final Tenant ACME = new Tenant("test", "acme");
    static final Tenant GLOBEX = new Tenant("test", "globex");
    private static final long SEED = Long.getLong("conformance.seed", System.nanoTime());

    final Clock clock = new Clock();
    final Random random = new Random(SEED);
    private @Nullable S store;
    private @Nullable Invariants invariants;

    /** Both clocks go together, and only when told to. */
    static final class Clock implements Time {
        private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-01-01T00:00:00Z"));
        private final AtomicLong nanos = new AtomicLong(1);

        @Override
        public Instant now() {
            return java.util.Objects.requireNonNull(now.get());
        }

        @Override
        public long nanos() {
            return nanos.get();
        }

        @Override
        public long randomBits() {
            return Time.system().randomBits();
        }

        void pass(Duration time) {
            now.updateAndGet(before -> before.plus(time));
            nanos.addAndGet(time.toNanos());
        }
    }

    /**
     * Opens the store of this test: empty the first time, as it was left when it is opened again after {@link #close}.
     *
     * @param time the clock that the store goes by
     */
    protected abstract S open(Time time) throws Exception;

    /** Closes what {@link #open} opened, as the end of its process would. A store that lives in memory does nothing. */
    protected abstract void close() throws Exception;

    @BeforeEach
    void begin() throws Exception {
        invariants = new Invariants();
        store = open(clock);
    }

    @AfterEach
    void end() throws Exception {
        close();
        try (Invariants holding = java.util.Objects.requireNonNull(invariants)) {
            holding.check();
        }
    }

    final S store() {
        return java.util.Objects.requireNonNull(store);
    }

    /** The store of the next process. */
    final S reopened() throws Exception {
        close();
        store = open(clock);
        return store();
    }

    /** Says that the log will have a warning or error with this in it. */
    final void expect(String warning) {
        java.util.Objects.requireNonNull(invariants).log.expect(warning);
    }

    static TenantTopic address(Tenant tenant, String topic) {
        return new TenantTopic(tenant, new Topic(topic));
    }

    static EventId event(long number) {
        return new EventId("evt-" + number);
    }

    static String seed() {
        return "conformance.seed=" + SEED;
    }
}
