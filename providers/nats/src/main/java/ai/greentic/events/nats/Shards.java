package ai.greentic.events.nats;

import ai.greentic.events.EventsException;
import ai.greentic.events.nats.GroupRecord.Part;
import ai.greentic.events.nats.GroupRecord.Progress;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.ShardCursor;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.spi.Tasks;
import io.nats.client.api.PublishAck;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The shards that a subscription owns: those that its group gave it, or the only one of an ephemeral subscription, which nobody writes
 * down. Guarded by its subscription, but for what is said otherwise.
 */
final class Shards {
    private static final Logger LOG = LoggerFactory.getLogger(Shards.class);
    /** Events of a shard that may be passed and not settled. What a member writes down stays below half a megabyte with it. */
    private static final int MOST_OPEN = 512;

    private final NatsProvider provider;
    private final Streams streams;
    private final SubscribeRequest request;
    private final ShardCursor.Keys keys;
    private final Runnable wake;
    private final @Nullable Membership membership;
    private final Map<Integer, Owned> owned = new TreeMap<>();
    private List<Shard> revoking = new ArrayList<>();
    private List<Shard> lost = new ArrayList<>();
    private Set<Long> pausedKeys = Set.of();
    private volatile boolean changed = true;
    private volatile boolean closed;
    private volatile Tasks.@Nullable Timer heartbeat;

    /** A shard that is this member's. */
    static final class Owned {
        final Shard shard;
        final long epoch;
        final ShardCursor cursor;
        boolean revoking;
        /** Whether the reader brings its events. */
        boolean reading;

        Owned(Shard shard, long epoch, ShardCursor cursor) {
            this.shard = shard;
            this.epoch = epoch;
            this.cursor = cursor;
        }

        Progress progress() {
            long next = cursor.next();
            return new Progress(epoch, next, cursor.open());
        }
    }

    /**
     * @param keys finds out about events that a former owner left
     * @param wake called whenever there is something to look at
     */
    Shards(
            NatsProvider provider,
            Streams streams,
            SubscribeRequest request,
            StartingPoint start,
            ShardCursor.Keys keys,
            Runnable wake) {
        this.provider = provider;
        this.streams = streams;
        this.request = request;
        this.keys = keys;
        this.wake = wake;
        if (request.group() == null) {
            membership = null;
            var unused = own(Shard.NONE, new Progress(0, start.in(streams.info(env())), new byte[0]));
        } else {
            membership = Membership.join(
                    provider,
                    provider.groups().bucket(),
                    Subjects.group(request.filters().get(0).scope(), request.group()),
                    patterns(),
                    provider.subjects.shards(),
                    streams.info(env()),
                    start::in,
                    provider.memberTimeout(),
                    this::membersChanged);
            beat();
        }
    }

    private String env() {
        return request.filters().get(0).scope().env();
    }

    private List<String> patterns() {
        return request.filters().stream()
                .map(filter -> filter.pattern().value())
                .sorted()
                .toList();
    }

    boolean isGroup() {
        return membership != null;
    }

    Collection<Owned> all() {
        return owned.values();
    }

    /** The owned shard of a number; null if it is somebody else's. */
    @Nullable
    Owned of(int number) {
        return owned.get(membership == null ? Shard.NONE.index() : number);
    }

    boolean owns(Owned shard) {
        return owned.get(shard.shard.index()) == shard;
    }

    void pauseKeys(Set<Long> hashes) {
        pausedKeys = hashes;
        owned.values().forEach(shard -> shard.cursor.pauseKeys(hashes));
    }

    /** Takes a shard over as its former owner left it. */
    private Owned own(Shard shard, Progress base) {
        ShardCursor cursor = new ShardCursor(
                provider.context.time(), base.next(), membership == null ? Integer.MAX_VALUE : MOST_OPEN);
        cursor.restore(base.open(), keys);
        cursor.pauseKeys(pausedKeys);
        Owned mine = new Owned(shard, base.epoch(), cursor);
        owned.put(shard.index(), mine);
        long wait = cursor.untilDue();
        if (wait >= 0) {
            provider.context.tasks().schedule(Duration.ofNanos(wait), wake);
        }
        return mine;
    }

