package ai.greentic.events.testing;

import ai.greentic.events.Tenant;
import ai.greentic.events.TenantContext;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.access.AccessRule;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.EventBusBuilder;
import ai.greentic.events.memory.MemoryDeadLetterStore;
import ai.greentic.events.memory.MemoryProviderFactory;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSettings;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * A whole fabric in memory under virtual time, for tests of applications: publish, {@link #advance}, look. Handlers run on threads of the
 * fabric, one at a time, and must not wait for each other other than through it. Every topic goes to one memory provider that can be made
 * to fail; everything is allowed, all tenants at once included, unless configured otherwise.
 */
public final class TestFabric implements AutoCloseable {
    private final VirtualTime time;
    private final Faults faults;
    private final MemoryDeadLetterStore deadLetters = new MemoryDeadLetterStore();
    private final EventBus bus;

    private TestFabric(long seed, Consumer<EventBusBuilder> more) {
        this.time = new VirtualTime(seed);
        this.faults = new Faults();
        MemoryProviderFactory memory = new MemoryProviderFactory();
        ProviderSettings settings = ProviderSettings.defaults(memory.settings());
        EventProvider provider =
                new FaultyProvider(memory.create(settings, new ProviderContext("memory", time, time)), time, faults);
        Set<Capability> capabilities = memory.capabilities(settings);
        EventBusBuilder builder = EventBus.builder()
                .seams(time, time)
                .deadLetters(deadLetters)
                .access(AccessPolicy.of(List.of(everything())));
        more.accept(builder);
        this.bus = builder.provider("memory", provider, capabilities, "*").build();
    }

    private static AccessRule everything() {
        return AccessRule.of(AccessRule.Effect.ALLOW, Set.of(AccessAction.values()))
                .build();
    }

    /** With seed 0 and nothing special. */
    public static TestFabric create() {
        return create(0, builder -> {});
    }

    /**
     * @param seed of the order in which threads run, and of chance
     * @param more adds to the builder, or replaces its access policy; providers added here come before the memory provider
     */
    public static TestFabric create(long seed, Consumer<EventBusBuilder> more) {
        return new TestFabric(seed, more);
    }

    public EventBus bus() {
        return bus;
    }

    public VirtualTime time() {
        return time;
    }

    /** What shall go wrong in the memory provider. */
    public Faults faults() {
        return faults;
    }

    /** Lets time pass and everything happen that falls due meanwhile. */
    public void advance(Duration by) {
        time.advance(by);
    }

    /** Lets everything happen that needs no time to pass. */
    public void settle() {
        time.settle();
    }

    /** Where the bus keeps dead letters, unless it was given another store. */
    public DeadLetterStore deadLetterStore() {
        return deadLetters;
    }

    public List<DeadLetter> deadLetters(TenantContext tenant) {
        return deadLetters(tenant.tenant());
    }

    public List<DeadLetter> deadLetters(Tenant tenant) {
        return deadLetters.list(tenant, DeadLetterFilter.ALL, null, Integer.MAX_VALUE);
    }

    @Override
    public void close() {
        bus.close();
        time.close(Duration.ZERO);
    }
}
