package ai.greentic.events.examples;

import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.Delivery;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.PullSubscription;
import ai.greentic.events.bus.SubscribeOptions;
import java.time.Duration;

public final class QuickStart {
    record Order(String id, int cents) {}

    public static void main(String[] args) throws Exception {
        TenantContext acme = TenantContext.of("dev", "acme");
        try (EventBus bus = EventBus.builder().provider("local", "memory", "*").build()) {
            PullSubscription billing = bus.pull(acme, "orders.*", SubscribeOptions.group("billing"));
            System.out.println(
                    bus.publish(acme, "orders.created", new Order("42", 1250)).status());
            try (Delivery delivery = billing.next(Duration.ofSeconds(5)).orElseThrow()) {
                System.out.println("charge " + delivery.payload(Order.class).cents());
                delivery.ack();
            }
        }
    }

    private QuickStart() {}
}
