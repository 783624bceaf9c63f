package ai.greentic.events.embedded;

import ai.greentic.events.conformance.AttemptStoreConformance;
import ai.greentic.events.conformance.DeadLetterStoreConformance;
import ai.greentic.events.conformance.ForwardStoreConformance;
import ai.greentic.events.conformance.IdempotencyStoreConformance;
import ai.greentic.events.spi.AttemptStore;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.ForwardStore;
import ai.greentic.events.spi.IdempotencyStore;
import ai.greentic.events.spi.Time;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/** The stores on disk; each life is a store opened anew. */
class EmbeddedStoresConformanceTest {
    @TempDir
    Path directory;

    private @Nullable EmbeddedStore open;

    private EmbeddedStore opened(Time time) {
        open = EmbeddedStore.open(directory, time);
        return open;
    }

    private void closeIt() {
        if (open != null) {
            open.close();
        }
    }

    @Nested
    class Idempotency extends IdempotencyStoreConformance {
        @Override
        protected IdempotencyStore open(Time time) {
            return opened(time).idempotency();
        }

        @Override
        protected void close() {
            closeIt();
        }

        @Override
        protected Duration window() {
            return Duration.ofHours(36);
        }
    }

    @Nested
    class DeadLetters extends DeadLetterStoreConformance {
        @Override
        protected DeadLetterStore open(Time time) {
            return opened(time).deadLetters();
        }

        @Override
        protected void close() {
            closeIt();
        }
    }

    @Nested
    class Attempts extends AttemptStoreConformance {
        @Override
        protected AttemptStore open(Time time) {
            return opened(time).attempts();
        }

        @Override
        protected void close() {
            closeIt();
        }
    }

    @Nested
    class Forwards extends ForwardStoreConformance {
        @Override
        protected ForwardStore open(Time time) {
            return opened(time).forwards();
        }

        @Override
        protected void close() {
            closeIt();
        }
    }
}
