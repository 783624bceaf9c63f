package ai.greentic.events.spi;

import java.time.Duration;
import java.util.Objects;

/**
 * A delivery and its end, as told to the provider. A rejected delivery reaches the provider as an ack, after its dead letter is stored.
 *
 * @param delivery what was handed over
 * @param settlement ack or redeliver
 * @param delay for a redelivery: not earlier than after this time
 */
public record Settled(InboundDelivery delivery, Settlement settlement, Duration delay) {
    /** The ends that a provider knows. */
    public enum Settlement {
        ACK,
        REDELIVER
    }

    public Settled {
        Objects.requireNonNull(delivery, "delivery");
        Objects.requireNonNull(settlement, "settlement");
        Objects.requireNonNull(delay, "delay");
    }

    public static Settled ack(InboundDelivery delivery) {
        return new Settled(delivery, Settlement.ACK, Duration.ZERO);
    }

    public static Settled redeliver(InboundDelivery delivery, Duration delay) {
        return new Settled(delivery, Settlement.REDELIVER, delay);
    }
}
