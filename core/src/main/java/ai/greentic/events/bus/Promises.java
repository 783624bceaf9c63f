package ai.greentic.events.bus;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Publishes of a lane whose outcome nobody waits for with a clock of their own. Belongs to the lane's lock. */
final class Promises {
    private final Set<Publish> open = new HashSet<>();
    private boolean watched;

    /** Adds one; returns whether a watch has to be set up. */
    boolean add(Publish publish) {
        open.add(publish);
        boolean first = !watched;
        watched = true;
        return first;
    }

    void remove(Publish publish) {
        if (publish.future != null) {
            open.remove(publish);
        }
    }

    /** Takes those whose time has run out. */
    List<Publish> takeExpired(long nowNanos) {
        List<Publish> expired = open.stream()
                .filter(publish -> publish.deadlineNanos - nowNanos <= 0)
                .toList();
        expired.forEach(open::remove);
        return expired;
    }

    /** Whether there is anything left to watch; if not, the watch ends. */
    boolean stillWatched() {
        watched = !open.isEmpty();
        return watched;
    }

    List<Publish> sent() {
        return open.stream()
                .filter(publish -> publish.state == Publish.State.SENT)
                .toList();
    }
}
