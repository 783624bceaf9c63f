package ai.greentic.events.conformance;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.access.AccessRule;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.EventBusBuilder;
import ai.greentic.events.bus.PublishOptions;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.delivery.Backoff;
import ai.greentic.events.delivery.ProviderOverrides;
import ai.greentic.events.delivery.RedeliveryPolicy;
import ai.greentic.events.memory.MemoryAttemptStore;
import ai.greentic.events.memory.MemoryDeadLetterStore;
import ai.greentic.events.memory.MemoryIdempotencyStore;
import ai.greentic.events.spi.AttemptStore;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.IdempotencyStore;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderFactory;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.SettingsSchema;
import ai.greentic.events.spi.StateStore;
import ai.greentic.events.spi.StateStoreFactory;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import ai.greentic.events.testing.Faults;
import ai.greentic.events.testing.FaultyProvider;
import ai.greentic.events.testing.Ledger;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.assertj.core.api.Assertions;
import org.jspecify.annotations.Nullable;

/**
 * The fabric under test: buses over one {@link Target}, and a ledger of all that goes in and out. Closing it draws the account, which must
 * be sound whatever the test was about.
 */
final class Fabric {
    static final TenantContext ACME = TenantContext.of("test", "acme");
    static final TenantContext GLOBEX = TenantContext.of("test", "globex");

    /** Failing handlers are called again soon and often. */
    static final RedeliveryPolicy SOON =
            new RedeliveryPolicy(100, Duration.ofMillis(5), Duration.ofMillis(50), Backoff.EXPONENTIAL_WITH_JITTER);

    private static final AtomicLong NUMBERS = new AtomicLong();
    private static final long SEED = Long.getLong("conformance.seed", System.nanoTime());

    final Target target;
    final Set<Capability> capabilities;
    final Ledger ledger = new Ledger();
    final Faults faults = new Faults();
    final Random random = new Random(SEED);
    final LogWatch log;

    /** Kept through reopening, as a host's stores are, where the target has no directory for them. */
    final DeadLetterStore deadLetters = new MemoryDeadLetterStore();

    private final IdempotencyStore idempotency = new MemoryIdempotencyStore(Time.system());
    private final AttemptStore attempts = new MemoryAttemptStore();

    private final List<EventBus> buses = new CopyOnWriteArrayList<>();
    private final List<AutoCloseable> opened = new ArrayList<>();
    private Consumer<EventBusBuilder> more = builder -> {};
    private boolean faulty;
    private @Nullable EventBus main;

