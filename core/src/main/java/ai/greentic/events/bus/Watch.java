package ai.greentic.events.bus;

import ai.greentic.events.spi.Tasks;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Publishes whose time somebody has to watch: nobody waits for them, or the provider has not answered yet. Belongs to the lane's lock. */
final class Watch {
    private static final Duration EVERY = Duration.ofSeconds(1);

    private final Tasks tasks;
    private final Runnable look;
    private final Set<Publish> watched = new HashSet<>();
    private boolean running;

    /**
     * @param look run now and then, without the lock, while there is anything to watch
     */
    Watch(Tasks tasks, Runnable look) {
        this.tasks = tasks;
        this.look = look;
    }

    void add(Publish publish) {
        watched.add(publish);
        if (!running) {
            running = true;
            tasks.schedule(EVERY, look);
        }
    }

    void remove(Publish publish) {
        watched.remove(publish);
    }

    /** What is watched now; has the next look scheduled if that is anything. */
    List<Publish> look() {
        running = !watched.isEmpty();
        if (running) {
            tasks.schedule(EVERY, look);
        }
        return all();
    }

    List<Publish> all() {
        return List.copyOf(watched);
    }
}
