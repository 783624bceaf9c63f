package ai.greentic.events.conformance;

import ai.greentic.events.memory.MemoryAttemptStore;
import ai.greentic.events.memory.MemoryDeadLetterStore;
import ai.greentic.events.memory.MemoryIdempotencyStore;
import ai.greentic.events.spi.AttemptStore;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.IdempotencyStore;
import ai.greentic.events.spi.Time;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;

/** The stores in memory: they live as long as the test, whoever closes them. */
class MemoryStoresTest {
    @Nested
    class Idempotency extends IdempotencyStoreConformance {
        private @Nullable IdempotencyStore store;

        @Override
        protected IdempotencyStore open(Time time) {
            if (store == null) {
                store = new MemoryIdempotencyStore(time);
            }
            return store;
        }

        @Override
        protected void close() {}

        @Override
        protected Duration window() {
            return Duration.ofHours(36);
        }
    }

    @Nested
    class DeadLetters extends DeadLetterStoreConformance {
        private @Nullable DeadLetterStore store;

        @Override
        protected DeadLetterStore open(Time time) {
            if (store == null) {
                store = new MemoryDeadLetterStore();
            }
            return store;
        }

        @Override
        protected void close() {}
    }

    @Nested
    class Attempts extends AttemptStoreConformance {
        private @Nullable AttemptStore store;

        @Override
        protected AttemptStore open(Time time) {
            if (store == null) {
                store = new MemoryAttemptStore();
            }
            return store;
        }

        @Override
        protected void close() {}
    }
}