    Fabric(Target target, LogWatch log) {
        this.target = target;
        this.log = log;
        List<String> problems = new ArrayList<>();
        ProviderFactory factory = target.factory();
        ProviderSettings settings = factory.settings().parse(target.settings(), "settings", problems);
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException("the target's settings are not usable: " + problems);
        }
        this.capabilities = Set.copyOf(factory.capabilities(settings));
    }

    // Buses.

    /** Adds to every bus made from now on. */
    Fabric with(Consumer<EventBusBuilder> addition) {
        more = more.andThen(addition);
        return this;
    }

    /** The providers of buses made from now on fail as {@link #faults} say. */
    Fabric faulty() {
        faulty = true;
        return this;
    }

    boolean can(Capability capability) {
        return capabilities.contains(capability);
    }

    boolean canAll(Capability... all) {
        return capabilities.containsAll(Set.of(all));
    }

    /** The pattern, or the one topic where there are no patterns. */
    String pattern(String pattern, String topic) {
        return can(Capability.WILDCARD) ? pattern : topic;
    }

    /** The bus that publishes. */
    synchronized EventBus bus() {
        if (main == null) {
            main = open();
        }
        return main;
    }

    /** A bus with a provider of its own that reaches the same events, or the one that there is where that cannot be. */
    EventBus another() {
        return target.shared() ? open() : bus();
    }

    /** Closes every bus and opens the first one again, where the events outlive that; else does nothing. */
    EventBus reopen() {
        if (target.shared()) {
            closeAll();
        }
        return bus();
    }

    synchronized void closeAll() {
        List<EventBus> all = List.copyOf(buses);
        buses.clear();
        main = null;
        all.forEach(EventBus::close);
    }

    private void closeOpened() throws Exception {
        for (int i = opened.size() - 1; i >= 0; i--) {
            opened.get(i).close();
        }
        opened.clear();
    }

    private EventBus open() {
        ProviderFactory factory = faulty ? new FaultyFactory(target.factory()) : target.factory();
        EventBusBuilder builder = EventBus.builder()
                .providerFactory(factory)
                .provider("kit", factory.transport(), "*")
                .providerSettings(null, "kit", target.settings())
                .override("kit", ProviderOverrides.NONE.maxRetries(20).baseDelay(Duration.ofMillis(20)))
                .access(AccessPolicy.of(List.of(AccessRule.of(AccessRule.Effect.ALLOW, Set.of(AccessAction.values()))
                        .build())));
        if (target.stateDirectory() == null) {
            builder.idempotency(idempotency).deadLetters(deadLetters).attempts(attempts);
        } else {
            builder.stateDirectory(target.stateDirectory());
        }
        more.accept(builder);
        EventBus bus = builder.build();
        buses.add(bus);
        return bus;
    }

    /** A bus beside the others, whose events nobody else may reach. */
    EventBus fresh() {
        return open();
    }

    /** The provider itself, without an engine. */
    EventProvider provider() {
        ProviderFactory factory = target.factory();
        Tasks tasks = Tasks.threads("kit");
        opened.add(tasks);
        StateStore store = null;
        if (target.stateDirectory() != null) {
            StateStoreFactory stores =
                    ServiceLoader.load(StateStoreFactory.class).findFirst().orElseThrow();
            store = stores.open(target.stateDirectory(), ProviderSettings.defaults(stores.settings()), Time.system());
            opened.add(store);
        }
        EventProvider provider = factory.create(
                factory.settings().parse(target.settings(), "settings", new ArrayList<>()),
                new ProviderContext("kit", Time.system(), tasks, "kit", Optional.ofNullable(store)));
        opened.add(provider);
        return provider;
    }

    private final class FaultyFactory implements ProviderFactory {
        private final ProviderFactory factory;

        FaultyFactory(ProviderFactory factory) {
            this.factory = factory;
        }

        @Override
        public String transport() {
            return factory.transport();
        }

        @Override
        public SettingsSchema settings() {
            return factory.settings();
        }

        @Override
        public Set<Capability> capabilities(ProviderSettings settings) {
            return factory.capabilities(settings);
        }

        @Override
        public EventProvider create(ProviderSettings settings, ProviderContext context) {
            return new FaultyProvider(factory.create(settings, context), context.tasks(), faults);
        }
    }

    // Events.

    /** An event that is told from all others. */
    EventEnvelope event(TenantContext tenant, String topic, @Nullable String key, Payload payload) {
        EventEnvelope.Builder event = EventEnvelope.builder(tenant, topic)
                .id("kit-" + NUMBERS.incrementAndGet())
                .type("kit.event")
                .source("kit")
                .time(Time.system().now().truncatedTo(java.time.temporal.ChronoUnit.MICROS))
                .payload(payload);
        return (key == null ? event : event.orderingKey(key)).build();
    }

    EventEnvelope event(String topic, @Nullable String key, long number) {
        return event(ACME, topic, key, Payload.of(number));
    }

    /** Publishes and writes down what came of it. */
    PublishReceipt publish(EventEnvelope event) {
        return publish(event, PublishOptions.NONE);
    }

    PublishReceipt publish(EventEnvelope event, PublishOptions options) {
        ledger.publishing(event);
        try {
            PublishReceipt receipt = bus().publish(event, options);
            ledger.acknowledged(event.id());
            return receipt;
        } catch (EventsException e) {
            ledger.refused(event.id());
            throw e;
        }
    }

    CompletableFuture<PublishReceipt> publishAsync(EventEnvelope event) {
        ledger.publishing(event);
        return bus().publishAsync(event).whenComplete((receipt, failure) -> {
            if (failure == null) {
                ledger.acknowledged(event.id());
            } else {
                ledger.refused(event.id());
            }
        });
    }

    /** Publishes numbers 0 to {@code count} on a topic, their keys in turn; none has one if there are no keys. */
    void publishAll(TenantContext tenant, String topic, int keys, int count) {
        List<CompletableFuture<PublishReceipt>> waiting = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            waiting.add(publishAsync(event(tenant, topic, keys == 0 ? null : "k" + i % keys, Payload.of(i))));
            if (waiting.size() == 256) {
                join(waiting);
            }
        }
        join(waiting);
    }

    /** Waits for all answers, and forgets them. */
    static void join(List<CompletableFuture<PublishReceipt>> waiting) {
        CompletableFuture.allOf(waiting.toArray(new CompletableFuture<?>[0]))
                .orTimeout(patience().toSeconds(), TimeUnit.SECONDS)
                .join();
        waiting.clear();
    }

    // Readers.

    /** A group that gets everything of a pattern that is published from now on. */
    Audience group(String name, TenantScope scope, String pattern) {
        return new Audience(
                this,
                ledger.reader(name, scope, TopicPattern.of(pattern)),
                scope,
                pattern,
                SubscribeOptions.group(name).redelivery(SOON));
    }

    /** A reader of its own. */
    Audience ephemeral(String name, TenantScope scope, String pattern) {
        return new Audience(
                this,
                ledger.reader(name, scope, TopicPattern.of(pattern)),
                scope,
                pattern,
                SubscribeOptions.ephemeral().redelivery(SOON));
    }

    // Waiting.

    /** Longest time that anything may take on a slow machine. */
    static Duration patience() {
        return Duration.ofMillis(Long.getLong("conformance.patience", 60_000));
    }

    /** Waits for something that the code under test does in its own time. */
    void await(String what, BooleanSupplier condition) {
        await(what, patience(), condition);
    }

    void await(String what, Duration patience, BooleanSupplier condition) {
        long end = System.nanoTime() + patience.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError(
                        "not within " + patience.toSeconds() + " s: " + what + "; " + ledger.account() + seed());
            }
            pause(Duration.ofMillis(5));
        }
    }

    /** Waits until all readers have everything, and a moment longer for what should not come. */
    void awaitAll() {
        await("every reader is done with every event", () -> ledger.account().lost() == 0);
        pause(Duration.ofMillis(Size.of(1000, 50)));
    }

    /** Real time passes: transports have clocks of their own. */
    static void pause(Duration time) {
        try {
            Thread.sleep(time.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("the test was interrupted", e);
        }
    }

    static String seed() {
        return " (conformance.seed=" + SEED + ")";
    }

    // Judging.

    /** No reader got anything twice. */
    void assertNoDuplicates() {
        Assertions.assertThat(ledger.account().duplicated())
                .as("P9: duplicates without a fault; %s%s", ledger.account(), seed())
                .isZero();
    }

    /** Every reader saw every key in the order of publishing. */
    void assertOrdered() {
        Assertions.assertThat(ledger.account().reordered())
                .as("P6: order within keys; %s%s", ledger.account(), seed())
                .isZero();
    }

    void assertSound() {
        Assertions.assertThat(ledger.account().isSound())
                .as("lost, unexpected, cross-tenant and early are 0; %s%s", ledger.account(), seed())
                .isTrue();
    }

    /** Drains every bus, closes it, and closes the target. */
    void close() throws Exception {
        try {
            for (EventBus bus : buses) {
                Assertions.assertThat(bus.drain(patience()))
                        .as("P12: every handler ends, and what it had in hand is settled")
                        .isTrue();
            }
        } finally {
            closeAll();
            closeOpened();
            target.close();
        }
        assertSound();
    }
}
