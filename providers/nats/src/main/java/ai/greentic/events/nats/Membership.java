package ai.greentic.events.nats;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.nats.GroupRecord.Progress;
import ai.greentic.events.nats.GroupRecord.Standing;
import io.nats.client.JetStreamApiException;
import io.nats.client.KeyValue;
import io.nats.client.PublishOptions;
import io.nats.client.Subscription;
import io.nats.client.api.KeyValueEntry;
import io.nats.client.api.PublishAck;
import io.nats.client.api.StreamInfo;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A member's part in a group, in a key-value bucket. One key holds what the members share ({@link GroupRecord}), and each member has a key
 * of its own in which it says, at least every fifth of the member timeout, what its shards have come to. Every write names the revision
 * that it replaces.
 *
 * <p>A member whose key does not change for the timeout is deposed: another one first marks the dead one's key, which from then on cannot
 * write, so that nothing it settles later counts; then shares its shards out as the key left them; then removes the key. Whoever finds a
 * marked key goes on where that other one may have died. Only a member that could itself read all the time may judge others. For one
 * thread at a time.
 */
final class Membership {
    private static final Logger LOG = LoggerFactory.getLogger(Membership.class);
    private static final int WRONG_REVISION = 10071;
    private static final int TRIES = 100;

    private final NatsProvider provider;
    private final KeyValue bucket;
    private final String group;
    private final Duration timeout;
    private final ToLongFunction<StreamInfo> start;
    private final Subscription news;
    private final Map<String, Seen> others = new HashMap<>();
    private String id = "";
    private long revision;
    /** Whether the last write may have happened without an answer. */
    private boolean uncertain;

    // Asked for while an answer may come.
    private volatile boolean deposed;
    private volatile long renewedNanos;
    private long lookedNanos;

    /** The last change of another member's key. */
    private record Seen(long revision, long nanos) {}

    private Membership(
            NatsProvider provider,
            KeyValue bucket,
            String group,
            ToLongFunction<StreamInfo> start,
            Duration timeout,
            Runnable wake) {
        this.provider = provider;
        this.bucket = bucket;
        this.group = group;
        this.timeout = timeout;
        this.start = start;
        this.news = provider.listen("$KV." + bucket.getBucketName() + "." + group, message -> wake.run());
    }

    /**
     * Joins a group, which is made if it is not there.
     *
     * @param group its key
     * @param stream what its positions are numbers of
     * @param start the first event that a new group gets
     * @param wake called whenever what the members share has changed
     */
    static Membership join(
            NatsProvider provider,
            KeyValue bucket,
            String group,
            List<String> patterns,
            int shards,
            StreamInfo stream,
            ToLongFunction<StreamInfo> start,
            Duration timeout,
            Runnable wake) {
        Membership member = new Membership(provider, bucket, group, start, timeout, wake);
        try {
            member.join(patterns, shards, stream);
            return member;
        } catch (RuntimeException e) {
            provider.forget(member.news);
            throw e;
        }
    }

    private void join(List<String> patterns, int shards, StreamInfo stream) {
        id = String.format(
                java.util.Locale.ROOT, "%016x", provider.context.time().randomBits());
        KeyValueEntry known = get(group);
        if (known == null) {
            byte[] fresh = new GroupRecord(patterns, shards, start.applyAsLong(stream)).write();
            call("making a group", () -> tryCreate(group, fresh));
            known = get(group);
        }
        if (known == null) {
            throw forgotten();
        }
        GroupRecord record = GroupRecord.read(group, value(known));
        if (!record.patterns.equals(patterns)) {
            throw new EventsException(
                    ErrorCode.GROUP_MISMATCH,
                    "group " + group + " is subscribed to " + record.patterns + ", not to " + patterns
                            + "; use the same patterns or another group name");
        }
        long end = stream.getStreamState().getLastSequence() + 1;
        if (record.parts.stream().anyMatch(part -> part.base.next() > end)) {
            throw new EventsException(
                    ErrorCode.STORE_CORRUPT,
                    "group " + group + " is ahead of stream "
                            + stream.getConfiguration().getName()
                            + ", which must have been made anew; delete key " + group + " of bucket "
                            + bucket.getBucketName() + " to let the group begin anew");
        }
        warnOfAbsence(record, known);
        renewedNanos = provider.context.time().nanos();
        revision = call("joining a group", () -> bucket.create(memberKey(id), new Standing(false, Map.of()).write()));
        change(shared -> shared.join(id));
    }

