package ai.greentic.events.simulation;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventId;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.access.AccessRule;
import ai.greentic.events.bus.Delivery;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.PublishOptions;
import ai.greentic.events.bus.RedriveOptions;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.delivery.Backoff;
import ai.greentic.events.delivery.ProviderOverrides;
import ai.greentic.events.delivery.RedeliveryPolicy;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.testing.Ledger;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** A process with a bus; it dies and begins again. Belongs to the one thread that runs at a time. */
final class SimProcess {
    private static final RedeliveryPolicy POLICY = new RedeliveryPolicy(
            World.MAX_ATTEMPTS, Duration.ofMillis(20), Duration.ofSeconds(5), Backoff.EXPONENTIAL_WITH_JITTER);

    private final World world;
    private final int number;
    private int lives;
    private @Nullable Running running;

    /** One life. */
    private final class Running {
        final Link link = new Link(world, world.broker);
        final SharedStores stores = new SharedStores(world);
        final boolean strict = ++lives % 2 == 0;
        final EventBus bus;
        /** Handlers at work, by group. */
        final Map<String, Integer> atWork = new LinkedHashMap<>();

        final Map<String, List<Subscription>> members = new LinkedHashMap<>();
        boolean dead;

        Running() {
            bus = EventBus.builder()
                    .seams(world.time, new OwnTasks(world.time))
                    .provider(
                            "broker",
                            link,
                            EnumSet.of(
                                    Capability.PUBLISH,
                                    Capability.SUBSCRIBE,
                                    Capability.WILDCARD,
                                    Capability.GROUP,
                                    Capability.KEY_ORDER,
                                    Capability.KEY_AFFINITY,
                                    Capability.DELAYED_REDELIVERY,
                                    Capability.EXTEND,
                                    Capability.SCHEDULE,
                                    Capability.DURABLE_PROCESS_CRASH),
                            "*")
                    .override("broker", ProviderOverrides.NONE.maxRetries(5).baseDelay(Duration.ofMillis(50)))
                    .idempotency(stores)
                    .deadLetters(stores.letters())
                    .attempts(stores.attempts())
                    .deadLetterCopies(false)
                    .access(rules(strict))
                    .build();
        }
    }

    private static AccessPolicy rules(boolean strict) {
        AccessRule everything = AccessRule.of(AccessRule.Effect.ALLOW, Set.of(AccessAction.values()))
                .build();
        return AccessPolicy.of(
                strict
                        ? List.of(denied(World.FORBIDDEN), denied(World.GATED), everything)
                        : List.of(denied(World.FORBIDDEN), everything));
    }

    private static AccessRule denied(String topic) {
        return AccessRule.of(AccessRule.Effect.DENY, Set.of(AccessAction.PUBLISH))
                .topics(topic)
                .build();
    }

    SimProcess(World world, int number) {
        this.world = world;
        this.number = number;
    }

    @Override
    public String toString() {
        return "p" + number;
    }

    boolean isRunning() {
        return running != null;
    }

    void start() {
        if (running == null) {
            running = new Running();
            world.note(this + " starts");
        }
    }

    /** At once, without a word to anybody. What is left of it in memory ends by itself and is heard by nobody. */
    void crash() {
        Running dying = running;
        if (dying == null) {
            return;
        }
        world.note(this + " crashes");
        running = null;
        dying.dead = true;
        dying.link.die();
        dying.stores.die();
        world.forgive();
        world.time.start("remains of " + this, dying.bus::close);
    }

    void stop() {
        Running ending = running;
        if (ending != null) {
            world.note(this + " stops");
            running = null;
            ending.bus.close();
            ending.dead = true;
        }
    }

    void cut() {
        if (running != null && !running.link.isDown()) {
            world.note(this + " is cut off");
            world.forgive();
            running.link.cut();
        }
    }

    void heal() {
        if (running != null && running.link.isDown()) {
            world.note(this + " is connected again");
            world.forgive();
            running.link.heal();
        }
    }

