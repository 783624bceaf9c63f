package ai.greentic.events.simulation;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.Polled;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.SubscribeRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** A member's side of a {@link Link}: it may be expelled while it cannot be reached, and then joins again. */
final class LinkedSubscription implements ProviderSubscription {
    private static final Duration LEASE = Duration.ofSeconds(5);

    private final World world;
    private final Link link;
    private final EventProvider broker;
    private final SubscribeRequest request;
    private final IdentityHashMap<InboundDelivery, InboundDelivery> held = new IdentityHashMap<>();
    private final Set<Integer> shards = new TreeSet<>();

    private @Nullable ProviderSubscription session;
    /** An answer that was lost on its way: the broker sends it again. */
    private @Nullable Polled lostAnswer;

    private boolean expelled;
    private boolean closed;

    LinkedSubscription(World world, Link link, EventProvider broker, SubscribeRequest request) {
        this.world = world;
        this.link = link;
        this.broker = broker;
        this.request = request;
        this.session = broker.subscribe(request);
    }

    /** The broker takes the member for dead: others get what it held. */
    void expel() {
        if (request.group() != null && !expelled && !closed) {
            world.note("broker expels a member of " + request.group());
            expelled = true;
            lostAnswer = null;
            held.clear();
            Objects.requireNonNull(session).close();
            session = null;
        }
    }

    /** The broker notices that the member's process has died. */
    void bury() {
        closed = true;
        if (session != null) {
            session.close();
            session = null;
        }
    }

    @Override
    public Polled poll(int maxDeliveries, Duration maxWait) throws InterruptedException {
        link.check();
        if (closed) {
            throw new EventsException(ErrorCode.CLOSED, "the subscription is closed");
        }
        if (world.faults() && world.chance(30)
                || world.plant == Plant.GO_DEAF && link.partitions() > 0 && world.faults()) {
            throw Link.away();
        }
        List<Shard> lost = List.of();
        if (expelled) {
            session = broker.subscribe(request);
            expelled = false;
            lost = shards.stream().map(Shard::new).toList();
            shards.clear();
        }
        ProviderSubscription joined = Objects.requireNonNull(session);
        Polled polled = lostAnswer;
        lostAnswer = null;
        if (polled == null) {
            polled = joined.poll(maxDeliveries, Duration.ZERO);
        }
        if (lost.isEmpty() && world.faults() && world.chance(30)) {
            lostAnswer = polled;
            throw Link.away();
        }
        polled.revoking().forEach(shard -> shards.add(shard.index()));
        List<InboundDelivery> deliveries = new ArrayList<>();
        for (InboundDelivery delivery : polled.deliveries()) {
            shards.add(delivery.shard().index());
            if (world.plant == Plant.BLOCK_SHARDS && world.onTrial() && isBystander(delivery)) {
                var unused = joined.settle(List.of(Settled.redeliver(delivery, World.STUBBORN_DELAY.multipliedBy(3))));
                continue;
            }
            InboundDelivery shown = shown(delivery);
            held.put(shown, delivery);
            deliveries.add(shown);
        }
        if (world.plant == Plant.REORDER && deliveries.size() > 1) {
            Collections.reverse(deliveries);
        }
        boolean deaf = world.plant == Plant.GO_DEAF && link.partitions() > 0;
        return new Polled(
                deaf ? List.of() : deliveries, polled.revoking(), lost, true, polled.quiet() && lost.isEmpty());
    }

    private boolean isBystander(InboundDelivery delivery) {
        return delivery.event() != null && world.isBystander(delivery.event().id());
    }

    private InboundDelivery shown(InboundDelivery delivery) {
        if (!world.plants(Plant.MIX_UP_TENANTS, 20)) {
            return delivery;
        }
        Tenant other =
                World.TENANTS.get(world.random.nextInt(World.TENANTS.size())).tenant();
        TenantTopic address = new TenantTopic(other, delivery.address().topic());
        var event = Objects.requireNonNull(delivery.event());
        var forged = ai.greentic.events.EventEnvelope.builder(ai.greentic.events.TenantContext.of(other), event.topic())
                .id(event.id())
                .type(event.type())
                .source(event.source())
                .time(event.time())
                .payload(event.payload())
                .build();
        return new InboundDelivery(address, forged, delivery.position(), delivery.shard(), delivery.fence());
    }

    @Override
    public List<SettleOutcome> settle(List<Settled> settled) {
        link.check();
        if (world.faults() && world.chance(20)) {
            // Nobody heard what was put off.
            world.forgive();
            var unused = world.time.schedule(LEASE, () -> takeBack(settled));
            throw Link.away();
        }
        List<SettleOutcome> outcomes = new ArrayList<>();
        for (Settled one : settled) {
            InboundDelivery real = held.remove(one.delivery());
            if (real == null || session == null) {
                outcomes.add(SettleOutcome.LOST);
                continue;
            }
            Duration delay = world.plant == Plant.REDELIVER_EARLY ? Duration.ZERO : one.delay();
            outcomes.addAll(session.settle(List.of(new Settled(real, one.settlement(), delay))));
        }
        if (world.faults() && world.chance(20)) {
            return settled.stream().map(any -> SettleOutcome.UNKNOWN).toList();
        }
        return outcomes;
    }

    /** Half of the answers come while the engine has gone on. */
    @Override
    public CompletionStage<List<SettleOutcome>> settleLater(List<Settled> settled) {
        if (world.chance(2)) {
            return ProviderSubscription.super.settleLater(settled);
        }
        CompletableFuture<List<SettleOutcome>> answer = new CompletableFuture<>();
        var unused = world.time.schedule(Duration.ofMillis(world.random.nextInt(50)), () -> {
            try {
                answer.complete(settle(settled));
            } catch (RuntimeException e) {
                answer.completeExceptionally(e);
            }
        });
        return answer;
    }

    /** The broker has not heard of these for so long that it hands them out again. */
    private void takeBack(List<Settled> unheard) {
        for (Settled one : unheard) {
            InboundDelivery real = held.remove(one.delivery());
            if (real != null && session != null) {
                var unused = session.settle(List.of(Settled.redeliver(real, Duration.ZERO)));
            }
        }
    }

    @Override
    public List<SettleOutcome> extend(List<InboundDelivery> deliveries, Duration by) {
        link.check();
        return deliveries.stream()
                .map(delivery -> held.containsKey(delivery) ? SettleOutcome.SETTLED : SettleOutcome.LOST)
                .toList();
    }

    @Override
    public Duration lease() {
        return Duration.ZERO;
    }

    @Override
    public void pause(Set<Shard> which) {
        if (session != null) {
            session.pause(which);
        }
    }

    @Override
    public void released(Shard shard) {
        link.check();
        shards.remove(shard.index());
        if (session != null) {
            session.released(shard);
        }
    }

    /** A member that cannot say goodbye is noticed by the broker later. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (link.isDown()) {
            var unused = world.time.schedule(Link.SESSION, this::bury);
        } else {
            bury();
        }
        link.left(this);
    }
}
