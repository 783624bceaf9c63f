package ai.greentic.events.memory;

import java.util.ArrayDeque;

/** What one tenant has in memory: events that wait for subscribers, and the newest ones for replay. Guarded by the provider's lock. */
final class TenantLog {
    final ArrayDeque<Entry> history = new ArrayDeque<>();
    long historyBytes;
    /** Sequence of the newest event that is no longer kept for replay. */
    long forgotten;

    int waiting;
    long waitingBytes;

    void remember(Entry entry, long maxEvents, long maxBytes) {
        history.addLast(entry);
        historyBytes += entry.size();
        while (history.size() > maxEvents || historyBytes > maxBytes) {
            Entry oldest = history.removeFirst();
            historyBytes -= oldest.size();
            forgotten = oldest.sequence;
        }
    }

    void hold(Entry entry, int holders) {
        if (entry.holders == 0) {
            waiting++;
            waitingBytes += entry.size();
        }
        entry.holders += holders;
    }

    void release(Entry entry) {
        entry.holders--;
        if (entry.holders == 0) {
            waiting--;
            waitingBytes -= entry.size();
        }
    }
}
