package ai.greentic.events.conformance;

import ai.greentic.events.spi.ProviderFactory;
import java.util.Map;

/** The kit on a broken provider. Not found by the build; {@link BrokenProvidersTest} runs it. */
class BrokenProviderKit extends ProviderConformance {
    static volatile Defect defect = Defect.REORDERS;

    @Override
    protected Target target() {
        return new Target() {
            @Override
            public ProviderFactory factory() {
                return new BrokenFactory(defect);
            }

            @Override
            public Map<String, ?> settings() {
                return defect == Defect.SWALLOWS_A_FULL_PROVIDER ? Map.of("max_bytes", 10_000_000L) : Map.of();
            }

            @Override
            public boolean shared() {
                return false;
            }
        };
    }
}
