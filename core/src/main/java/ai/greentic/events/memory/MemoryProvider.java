package ai.greentic.events.memory;

import ai.greentic.events.AllTenants;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.StartAt;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.spi.Tasks;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The reference provider. An accepted event is appended, under one lock, to the queue of every group and ephemeral subscription that
 * wants it, and to the tenant's history for replay. What waits is bounded for each tenant: a publish beyond it is refused, so a slow
 * subscriber holds up its own tenant and nobody else. History is bounded by dropping its oldest.
 */
final class MemoryProvider implements EventProvider {
    private static final int MAX_AUDIENCES = 10_000;
    /** The wall clock may be set, so whoever waits for a time looks at it now and then. */
    private static final Duration LONGEST_SLEEP = Duration.ofSeconds(1);

    private final ProviderContext context;
    private final long maxEvents;
    private final long maxBytes;
    private final long historyEvents;
    private final long historyBytes;
    private final long maxTenants;
    private final long maxSubscriptions;
    private final int shards;

    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Tenant, TenantLog> logs = new HashMap<>();
    private final Map<GroupId, Interest> groups = new HashMap<>();
    private final Set<Interest> ephemeral = new HashSet<>();
    /** Who wants the events of an address; forgotten whenever a subscription comes or goes. */
    private final Map<TenantTopic, List<Interest>> audiences = new HashMap<>();

    private final Schedule schedule = new Schedule();
    private Tasks.@Nullable Timer alarm;
    private long sequence;
    private boolean closed;

    /** A group belongs to the scope of its subscriptions. */
    private record GroupId(TenantScope scope, String name) {}

    MemoryProvider(ProviderSettings settings, ProviderContext context) {
        this.context = context;
        this.maxEvents = settings.integer("max_events");
        this.maxBytes = settings.integer("max_bytes");
        this.historyEvents = settings.integer("history_events");
        this.historyBytes = settings.integer("history_bytes");
        this.maxTenants = settings.integer("max_tenants");
        this.maxSubscriptions = settings.integer("max_subscriptions");
        this.shards = (int) settings.integer("shards");
    }

    <T> T locked(Supplier<T> work) {
        lock.lock();
        try {
            return work.get();
        } finally {
            lock.unlock();
        }
    }

    void refuseIfClosed(boolean subscriptionClosed) {
        if (closed || subscriptionClosed) {
            throw new EventsException(
                    ErrorCode.CLOSED, "provider " + context.name() + " or its subscription is closed");
        }
    }

