package ai.greentic.events.spi;

import java.util.List;

/**
 * What a poll brought.
 *
 * @param deliveries events for this member, in order within each key
 * @param revoking shards that this member is to give up; it still owns them until it says {@link ProviderSubscription#released}
 * @param lost shards that this member no longer owns; its deliveries of them can no longer be settled
 * @param connected whether the provider reaches its transport
 * @param quiet whether there is nothing more until the request's {@link SubscribeRequest#ready() flag} is raised; a provider that cannot
 *     raise it says false, and is polled again and again
 */
public record Polled(
        List<InboundDelivery> deliveries, List<Shard> revoking, List<Shard> lost, boolean connected, boolean quiet) {
    public Polled {
        deliveries = List.copyOf(deliveries);
        revoking = List.copyOf(revoking);
        lost = List.copyOf(lost);
    }

    /** Deliveries alone. */
    public static Polled of(List<InboundDelivery> deliveries, boolean quiet) {
        return new Polled(deliveries, List.of(), List.of(), true, quiet);
    }
}
