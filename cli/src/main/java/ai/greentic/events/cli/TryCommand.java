package ai.greentic.events.cli;

import ai.greentic.events.Caller;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.Topic;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.access.AccessRule;
import ai.greentic.events.bus.Delivery;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.PullSubscription;
import ai.greentic.events.bus.RouteExplanation;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.pack.Pack;
import ai.greentic.events.pack.PackProvider;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
        name = "try",
        description = "Run the example pack once, for real: routing, two tenants apart, a wildcard, a refused access.",
        mixinStandardHelpOptions = true)
final class TryCommand implements Callable<Integer> {
    private static final TenantContext ACME = TenantContext.of("dev", "acme");
    private static final TenantContext GLOBEX = TenantContext.of("dev", "globex");
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final Duration SILENCE = Duration.ofMillis(100);

    @Spec
    private CommandSpec spec;

    @SuppressWarnings("NullAway.Init")
    TryCommand() {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        Path directory = Files.createTempDirectory("greentic-events-try");
        try (InputStream manifest = TryCommand.class.getResourceAsStream("quickstart/pack.yaml")) {
            if (manifest == null) {
                throw new EventsException(ErrorCode.INTERNAL_ERROR, "the example pack is not in this build");
            }
            Files.copy(manifest, directory.resolve("pack.yaml"));
            Pack pack = Pack.open(directory);
            try (EventBus bus = EventBus.builder()
                    .with(pack)
                    .fallbackTransport("memory")
                    .access(rules())
                    .build()) {
                out.println("1. The pack " + pack + " brings providers:");
                for (PackProvider provider : pack.providers()) {
                    out.println("     " + provider.descriptor() + " for "
                            + provider.topics().stream()
                                    .map(TopicPattern::value)
                                    .collect(Collectors.joining(", ")));
                }
                route(out, bus);
                tenants(out, bus);
                wildcard(out, bus);
                refusal(out, bus);
            }
        } finally {
            Files.deleteIfExists(directory.resolve("pack.yaml"));
            Files.deleteIfExists(directory);
        }
        out.println("All of it really happened, in memory, and nothing is left behind.");
        return 0;
    }

    private static AccessPolicy rules() {
        return AccessPolicy.of(List.of(
                AccessRule.deny(AccessAction.PUBLISH, AccessAction.SUBSCRIBE)
                        .caller("guest")
                        .topics("billing.*")
                        .build(),
                AccessRule.of(AccessRule.Effect.ALLOW, Set.of(AccessAction.values()))
                        .build()));
    }

    private static void route(PrintWriter out, EventBus bus) {
        out.println("2. Topics find their provider:");
        for (String topic : List.of("orders.created", "billing.invoice.7")) {
            RouteExplanation route = bus.explainRoute(new Topic(topic));
            expect(route.provider() != null, topic + " has no route");
            out.println("     " + topic + " -> " + route.provider() + " (pattern " + route.pattern() + ")");
        }
    }

    private static void tenants(PrintWriter out, EventBus bus) throws InterruptedException {
        out.println("3. Two tenants subscribe to orders.*, and each publishes one order:");
        try (PullSubscription acme = bus.pull(ACME, "orders.*", SubscribeOptions.ephemeral());
                PullSubscription globex = bus.pull(GLOBEX, "orders.*", SubscribeOptions.ephemeral())) {
            bus.publish(ACME, "orders.created", Map.of("order", "anvil"));
            bus.publish(GLOBEX, "orders.created", Map.of("order", "laser"));
            for (PullSubscription subscription : List.of(acme, globex)) {
                String owner = subscription == acme ? "acme" : "globex";
                try (Delivery mine = subscription
                        .next(PATIENCE)
                        .orElseThrow(() -> new EventsException(ErrorCode.INTERNAL_ERROR, owner + " got nothing"))) {
                    expect(mine.event().address().tenant().name().equals(owner), owner + " saw another tenant's event");
                    out.println(
                            "     " + owner + " got " + mine.event().payload().json() + " and nothing else");
                    mine.ack();
                }
                expect(subscription.next(SILENCE).isEmpty(), owner + " got more than its own event");
            }
        }
    }

    private static void wildcard(PrintWriter out, EventBus bus) throws InterruptedException {
        out.println("4. One subscription to * of every tenant sees both providers:");
        try (PullSubscription all = bus.pull(TenantScope.all("dev"), "*", SubscribeOptions.group("audit"))) {
            bus.publish(ACME, "orders.shipped", Map.of("order", "anvil"));
            bus.publish(GLOBEX, "billing.invoice.7", Map.of("total", 12));
            Set<String> seen = new TreeSet<>();
            for (int i = 0; i < 2; i++) {
                try (Delivery delivery = all.next(PATIENCE)
                        .orElseThrow(() -> new EventsException(
                                ErrorCode.INTERNAL_ERROR, "the wildcard subscription missed an event"))) {
                    seen.add(delivery.event().address().tenant().name() + " "
                            + delivery.event().topic() + " (from "
                            + delivery.position().provider() + ")");
                    delivery.ack();
                }
            }
            expect(seen.size() == 2, "an event came twice");
            seen.forEach(line -> out.println("     " + line));
        }
    }

    private static void refusal(PrintWriter out, EventBus bus) {
        out.println("5. A guest, who may not touch billing.*, tries to hide it behind a wider pattern:");
        EventBus guest = bus.as(Caller.of("guest"));
        try {
            guest.pull(ACME, "b*", SubscribeOptions.ephemeral()).close();
        } catch (EventsException refused) {
            expect(refused.code() == ErrorCode.ACCESS_DENIED, "refused for another reason: " + refused.getMessage());
            out.println("     refused: " + refused.getMessage());
            return;
        }
        throw new EventsException(ErrorCode.INTERNAL_ERROR, "a guest could subscribe to b*");
    }

    private static void expect(boolean holds, String otherwise) {
        if (!holds) {
            throw new EventsException(ErrorCode.INTERNAL_ERROR, otherwise);
        }
    }
}
