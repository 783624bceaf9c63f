package ai.greentic.events.conformance;

import ai.greentic.events.spi.AttemptStore;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.IdempotencyStore;
import ai.greentic.events.spi.Time;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;

/** The kits on broken stores. Not found by the build; {@link BrokenStoresTest} runs it. */
class BrokenStoreKit {
    static volatile BrokenStores.Defect defect = BrokenStores.Defect.FORGETS_ATTEMPTS;

    @Nested
    class Idempotency extends IdempotencyStoreConformance {
        private @Nullable IdempotencyStore store;

        @Override
        protected IdempotencyStore open(Time time) {
            if (store == null) {
                store = BrokenStores.keys(defect, time);
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
                store = BrokenStores.letters(defect);
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
                store = BrokenStores.attempts(defect);
            }
            return store;
        }

        @Override
        protected void close() {}
    }
}
