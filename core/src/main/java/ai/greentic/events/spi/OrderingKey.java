package ai.greentic.events.spi;

import ai.greentic.events.TenantTopic;
import java.util.Objects;

/**
 * What must stay in order: a key within an address.
 *
 * @param address environment, tenant and topic
 * @param value the key
 */
public record OrderingKey(TenantTopic address, String value) {
    public OrderingKey {
        Objects.requireNonNull(address, "address");
        Objects.requireNonNull(value, "value");
    }
}
