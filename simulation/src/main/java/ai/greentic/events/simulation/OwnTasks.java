package ai.greentic.events.simulation;

import ai.greentic.events.spi.Signal;
import ai.greentic.events.spi.Tasks;
import java.time.Duration;

/** A process's part of the world's tasks: closing it leaves the others theirs. */
final class OwnTasks implements Tasks {
    private final Tasks world;

    OwnTasks(Tasks world) {
        this.world = world;
    }

    @Override
    public void start(String name, Runnable body) {
        world.start(name, body);
    }

    @Override
    public void execute(Runnable work) {
        world.execute(work);
    }

    @Override
    public void handle(Runnable userCode) {
        world.handle(userCode);
    }

    @Override
    public Timer schedule(Duration delay, Runnable work) {
        return world.schedule(delay, work);
    }

    @Override
    public Signal signal() {
        return world.signal();
    }

    /** What still waits ends with the world. */
    @Override
    public void close(Duration grace) {}
}
