package ai.greentic.events.spi;

/**
 * A part of a group's keys, owned by one member at a time.
 *
 * @param index number of the part, from 0
 */
public record Shard(int index) {
    /** The part for deliveries that no group divides. */
    public static final Shard NONE = new Shard(-1);

    /** The part of a key: stable over processes and releases. */
    public static Shard of(String key, int shards) {
        int hash = key.hashCode();
        hash ^= hash >>> 16;
        return new Shard(Math.floorMod(hash, shards));
    }
}
