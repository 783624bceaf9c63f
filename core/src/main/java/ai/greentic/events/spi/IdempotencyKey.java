package ai.greentic.events.spi;

import ai.greentic.events.TenantTopic;
import java.util.Objects;

/**
 * What must happen once: a use, an address and a mark. Two keys are the same only if all three are.
 *
 * @param use what the mark marks; marks of different uses never meet
 * @param address environment, tenant and topic
 * @param value the mark, at most 1,024 characters
 */
public record IdempotencyKey(Use use, TenantTopic address, String value) {
    /** What a mark marks. */
    public enum Use {
        /** A publish, by the caller's key. */
        PUBLISH,
        /** The handling of an event by a group, by group and event id. */
        CONSUME,
        /** The redrive of a dead letter, by its id. */
        REDRIVE
    }

    public IdempotencyKey {
        Objects.requireNonNull(use, "use");
        Objects.requireNonNull(address, "address");
        Objects.requireNonNull(value, "value");
    }
}
