package ai.greentic.events.conformance;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What every provider must do, through the real engine, with real threads and real time. Extend it, say where the events live, and run it:
 *
 * <pre>{@code
 * class LinesConformanceTest extends ProviderConformance {
 *     @Override
 *     protected Target target() {
 *         return new LinesTarget(Files.createTempDirectory("lines"));
 *     }
 * }
 * }</pre>
 *
 * <p>Each test has a place of its own and a ledger; after each one nothing may be lost, no thread may be left, and the log must be quiet.
 * What a provider declares is proved, what it does not declare is proved to be refused or supplied by the engine: nothing is skipped.
 * {@code -Dconformance.size=full} does the full numbers, {@code -Dconformance.seed=N} repeats the choices of a run.
 */
@Timeout(300)
public abstract class ProviderConformance {
    @RegisterExtension
    static final Reporter REPORTER = new Reporter();

    private @Nullable Invariants invariants;
    private @Nullable Fabric fabric;

    /** For subclasses. */
    protected ProviderConformance() {}

    /** A fresh, empty place; called once for each test. */
    protected abstract Target target() throws Exception;

    @BeforeEach
    void open() throws Exception {
        invariants = new Invariants();
        fabric = new Fabric(target(), invariants.log);
        Report.of(getClass()).declared(fabric.capabilities);
    }

    @AfterEach
    void close() throws Exception {
        try (Invariants holding = Objects.requireNonNull(invariants)) {
            if (fabric != null) {
                fabric.close();
            }
            holding.check();
        }
    }

    final Fabric fabric() {
        return Objects.requireNonNull(fabric);
    }

    @Nested
    final class Publish extends PublishChecks {
        Publish() {
            super(ProviderConformance.this);
        }
    }

    @Nested
    final class Subscribe extends SubscribeChecks {
        Subscribe() {
            super(ProviderConformance.this);
        }
    }

    @Nested
    final class Groups extends GroupChecks {
        Groups() {
            super(ProviderConformance.this);
        }
    }

    @Nested
    final class Tenancy extends TenancyChecks {
        Tenancy() {
            super(ProviderConformance.this);
        }
    }

    @Nested
    final class Order extends OrderChecks {
        Order() {
            super(ProviderConformance.this);
        }
    }

    @Nested
    final class Acknowledge extends AcknowledgeChecks {
        Acknowledge() {
            super(ProviderConformance.this);
        }
    }

    @Nested
    final class Redelivery extends RedeliveryChecks {
        Redelivery() {
            super(ProviderConformance.this);
        }
    }

    @Nested
    final class DeadLetters extends DeadLetterChecks {
        DeadLetters() {
            super(ProviderConformance.this);
        }
    }

    @Nested
    final class Idempotency extends IdempotencyChecks {
        Idempotency() {
            super(ProviderConformance.this);
        }
    }

    @Nested
    final class Lifecycle extends LifecycleChecks {
        Lifecycle() {
            super(ProviderConformance.this);
        }
    }

    @Nested
    final class Errors extends ErrorChecks {
        Errors() {
            super(ProviderConformance.this);
        }
    }

    @Nested
    final class Faults extends FaultChecks {
        Faults() {
            super(ProviderConformance.this);
        }
    }

    @Nested
    final class Limits extends LimitChecks {
        Limits() {
            super(ProviderConformance.this);
        }
    }

    @Nested
    final class Timers extends TimerChecks {
        Timers() {
            super(ProviderConformance.this);
        }
    }

    @Nested
    final class Soak extends SoakChecks {
        Soak() {
            super(ProviderConformance.this);
        }
    }

    @Nested
    final class Capabilities extends CapabilityChecks {
        Capabilities() {
            super(ProviderConformance.this);
        }
    }
}
