package ai.greentic.events.embedded;

import ai.greentic.events.spi.ShardCursor;
import ai.greentic.events.spi.Time;
import java.util.OptionalLong;

/** A shard that a member owns. Guarded by its subscription. */
final class ShardState {
    private static final int MOST_OPEN = 10_000;

    final int index;
    final long epoch;
    final ShardCursor cursor;
    boolean revoking;

    ShardState(int index, long epoch, long next, Time time) {
        this.index = index;
        this.epoch = epoch;
        this.cursor = new ShardCursor(time, next, MOST_OPEN);
    }

    /** Takes over what a former owner left; what is no longer kept is passed over. */
    static ShardState load(Groups.Row row, EventLog log, Time time) {
        ShardState state = new ShardState(row.shard(), row.epoch(), row.next(), time);
        state.cursor.restore(row.open(), seq -> {
            Entry entry = log.entry(seq);
            return entry == null
                    ? OptionalLong.empty()
                    : OptionalLong.of(entry.record().isIntact() ? entry.record().key() : 0);
        });
        return state;
    }

    /** An event is met for the first time; returns whether it is to be handed over now. */
    boolean meets(Entry entry, boolean lowWaits) {
        boolean intact = entry.record().isIntact();
        return cursor.meets(
                entry.seq(),
                intact ? entry.record().key() : 0,
                lowWaits && intact && entry.record().priority() < 0);
    }

    /** What to write down. */
    Groups.Progress progress() {
        long next = cursor.next();
        return new Groups.Progress(index, epoch, next, cursor.open());
    }
}
