package ai.greentic.events.conformance;

/** What the groups of tests share: the fabric of the test that runs. */
abstract class Checks {
    private final ProviderConformance kit;

    Checks(ProviderConformance kit) {
        this.kit = kit;
    }

    final Fabric fabric() {
        return kit.fabric();
    }
}