    // Any thread.

    /** Members have come or gone, or the connection is a new one, or it is time to say that this one lives. */
    void membersChanged() {
        changed = true;
        wake.run();
    }

    private void beat() {
        heartbeat = provider.context.tasks().schedule(provider.memberTimeout().dividedBy(5), () -> {
            if (!closed) {
                membersChanged();
                beat();
            }
        });
    }

    // The runner's.

    /** Says that the member lives, and finds out which shards are its own; returns whether it had been deposed. */
    boolean refresh() {
        Membership member = membership;
        if (member == null || !changed && !member.isDoubtful()) {
            return false;
        }
        changed = false;
        boolean deposed = false;
        try {
            if (!save()) {
                LOG.warn(
                        "provider {} was taken for dead and joins group {} again",
                        provider.context.name(),
                        request.group());
                deposed = true;
                owned.values().forEach(shard -> lost.add(shard.shard));
                owned.clear();
                member.rejoin(patterns(), provider.subjects.shards(), streams.info(env()));
            }
            GroupRecord shared = member.shared();
            if (member.deposeDead(shared)) {
                shared = member.shared();
            }
            for (int i = 0; i < shared.parts.size(); i++) {
                compare(member, new Shard(i), shared.parts.get(i));
            }
            return deposed;
        } catch (RuntimeException e) {
            changed = true;
            throw e;
        }
    }

    private void compare(Membership member, Shard shard, Part part) {
        Owned mine = owned.get(shard.index());
        boolean own = member.id().equals(part.owner);
        if (mine != null && (!own || mine.epoch != part.base.epoch())) {
            owned.remove(shard.index());
            lost.add(shard);
            mine = null;
        }
        if (own && mine == null) {
            mine = own(shard, part.base);
        }
        if (mine != null && part.wanted != null && !mine.revoking) {
            mine.revoking = true;
            revoking.add(shard);
        }
    }

    /** What is to be given up since this was last asked. */
    List<Shard> takeRevoking() {
        List<Shard> now = revoking;
        revoking = new ArrayList<>();
        return now;
    }

    /** What was lost since this was last asked. */
    List<Shard> takeLost() {
        List<Shard> now = lost;
        lost = new ArrayList<>();
        return now;
    }

    /** Writes down what all shards have come to; returns false if they are somebody else's by now. */
    boolean save() {
        return membership == null || membership.save(progress());
    }

    /** As {@link #save}, without waiting; null where that must be waited for. */
    Membership.@Nullable Sent saveLater() {
        return membership == null ? null : membership.saveLater(progress());
    }

    /** How a write of {@link #saveLater} went. */
    boolean saved(Membership.Sent sent, @Nullable PublishAck ack, @Nullable Throwable failure) {
        return java.util.Objects.requireNonNull(membership).saved(sent, ack, failure);
    }

    /** Whether the shards may be somebody else's by now. */
    boolean isDoubtful() {
        return membership != null && membership.isDoubtful();
    }

    /** Whether there is news of the members, which the next {@link #refresh} looks at. */
    boolean isChanged() {
        return changed;
    }

    private Map<Integer, Progress> progress() {
        Map<Integer, Progress> progress = new TreeMap<>();
        owned.forEach((index, shard) -> progress.put(index, shard.progress()));
        return progress;
    }

    void released(Shard shard) {
        Owned mine = owned.get(shard.index());
        if (membership != null && mine != null) {
            membership.release(shard.index(), mine.progress());
            owned.remove(shard.index());
        }
    }

    void close() {
        closed = true;
        Tasks.Timer timer = heartbeat;
        if (timer != null) {
            timer.cancel();
        }
        if (membership != null) {
            try {
                membership.leave(progress());
            } catch (EventsException e) {
                LOG.warn(
                        "group {} was not left cleanly; its shards move after {}",
                        request.group(),
                        provider.memberTimeout(),
                        e);
            }
        }
        owned.clear();
    }
}
