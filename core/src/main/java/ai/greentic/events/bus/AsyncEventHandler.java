package ai.greentic.events.bus;

import java.util.concurrent.CompletionStage;

/**
 * Begins to handle a delivery. The stage's completion acks it, its failure has it delivered again; until then it counts as being
 * handled, and later events of its ordering key wait.
 */
@FunctionalInterface
public interface AsyncEventHandler {
    CompletionStage<Void> handle(Delivery delivery);
}
