package ai.greentic.events.bus;

import ai.greentic.events.AllTenants;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.spi.DeadLetter;
import org.jspecify.annotations.Nullable;

/**
 * How a subscription is named where its deliveries leave traces.
 *
 * @param name the group, or the pattern of an ephemeral subscription
 * @param group whether it is a group
 * @param holdsKeys whether an exhausted event holds its key
 */
record Consumption(String name, boolean group, boolean holdsKeys) {
    /** A group of all tenants and a group of one are different groups, so the former's name ends in {@code @*}. */
    static Consumption of(TenantScope scope, TopicPattern topics, SubscribeOptions options) {
        String group = options.group().orElse(null);
        return group == null
                ? new Consumption(topics.value(), false, false)
                : new Consumption(
                        scope instanceof AllTenants ? group + "@*" : group,
                        true,
                        options.onExhausted() == SubscribeOptions.OnExhausted.HOLD_KEY);
    }

    /** The held key that a delivery would belong to; null if this subscription holds none, or the event has no key. */
    DeadLetter.@Nullable SequenceId sequence(BusDelivery delivery) {
        BusDelivery.Key key = delivery.key;
        return holdsKeys && key != null ? new DeadLetter.SequenceId(key.address(), name, key.value()) : null;
    }
}