    private void warnOfAbsence(GroupRecord record, KeyValueEntry known) {
        Duration away = Duration.between(
                known.getCreated().toInstant(), provider.context.time().now());
        if (record.members.isEmpty() && away.compareTo(provider.maxAge()) > 0) {
            LOG.warn(
                    "group {} had no member for {} days, and events are kept for {}; what came between is gone",
                    group,
                    away.toDays(),
                    provider.maxAge());
        }
    }

    private boolean tryCreate(String key, byte[] value) throws IOException, JetStreamApiException {
        try {
            bucket.create(key, value);
            return true;
        } catch (JetStreamApiException e) {
            if (e.getApiErrorCode() != WRONG_REVISION) {
                throw e;
            }
            return false;
        }
    }

    private String memberKey(String member) {
        return group + "." + member;
    }

    String id() {
        return id;
    }

    /** Whether the member was deposed, or may be by now without knowing it. */
    boolean isDoubtful() {
        return deposed
                || provider.context.time().nanos() - renewedNanos
                        > timeout.multipliedBy(7).dividedBy(10).toNanos();
    }

    /** What the members share. */
    GroupRecord shared() {
        KeyValueEntry entry = get(group);
        if (entry == null) {
            throw forgotten();
        }
        return GroupRecord.read(group, value(entry));
    }

    /** Deposes the members of whom nothing was heard for too long; returns whether there were any. */
    boolean deposeDead(GroupRecord shared) {
        long now = provider.context.time().nanos();
        if (now - lookedNanos > timeout.dividedBy(2).toNanos()) {
            // Whoever could not look cannot know whether there was something to see.
            others.clear();
        }
        lookedNanos = now;
        others.keySet().retainAll(shared.members);
        boolean any = false;
        for (String member : shared.members) {
            if (!member.equals(id) && isDead(member, now)) {
                depose(member);
                any = true;
            }
        }
        return any;
    }

    private boolean isDead(String member, long now) {
        KeyValueEntry entry = get(memberKey(member));
        if (entry == null || Standing.read(entry.getKey(), value(entry)).deposed()) {
            return true;
        }
        Seen seen = others.get(member);
        if (seen == null || seen.revision != entry.getRevision()) {
            others.put(member, new Seen(entry.getRevision(), now));
            return false;
        }
        return now - seen.nanos > timeout.toNanos();
    }

    private void depose(String member) {
        String key = memberKey(member);
        Map<Integer, Progress> left = Map.of();
        KeyValueEntry entry = get(key);
        if (entry != null) {
            Standing standing = Standing.read(key, value(entry));
            left = standing.progress();
            byte[] marked = new Standing(true, left).write();
            if (!standing.deposed()
                    && call("deposing a member", () -> tryUpdate(key, marked, entry.getRevision())) < 0) {
                return;
            }
            LOG.info("group {}: nothing was heard of member {} for {}; its shards move", group, member, timeout);
        }
        Map<Integer, Progress> progress = left;
        change(record -> record.leave(member, progress));
        remove(member);
    }

    /** Removes a member's key without a trace; members would leave one marker each otherwise. */
    private void remove(String member) {
        call("removing a member", () -> provider.groups().remove(memberKey(member)));
    }

    /** Writes down what the shards have come to; returns false, and nothing was written, if the member was deposed. */
    boolean save(Map<Integer, Progress> progress) {
        if (deposed) {
            return false;
        }
        if (uncertain) {
            KeyValueEntry entry = get(memberKey(id));
            if (entry == null || Standing.read(entry.getKey(), value(entry)).deposed()) {
                deposed = true;
                return false;
            }
            revision = entry.getRevision();
            uncertain = false;
        }
        uncertain = true;
        long asked = provider.context.time().nanos();
        byte[] value = new Standing(false, progress).write();
        long written = call("writing down positions", () -> tryUpdate(memberKey(id), value, revision));
        uncertain = false;
        if (written < 0) {
            deposed = true;
            return false;
        }
        revision = written;
        renewedNanos = asked;
        return true;
    }

