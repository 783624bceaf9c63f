package planted.spi;

import planted.bus.Engine;

/** Breaks: the SPI sees the vocabulary only; takes a bare topic and a callback. */
public interface EventProvider {
    void publish(String topic, Runnable done);

    Engine engine();
}