    // Subscriptions.

    void join(TenantContext tenant, int group) {
        Running own = running;
        String name = World.name(tenant, group);
        if (own == null
                || own.members.computeIfAbsent(name, any -> new ArrayList<>()).size() >= 2) {
            return;
        }
        Ledger.Reader reader = Objects.requireNonNull(world.readers.get(name));
        SubscribeOptions options = SubscribeOptions.group("g" + group)
                .redelivery(POLICY)
                .concurrency(World.CONCURRENCY)
                .maxInFlight(32);
        try {
            Subscription member = own.bus.subscribe(tenant, "*", options, delivery -> {
                int working = own.atWork.merge(name, 1, Integer::sum);
                // A process has two members of a group at most.
                if (working > 2 * World.CONCURRENCY) {
                    world.violation("P10", working + " handlers of " + name + " at once in " + this);
                }
                try {
                    handle(own, name, reader, delivery);
                } finally {
                    own.atWork.merge(name, -1, Integer::sum);
                }
            });
            Objects.requireNonNull(own.members.get(name)).add(member);
            world.note(this + " joins " + name);
        } catch (EventsException e) {
            world.note(this + " cannot join " + name + ": " + e.code());
            if (e.code() != ErrorCode.PROVIDER_UNAVAILABLE) {
                world.violation("P9", this + " could not join: " + e);
            }
        }
    }

    void leave(TenantContext tenant, int group) {
        List<Subscription> members = running == null ? null : running.members.get(World.name(tenant, group));
        if (members != null && !members.isEmpty()) {
            world.note(this + " leaves " + World.name(tenant, group));
            members.remove(0).close();
        }
    }

    private void handle(Running own, String group, Ledger.Reader reader, Delivery delivery)
            throws InterruptedException {
        if (own.dead) {
            throw new IllegalStateException("the process has died");
        }
        EventId id = delivery.event().id();
        if (delivery.event().marks().redrive().isPresent()) {
            // A dead letter has left the order of its key.
            reader.finished(id);
        }
        reader.delivered(delivery.event());
        world.delivered(this, group, delivery);
        if (world.chance(5)) {
            var unused = world.time.signal().await(Duration.ofMillis(world.random.nextInt(300)));
            if (own.dead) {
                return;
            }
        }
        if (world.isStubborn(id)) {
            reader.expectAgain(id);
            world.note(this + " cannot handle " + id + " of " + group);
            var unused = delivery.redeliver(World.STUBBORN_DELAY);
            return;
        }
        int chance = world.random.nextInt(100);
        if (world.faults() && chance < 8) {
            if (delivery.attempt() >= World.MAX_ATTEMPTS) {
                reader.finished(id);
            } else {
                reader.expectAgain(id);
            }
            world.note(this + " fails " + id + " of " + group);
            throw new IllegalStateException("the simulation fails on purpose");
        }
        if (world.faults() && chance < 12) {
            Duration delay = Duration.ofMillis(world.random.nextInt(3_000));
            reader.expectAgain(id);
            if (delivery.redeliver(delay)) {
                world.note(this + " puts " + id + " of " + group + " off by " + delay.toMillis() + " ms");
                world.putOff(group, delivery, delay);
            }
            return;
        }
        if (world.faults() && chance < 14) {
            reader.finished(id);
            world.note(this + " rejects " + id + " of " + group);
            delivery.reject("the simulation rejects on purpose");
            return;
        }
        reader.finished(id);
        world.handled(group, id);
        var unused = delivery.settled().whenComplete((nothing, failure) -> {
            if (failure == null && !own.dead) {
                world.note(this + " settled " + id + " of " + group);
                reader.ended(id);
            }
        });
    }

    // Publishing.

    void publish(Random random, PublishOptions options, @Nullable String key) {
        publish(random, World.TOPICS.get(random.nextInt(World.TOPICS.size())), options, key);
    }