    /**
     * As {@link #save}, without waiting for the server. Until {@link #saved} has been told how it went, nothing else may be written down.
     *
     * @return null where the server must be asked first what has become of the last write
     */
    @Nullable
    Sent saveLater(Map<Integer, Progress> progress) {
        if (deposed || uncertain) {
            return null;
        }
        uncertain = true;
        long asked = provider.context.time().nanos();
        byte[] value = new Standing(false, progress).write();
        try {
            return new Sent(
                    asked,
                    provider.jetStream()
                            .publishAsync(
                                    "$KV." + bucket.getBucketName() + "." + memberKey(id),
                                    value,
                                    PublishOptions.builder()
                                            .expectedLastSubjectSequence(revision)
                                            .build()));
        } catch (RuntimeException e) {
            throw Failures.of(provider.context.name(), "writing down positions (" + group + ")", e, false);
        }
    }

    /** A write that is under way. */
    record Sent(long askedNanos, CompletableFuture<PublishAck> answer) {}

    /** How a write of {@link #saveLater} went; returns as {@link #save} does. */
    boolean saved(Sent sent, @Nullable PublishAck ack, @Nullable Throwable failure) {
        if (ack != null) {
            uncertain = false;
            revision = ack.getSeqno();
            renewedNanos = sent.askedNanos;
            return true;
        }
        Throwable cause = failure instanceof CompletionException && failure.getCause() != null
                ? failure.getCause()
                : java.util.Objects.requireNonNull(failure);
        if (wrongRevision(cause)) {
            uncertain = false;
            deposed = true;
            return false;
        }
        throw Failures.of(provider.context.name(), "writing down positions (" + group + ")", cause, false);
    }

    /** Clients wrap what the server says, some of them twice. */
    private static boolean wrongRevision(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof JetStreamApiException api && api.getApiErrorCode() == WRONG_REVISION) {
                return true;
            }
        }
        return false;
    }

    /** Gives a drained shard to the member that waits for it. */
    void release(int shard, Progress progress) {
        change(record -> record.release(id, shard, progress));
    }

    void leave(Map<Integer, Progress> progress) {
        provider.forget(news);
        if (!deposed) {
            change(record -> record.leave(id, progress));
            remove(id);
        }
    }

    /** Becomes another member in place of the one that was deposed. */
    void rejoin(List<String> patterns, int shards, StreamInfo stream) {
        others.clear();
        join(patterns, shards, stream);
        deposed = false;
        uncertain = false;
    }

    /** Changes what the members share; repeated where others do so at the same time, so it must not matter how often. */
    private void change(Consumer<GroupRecord> change) {
        for (int i = 0; i < TRIES; i++) {
            KeyValueEntry entry = get(group);
            if (entry == null) {
                throw forgotten();
            }
            GroupRecord record = GroupRecord.read(group, value(entry));
            change.accept(record);
            byte[] value = record.write();
            if (Arrays.equals(value, entry.getValue())
                    || call("changing a group", () -> tryUpdate(group, value, entry.getRevision())) >= 0) {
                return;
            }
        }
        throw new EventsException(
                ErrorCode.PROVIDER_UNAVAILABLE,
                "group " + group + " was changed by others each of " + TRIES + " times that this member tried");
    }

    /** The new revision; -1 if it was not the revision to replace. */
    private long tryUpdate(String key, byte[] value, long expected) throws IOException, JetStreamApiException {
        try {
            return bucket.update(key, value, expected);
        } catch (JetStreamApiException e) {
            if (e.getApiErrorCode() != WRONG_REVISION) {
                throw e;
            }
            return -1;
        }
    }

    private @Nullable KeyValueEntry get(String key) {
        return call("reading a group", () -> new KeyValueEntry[] {bucket.get(key)})[0];
    }

    private static byte[] value(KeyValueEntry entry) {
        byte[] value = entry.getValue();
        return value == null ? new byte[0] : value;
    }

    private EventsException forgotten() {
        return new EventsException(ErrorCode.CLOSED, "group " + group + " was forgotten");
    }

    private <T> T call(String what, Callable<T> work) {
        try {
            return work.call();
        } catch (Exception e) {
            throw Failures.of(provider.context.name(), what + " (" + group + ")", e, false);
        }
    }
}
