package ai.greentic.events.bus;

/**
 * Handles deliveries. Returning acks the delivery if nothing was settled; throwing has it delivered again, and after the last attempt
 * parked as a dead letter. Called on the fabric's handler threads, by several at once, but never for two events of one ordering key.
 */
@FunctionalInterface
public interface EventHandler {
    void handle(Delivery delivery) throws Exception;
}
