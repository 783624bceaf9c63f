package ai.greentic.events.nats;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.Delivery;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.PullSubscription;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.pack.Pack;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A pack that was written for the embedded store, on this transport by a setting. */
@Timeout(90)
class NatsPackTest {
    private static final TenantContext ACME = TenantContext.of("dev", "acme");

    @TempDir
    Path directory;

    @Test
    void aSettingTakesAPacksProviderHere() throws Exception {
        NatsServer server = new NatsServer(directory);
        try (EventBus bus = EventBus.builder()
                .with(Pack.open(Path.of("../../examples/packs/quickstart")))
                .providerFactory(new NatsProviderFactory())
                .providerSettings("quickstart", "orders", Map.of("transport", "nats", "url", server.url()))
                .providerSettings("quickstart", "billing", Map.of("transport", "memory"))
                .build()) {
            assertThat(bus.providers())
                    .filteredOn(provider -> provider.descriptor().name().equals("orders"))
                    .singleElement()
                    .satisfies(provider -> {
                        assertThat(provider.transport()).isEqualTo("nats");
                        assertThat(provider.descriptor().transport()).isEqualTo("embedded");
                    });
            PullSubscription orders = bus.pull(ACME, "orders.*", SubscribeOptions.group("billing"));
            orders.ready().get(30, TimeUnit.SECONDS);
            assertThat(bus.publish(ACME, "orders.created", 42).durable()).isTrue();
            try (Delivery delivery = orders.next(Duration.ofSeconds(30)).orElseThrow()) {
                assertThat(delivery.payload(Integer.class)).isEqualTo(42);
                delivery.ack();
            }
        } finally {
            server.kill();
        }
    }
}
