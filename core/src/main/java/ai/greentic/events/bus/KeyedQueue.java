package ai.greentic.events.bus;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A queue in which at most one item of a key is ready or out at a time: later ones wait behind it until the key is {@link #release
 * released}. Items without a key wait for nothing. Not thread-safe: it belongs to its owner's lock.
 */
final class KeyedQueue<T> {
    /** Stands for "nobody behind", so that a key with one item costs no list. */
    private final ArrayDeque<T> nobody = new ArrayDeque<>(0);

    private final ArrayDeque<T> ready = new ArrayDeque<>();
    private final Map<Object, ArrayDeque<T>> behind = new HashMap<>();
    private int behindCount;

    /** Adds an item; returns whether it is ready, not behind an earlier one of its key. */
    boolean add(@Nullable Object key, T item) {
        if (key != null) {
            ArrayDeque<T> followers = behind.get(key);
            if (followers != null) {
                if (followers == nobody) {
                    followers = new ArrayDeque<>();
                    behind.put(key, followers);
                }
                followers.addLast(item);
                behindCount++;
                return false;
            }
            behind.put(key, nobody);
        }
        ready.addLast(item);
        return true;
    }

    /** Puts an item that has its key back in front of all others. */
    void putBack(T item) {
        ready.addFirst(item);
    }

    /** How many items wait behind one of a key. */
    int followers(@Nullable Object key) {
        ArrayDeque<T> followers = key == null ? null : behind.get(key);
        return followers == null ? 0 : followers.size();
    }

    /** Takes the next ready item; it keeps its key. */
    @Nullable
    T poll() {
        return ready.pollFirst();
    }

    /** Ends an item's hold on its key; the item behind it becomes ready and is returned. */
    @Nullable
    T release(@Nullable Object key) {
        if (key == null) {
            return null;
        }
        ArrayDeque<T> followers = behind.get(key);
        T next = followers == null ? null : followers.pollFirst();
        if (next == null) {
            behind.remove(key);
        } else {
            behindCount--;
            ready.addLast(next);
        }
        return next;
    }

    /** Ends an item's hold on its key and takes all that wait behind it. */
    List<T> dissolve(@Nullable Object key) {
        ArrayDeque<T> followers = key == null ? null : behind.remove(key);
        if (followers == null) {
            return List.of();
        }
        behindCount -= followers.size();
        return new ArrayList<>(followers);
    }

    /** How many items wait behind another. */
    int behind() {
        return behindCount;
    }

    int ready() {
        return ready.size();
    }

    /** The ready items in order; not to be changed. */
    Iterable<T> readyItems() {
        return ready;
    }

    /** The items that wait behind another. */
    List<T> behindItems() {
        List<T> all = new ArrayList<>();
        behind.values().forEach(all::addAll);
        return all;
    }

    /** Removes a ready item; its key is still to be released. */
    void removeReady(T item) {
        ready.remove(item);
    }

    /** Removes an item that waits behind another. */
    void removeBehind(Object key, T item) {
        ArrayDeque<T> followers = behind.get(key);
        if (followers != null && followers.remove(item)) {
            behindCount--;
        }
    }

    /** Takes the ready items that fit; their keys are still to be dissolved. */
    List<T> takeReady(Predicate<T> which) {
        return take(ready, which);
    }

    /** Takes the items that fit and wait behind another. */
    List<T> takeBehind(Predicate<T> which) {
        List<T> taken = new ArrayList<>();
        behind.values().forEach(followers -> taken.addAll(take(followers, which)));
        behindCount -= taken.size();
        return taken;
    }

    private static <T> List<T> take(ArrayDeque<T> items, Predicate<T> which) {
        List<T> taken = new ArrayList<>();
        for (Iterator<T> i = items.iterator(); i.hasNext(); ) {
            T item = i.next();
            if (which.test(item)) {
                i.remove();
                taken.add(item);
            }
        }
        return taken;
    }
}