    private void publish(Random random, String topic, PublishOptions options, @Nullable String key) {
        Running own = running;
        if (own == null) {
            return;
        }
        TenantContext tenant = World.TENANTS.get(random.nextInt(World.TENANTS.size()));
        EventEnvelope.Builder builder = own.bus.newEvent(tenant, topic);
        // Of two processes nobody knows whose publish was first, and a scheduled event gets its place when it is due.
        if (key == null && options == PublishOptions.NONE && random.nextInt(4) > 0) {
            builder.orderingKey(this + "-k" + random.nextInt(4));
        }
        if (key != null) {
            // A key in doubt is repeated under its first id, so its events are all alike.
            builder.time(Instant.EPOCH);
        }
        EventEnvelope event = builder.payload(Payload.of(key == null ? "n" + random.nextInt(1_000_000) : key))
                .build();
        send(own, event, options, key == null ? null : tenant.tenant() + topic + key);
    }

    /** Publishes for the trial of what a failing key does to the others. */
    void publishForTrial(TenantContext tenant, String key, String payload) {
        Running own = Objects.requireNonNull(running);
        EventEnvelope event = own.bus
                .newEvent(tenant, World.TOPICS.get(0))
                .orderingKey(key)
                .payload(Payload.of(payload))
                .build();
        world.trial(tenant, event.id(), payload);
        send(own, event, PublishOptions.NONE, null);
    }

    /** @param whole what all events under one idempotency key share; null without one */
    private void send(Running own, EventEnvelope event, PublishOptions options, @Nullable String whole) {
        world.ledger.publishing(event);
        if (whole != null) {
            world.keyed(event.id(), whole);
        }
        world.note(this + " publishes " + event.id() + (whole == null ? "" : " under " + whole));
        var unused = own.bus.publishAsync(event, options).whenComplete((receipt, failure) -> {
            if (own.dead) {
                return;
            }
            if (failure == null) {
                world.published(receipt, event.id(), whole);
            } else {
                Throwable cause = failure instanceof CompletionException && failure.getCause() != null
                        ? failure.getCause()
                        : failure;
                if (cause instanceof EventsException known) {
                    world.refused(known, event.id());
                } else {
                    world.violation("P2", "a publish failed with " + cause);
                }
            }
        });
    }

    void publishForbidden(Random random) {
        Running own = running;
        if (own == null) {
            return;
        }
        boolean gated = random.nextBoolean();
        if (gated && !own.strict) {
            publish(random, World.GATED, PublishOptions.NONE, null);
            return;
        }
        String topic = gated ? World.GATED : World.FORBIDDEN;
        try {
            var receipt = own.bus.publish(World.TENANTS.get(0), topic, 1);
            world.violation("P5", "a publish on " + topic + " was accepted: " + receipt);
        } catch (EventsException e) {
            if (e.code() != ErrorCode.ACCESS_DENIED) {
                world.violation("P5", "a forbidden publish failed with " + e.code());
            }
        }
    }

    void redrive(TenantContext tenant) {
        Running own = running;
        if (own == null || own.link.isDown()) {
            return;
        }
        world.time.start("redrive of " + this, () -> {
            try {
                var report = own.bus
                        .deadLetters(tenant)
                        .redrive(
                                DeadLetterFilter.ALL,
                                RedriveOptions.STANDARD
                                        .rate(1_000)
                                        .maxRedrives(100)
                                        .max(20));
                world.note(this + " put back " + report.redriven() + " letters");
            } catch (InterruptedException e) {
                world.note(this + " was interrupted putting letters back");
            } catch (EventsException e) {
                world.note(this + " could not put letters back: " + e.code());
            }
        });
    }

    /** A subscription that nobody closed is alive. */
    void judge() {
        Running own = running;
        if (own == null) {
            return;
        }
        own.members.forEach((name, members) -> members.forEach(member -> {
            if (member.state() != Subscription.State.ACTIVE) {
                world.violation(
                        "P9",
                        "a member of " + name + " in " + this + " is " + member.state() + ": " + member.failure());
            }
        }));
    }
}
