package ai.greentic.events.memory;

import ai.greentic.events.Priority;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.SubscribeRequest.Filter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A group, or an ephemeral subscription: what it wants, who its members are, what waits for them. Guarded by the provider's lock. */
final class Interest {
    final List<Filter> filters;
    final boolean group;
    final List<MemorySubscription> members = new ArrayList<>();
    final ShardQueue[] queues;
    /** Whether an event with another priority than the normal one has ever come. */
    boolean hasPriorities;

    Interest(List<Filter> filters, boolean group, int shards) {
        this.filters = filters;
        this.group = group;
        this.queues = new ShardQueue[group ? shards : 1];
        for (int i = 0; i < queues.length; i++) {
            queues[i] = new ShardQueue(group ? new Shard(i) : Shard.NONE);
        }
    }

    boolean wants(TenantTopic address) {
        for (Filter filter : filters) {
            if (filter.scope().includes(address.tenant()) && filter.pattern().matches(address.topic())) {
                return true;
            }
        }
        return false;
    }

    /** Puts a fresh event in its queue; returns the member to wake, or null. */
    @Nullable
    MemorySubscription append(Entry entry) {
        ShardQueue queue = queueOf(entry);
        hasPriorities |= entry.event.marks().priority() != Priority.NORMAL;
        queue.append(entry);
        return queue.owner;
    }

    private ShardQueue queueOf(Entry entry) {
        if (queues.length == 1) {
            return queues[0];
        }
        String key = entry.key == null ? entry.event.id().value() : entry.key.value();
        return queues[Shard.of(key, queues.length).index()];
    }

    void join(MemorySubscription member) {
        members.add(member);
        rebalance();
    }

    void leave(MemorySubscription member) {
        members.remove(member);
        for (ShardQueue queue : queues) {
            if (queue.owner == member) {
                queue.owner = null;
                queue.revoking = false;
            }
        }
        rebalance();
    }

    /** The member has drained a shard that was being revoked. */
    void released(MemorySubscription member, Shard shard) {
        ShardQueue queue = queues[shard.index()];
        if (queue.owner == member && queue.revoking) {
            queue.owner = null;
            queue.revoking = false;
            rebalance();
        }
    }

    /** Shares the shards out evenly; a shard with an owner moves only after the owner has drained it. */
    private void rebalance() {
        if (members.isEmpty()) {
            return;
        }
        for (int i = 0; i < queues.length; i++) {
            ShardQueue queue = queues[i];
            MemorySubscription wanted = members.get(i % members.size());
            if (queue.owner == null) {
                queue.owner = wanted;
                queue.epoch++;
                wanted.wake();
            } else if (queue.owner != wanted && !queue.revoking) {
                queue.revoking = true;
                queue.owner.revoke(queue.shard);
            }
        }
    }
}
