package ai.greentic.events.conformance;

import ai.greentic.events.memory.MemoryProviderFactory;
import ai.greentic.events.spi.ProviderFactory;

/** The reference provider, whose events end with it. */
class MemoryConformanceTest extends ProviderConformance {
    /** Events that only their provider knows. */
    static final class InMemory implements Target {
        @Override
        public ProviderFactory factory() {
            return new MemoryProviderFactory();
        }

        @Override
        public boolean shared() {
            return false;
        }
    }

    @Override
    protected Target target() {
        return new InMemory();
    }
}