    @Override
    public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) {
        lock.lock();
        try {
            refuseIfClosed(false);
            if (batch.size() == 1) {
                return List.of(CompletableFuture.completedFuture(accept(batch.get(0))));
            }
            List<CompletionStage<PublishOutcome>> outcomes = new ArrayList<>(batch.size());
            for (OutboundEvent event : batch) {
                outcomes.add(CompletableFuture.completedFuture(accept(event)));
            }
            return outcomes;
        } finally {
            lock.unlock();
        }
    }

    private PublishOutcome accept(OutboundEvent outbound) {
        EventEnvelope event = outbound.event();
        Tenant tenant = event.address().tenant();
        TenantLog log = logs.get(tenant);
        if (log == null) {
            if (logs.size() >= maxTenants) {
                return full("provider " + context.name() + " has " + maxTenants + " tenants", "max_tenants");
            }
            log = new TenantLog();
            logs.put(tenant, log);
        }
        List<Interest> audience = audienceOf(event.address());
        if (!audience.isEmpty()
                && (log.waiting >= maxEvents
                        || log.waitingBytes + event.payload().size() > maxBytes)) {
            return full(
                    "tenant " + tenant + " has " + log.waiting + " events (" + log.waitingBytes
                            + " bytes) waiting for slow or absent subscribers in provider " + context.name(),
                    log.waiting >= maxEvents ? "max_events" : "max_bytes");
        }
        Instant deliverAt = event.marks().deliverAt().orElse(null);
        if (deliverAt != null && deliverAt.isAfter(context.time().now())) {
            return schedule(outbound, log, deliverAt);
        }
        return PublishOutcome.accepted(append(outbound, log, audience).position);
    }

    private Entry append(OutboundEvent outbound, TenantLog log, List<Interest> audience) {
        long number = ++sequence;
        Entry entry = new Entry(
                number,
                outbound.event(),
                outbound.orderingKey(),
                context.time().now(),
                new Position(context.name(), Long.toString(number)),
                log);
        log.remember(entry, historyEvents, historyBytes);
        if (!audience.isEmpty()) {
            log.hold(entry, audience.size());
            for (int i = 0; i < audience.size(); i++) {
                MemorySubscription owner = audience.get(i).append(entry);
                if (owner != null) {
                    owner.wake();
                }
            }
        }
        return entry;
    }

    /** Keeps an event until its time by the wall clock; it gets its position, and its place in the order, only then. */
    private PublishOutcome schedule(OutboundEvent event, TenantLog log, Instant deliverAt) {
        int size = event.event().payload().size();
        if (log.waiting >= maxEvents || log.waitingBytes + size > maxBytes) {
            return full(
                    "tenant " + event.address().tenant() + " has " + log.waiting + " events (" + log.waitingBytes
                            + " bytes) waiting in provider " + context.name(),
                    log.waiting >= maxEvents ? "max_events" : "max_bytes");
        }
        log.waiting++;
        log.waitingBytes += size;
        if (schedule.add(deliverAt, event, log)) {
            awaitNext();
        }
        return PublishOutcome.accepted();
    }

    private void awaitNext() {
        if (alarm != null) {
            alarm.cancel();
        }
        Duration wait = schedule.untilNext(context.time().now());
        alarm = wait == null
                ? null
                : context.tasks()
                        .schedule(
                                wait.compareTo(LONGEST_SLEEP) > 0 ? LONGEST_SLEEP : wait,
                                () -> locked(this::appendDue));
    }

    private Schedule appendDue() {
        while (!closed) {
            Schedule.Waiting due = schedule.takeDue(context.time().now());
            if (due == null) {
                awaitNext();
                break;
            }
            due.log().waiting--;
            due.log().waitingBytes -= due.event().event().payload().size();
            append(due.event(), due.log(), audienceOf(due.event().address()));
        }
        return schedule;
    }

    private static PublishOutcome full(String what, String setting) {
        return PublishOutcome.failed(new EventsException(
                ErrorCode.PROVIDER_FULL, what + "; publish again later, or raise the provider's setting " + setting));
    }

    private List<Interest> audienceOf(TenantTopic address) {
        List<Interest> known = audiences.get(address);
        if (known != null) {
            return known;
        }
        List<Interest> found = new ArrayList<>();
        ephemeral.stream().filter(interest -> interest.wants(address)).forEach(found::add);
        groups.values().stream().filter(interest -> interest.wants(address)).forEach(found::add);
        if (audiences.size() >= MAX_AUDIENCES) {
            audiences.clear();
        }
        audiences.put(address, found);
        return found;
    }

    @Override
    public ProviderSubscription subscribe(SubscribeRequest request) {
        return locked(() -> {
            refuseIfClosed(false);
            String group = request.group();
            Interest interest = group == null ? newInterest(request, null) : groupOf(request, group);
            MemorySubscription member = new MemorySubscription(this, interest, request.ready());
            interest.join(member);
            return member;
        });
    }

    private Interest groupOf(SubscribeRequest request, String name) {
        GroupId id = new GroupId(scopeOf(request), name);
        Interest existing = groups.get(id);
        if (existing == null) {
            return newInterest(request, id);
        }
        if (!existing.filters.equals(request.filters())) {
            throw new EventsException(
                    ErrorCode.GROUP_MISMATCH,
                    "group " + name + " of " + id.scope + " is subscribed to "
                            + existing.filters.stream()
                                    .map(filter -> filter.pattern().value())
                                    .toList() + ", not to "
                            + request.filters().stream()
                                    .map(filter -> filter.pattern().value())
                                    .toList()
                            + "; use the same patterns or another group name");
        }
        return existing;
    }

    private static TenantScope scopeOf(SubscribeRequest request) {
        TenantScope scope = request.filters().get(0).scope();
        return scope instanceof AllTenants
                ? scope
                : ai.greentic.events.TenantContext.of(((ai.greentic.events.TenantContext) scope).tenant());
    }

    private Interest newInterest(SubscribeRequest request, @Nullable GroupId id) {
        if (groups.size() + ephemeral.size() >= maxSubscriptions) {
            throw new EventsException(
                    ErrorCode.TOO_MANY_SUBSCRIPTIONS,
                    "provider " + context.name() + " has " + maxSubscriptions
                            + " subscriptions; close some, or raise its setting max_subscriptions");
        }
        Interest interest = new Interest(request.filters(), id != null, shards);
        for (Entry entry : replayed(interest, request.start())) {
            entry.log.hold(entry, 1);
            interest.append(entry);
        }
        if (id == null) {
            ephemeral.add(interest);
        } else {
            groups.put(id, interest);
        }
        audiences.clear();
        return interest;
    }

    /** Events of the past that the start position asks for, in order of acceptance. */
    private List<Entry> replayed(Interest interest, StartAt start) {
        Predicate<Entry> wanted;
        if (start instanceof StartAt.Earliest) {
            wanted = entry -> true;
        } else if (start instanceof StartAt.At at) {
            wanted = entry -> !entry.acceptedAt.isBefore(at.time());
        } else if (start instanceof StartAt.After after && after.positions().containsKey(context.name())) {
            long seen = sequenceOf(after.positions().get(context.name()));
            refuseForgotten(interest, seen);
            wanted = entry -> entry.sequence > seen;
        } else {
            return List.of();
        }
        List<Entry> found = new ArrayList<>();
        for (TenantLog log : logs.values()) {
            for (Entry entry : log.history) {
                if (wanted.test(entry) && interest.wants(entry.event.address())) {
                    found.add(entry);
                }
            }
        }
        found.sort(Comparator.comparingLong(entry -> entry.sequence));
        return found;
    }

    private void refuseForgotten(Interest interest, long seen) {
        logs.forEach((tenant, log) -> {
            boolean inScope =
                    interest.filters.stream().anyMatch(filter -> filter.scope().includes(tenant));
            if (inScope && log.forgotten > seen) {
                throw new EventsException(
                        ErrorCode.INVALID_ARGUMENT,
                        "provider " + context.name() + " no longer keeps the events of " + tenant + " after position "
                                + seen
                                + ": those up to " + log.forgotten
                                + " are gone; start at EARLIEST, or raise its setting"
                                + " history_events");
            }
        });
    }

    private long sequenceOf(Position position) {
        try {
            return Long.parseLong(position.opaque());
        } catch (NumberFormatException e) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT,
                    "'" + position.opaque() + "' is not a position of provider " + context.name());
        }
    }

    /** Takes an event back from a member; called under the lock. */
    void giveBack(ShardQueue queue, Entry entry, Duration delay) {
        boolean now = delay.isZero() || delay.isNegative();
        queue.giveBack(entry, context.time().nanos() + delay.toNanos(), now);
        if (now) {
            wakeOwner(queue);
        } else {
            context.tasks()
                    .schedule(
                            delay,
                            () -> locked(() -> {
                                if (!closed && queue.release(context.time().nanos())) {
                                    wakeOwner(queue);
                                }
                                return queue;
                            }));
        }
    }

    private static void wakeOwner(ShardQueue queue) {
        if (queue.owner != null) {
            queue.owner.wake();
        }
    }

    void leave(MemorySubscription member) {
        locked(() -> {
            if (member.closed) {
                return member;
            }
            Interest interest = member.interest;
            member.giveUp();
            interest.leave(member);
            if (!interest.group) {
                ephemeral.remove(interest);
                discard(interest);
                audiences.clear();
            }
            return member;
        });
    }

    /** Nobody will ever ask for these again. */
    private static void discard(Interest interest) {
        for (ShardQueue queue : interest.queues) {
            queue.drainTo(entry -> entry.log.release(entry));
        }
    }

    @Override
    public void close() {
        List<MemorySubscription> members = new ArrayList<>();
        locked(() -> {
            closed = true;
            if (alarm != null) {
                alarm.cancel();
            }
            ephemeral.forEach(interest -> members.addAll(interest.members));
            groups.values().forEach(interest -> members.addAll(interest.members));
            return members;
        });
        members.forEach(MemorySubscription::close);
    }
}
