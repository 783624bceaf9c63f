package ai.greentic.events.examples;

import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.access.AccessRule;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.SubscribeOptions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Every tenant of an environment in one subscription, order per key, and a handler that fails once. */
public final class Handlers {
    public static void main(String[] args) throws Exception {
        AccessPolicy rules = AccessPolicy.of(List.of(
                AccessRule.allow(AccessAction.PUBLISH, AccessAction.SUBSCRIBE).build()));
        CountDownLatch handled = new CountDownLatch(3);
        try (EventBus bus = EventBus.builder()
                .provider("local", "memory", "*")
                .access(rules)
                .build()) {
            bus.subscribe(TenantScope.all("prod"), "orders.*", SubscribeOptions.group("audit"), delivery -> {
                if (delivery.attempt() == 1 && delivery.event().payload().json().contains("shaky")) {
                    delivery.redeliver(Duration.ofMillis(50));
                    return;
                }
                System.out.println(delivery.event().tenant() + " "
                        + delivery.event().payload().json() + " at attempt " + delivery.attempt());
                handled.countDown();
            });
            TenantContext acme = TenantContext.of("prod", "acme");
            for (String state : List.of("created", "shaky", "shipped")) {
                bus.publish(bus.newEvent(acme, "orders.changed")
                        .orderingKey("order-42")
                        .payload(Payload.of(Map.of("state", state)))
                        .build());
            }
            handled.await(10, TimeUnit.SECONDS);
        }
    }

    private Handlers() {}
}
