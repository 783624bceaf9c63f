package ai.greentic.events.nats;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import io.nats.client.support.JsonParseException;
import io.nats.client.support.JsonParser;
import io.nats.client.support.JsonValue;
import io.nats.client.support.JsonValueUtils;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What members share about a group, as JSON: its patterns, its members in the order in which they came, and for each shard its owner, to
 * whom that one is to give it up, how many owners it has had, and what it had come to when it last changed hands. A working copy: changed
 * by one thread and written back whole, if nobody else has written meanwhile.
 */
final class GroupRecord {
    /**
     * What a shard has come to.
     *
     * @param epoch of the owner that says so
     * @param next the first event that was not passed
     * @param open what was passed and is not settled
     */
    @SuppressWarnings("ArrayRecordComponent")
    record Progress(long epoch, long next, byte[] open) {
        void write(StringBuilder json) {
            json.append("\"epoch\":").append(epoch).append(",\"next\":").append(next);
            if (open.length > 0) {
                json.append(",\"open\":\"")
                        .append(Base64.getEncoder().encodeToString(open))
                        .append('"');
            }
        }

        boolean equalsInAll(Progress other) {
            return epoch == other.epoch && next == other.next && Arrays.equals(open, other.open);
        }

        static Progress read(JsonValue json) {
            String open = JsonValueUtils.readString(json, "open", "");
            return new Progress(
                    JsonValueUtils.readLong(json, "epoch", -1),
                    JsonValueUtils.readLong(json, "next", -1),
                    Base64.getDecoder().decode(open));
        }
    }

    /** A shard; one without an owner waits for the next member. */
    static final class Part {
        @Nullable
        String owner;

        @Nullable
        String wanted;

        Progress base;

        Part(Progress base) {
            this.base = base;
        }

        private void give(@Nullable String member) {
            if (member != null) {
                base = new Progress(base.epoch + 1, base.next, base.open);
            }
            owner = member;
            wanted = null;
        }
    }

    final List<String> patterns;
    final List<String> members = new ArrayList<>();
    final List<Part> parts = new ArrayList<>();

    /** A group that begins. */
    GroupRecord(List<String> patterns, int shards, long start) {
        this.patterns = List.copyOf(patterns);
        for (int i = 0; i < shards; i++) {
            parts.add(new Part(new Progress(0, start, new byte[0])));
        }
    }

    private GroupRecord(JsonValue json) {
        this.patterns = JsonValueUtils.readStringList(json, "patterns");
        members.addAll(JsonValueUtils.readStringList(json, "members"));
        for (JsonValue shard : JsonValueUtils.readArray(json, "shards")) {
            Part part = new Part(Progress.read(shard));
            part.owner = JsonValueUtils.readString(shard, "owner", null);
            part.wanted = JsonValueUtils.readString(shard, "wanted", null);
            parts.add(part);
        }
    }

    static GroupRecord read(String key, byte[] bytes) {
        GroupRecord record = new GroupRecord(parse(key, bytes));
        if (record.parts.isEmpty()
                || record.parts.stream().anyMatch(part -> part.base.next < 1 || part.base.epoch < 0)) {
            throw damaged(key, null);
        }
        return record;
    }

    private static JsonValue parse(String key, byte[] bytes) {
        try {
            return JsonParser.parse(bytes);
        } catch (JsonParseException e) {
            throw damaged(key, e);
        }
    }

    static EventsException damaged(String key, @Nullable Throwable cause) {
        return new EventsException(
                ErrorCode.STORE_CORRUPT,
                "what is kept under " + key
                        + " is not what members write there; delete the key to let the group begin anew",
                cause);
    }

    byte[] write() {
        StringBuilder json = new StringBuilder(4_096).append("{\"patterns\":[");
        list(json, patterns);
        json.append("],\"members\":[");
        list(json, members);
        json.append("],\"shards\":[");
        for (int i = 0; i < parts.size(); i++) {
            Part part = parts.get(i);
            json.append(i == 0 ? "\n{" : ",\n{");
            if (part.owner != null) {
                json.append("\"owner\":\"").append(part.owner).append("\",");
            }
            if (part.wanted != null) {
                json.append("\"wanted\":\"").append(part.wanted).append("\",");
            }
            part.base.write(json);
            json.append('}');
        }
        return json.append("]}").toString().getBytes(StandardCharsets.UTF_8);
    }

    private static void list(StringBuilder json, List<String> texts) {
        for (int i = 0; i < texts.size(); i++) {
            json.append(i == 0 ? "" : ",").append(new JsonValue(texts.get(i)).toJson());
        }
    }

    /** What a member's own record says: what its shards have come to, and whether it was deposed. */
    record Standing(boolean deposed, Map<Integer, Progress> progress) {
        /** Shards that follow each other and have come to the same share an entry; most of them do. */
        byte[] write() {
            StringBuilder json = new StringBuilder(512)
                    .append("{\"deposed\":")
                    .append(deposed)
                    .append(",\"shards\":[");
            Progress last = null;
            for (Map.Entry<Integer, Progress> one : progress.entrySet()) {
                Progress next = one.getValue();
                if (last != null && last.equalsInAll(next)) {
                    json.append(',').append(one.getKey());
                    continue;
                }
                if (last != null) {
                    json.append("],");
                    last.write(json);
                    json.append("},");
                }
                json.append("{\"shards\":[").append(one.getKey());
                last = next;
            }
            if (last != null) {
                json.append("],");
                last.write(json);
                json.append('}');
            }
            return json.append("]}").toString().getBytes(StandardCharsets.UTF_8);
        }

        static Standing read(String key, byte[] bytes) {
            JsonValue json = parse(key, bytes);
            Map<Integer, Progress> progress = new TreeMap<>();
            for (JsonValue entry : JsonValueUtils.readArray(json, "shards")) {
                Progress same = Progress.read(entry);
                JsonValueUtils.readLongList(entry, "shards").forEach(shard -> progress.put(shard.intValue(), same));
            }
            return new Standing(JsonValueUtils.readBoolean(json, "deposed"), progress);
        }
    }

    void join(String member) {
        if (!members.contains(member)) {
            members.add(member);
        }
        rebalance();
    }

    /** A member has gone; what it had come to counts where it was the owner. */
    void leave(String member, Map<Integer, Progress> progress) {
        members.remove(member);
        for (int i = 0; i < parts.size(); i++) {
            if (member.equals(parts.get(i).owner)) {
                take(i, progress.get(i));
            }
        }
        rebalance();
    }

    /** A member gives a drained shard up. */
    void release(String member, int shard, Progress progress) {
        if (member.equals(parts.get(shard).owner)) {
            take(shard, progress);
        }
        rebalance();
    }

    private void take(int shard, @Nullable Progress progress) {
        Part part = parts.get(shard);
        if (progress != null && progress.epoch == part.base.epoch) {
            part.base = progress;
        }
        part.give(null);
    }

    /** Shares the shards out evenly: those without an owner at once, the others as soon as their owners give them up. */
    private void rebalance() {
        if (members.isEmpty()) {
            return;
        }
        for (int i = 0; i < parts.size(); i++) {
            Part part = parts.get(i);
            String target = members.get(i % members.size());
            if (part.owner == null) {
                part.give(target);
            } else {
                part.wanted = Objects.equals(part.owner, target) ? null : target;
            }
        }
    }
}
