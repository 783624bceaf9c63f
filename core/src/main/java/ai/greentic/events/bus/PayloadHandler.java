package ai.greentic.events.bus;

/** As {@link EventHandler}, with the payload already read. A payload that cannot be read counts as a failed attempt. */
@FunctionalInterface
public interface PayloadHandler<T> {
    void handle(T payload, Delivery delivery) throws Exception;
}
