package planted.memory;

import planted.bus.Engine;
import planted.spi.EventProvider;

/** Breaks: providers see vocabulary and SPI only; time comes from the seam. */
public class Clocked implements EventProvider {
    long time = System.nanoTime();

    @Override
    public void publish(String topic, Runnable done) {
        done.run();
    }

    @Override
    public Engine engine() {
        return new Engine();
    }
}
