package ai.greentic.events.cli;

import ai.greentic.events.Caller;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.access.AccessRule;
import ai.greentic.events.bus.DeadLetters;
import ai.greentic.events.bus.Delivery;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.PublishOptions;
import ai.greentic.events.bus.PullSubscription;
import ai.greentic.events.bus.RedriveOptions;
import ai.greentic.events.bus.RedriveReport;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.delivery.Backoff;
import ai.greentic.events.delivery.RedeliveryPolicy;
import ai.greentic.events.pack.Pack;
import ai.greentic.events.spi.DeadLetterFilter;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
        name = "try",
        description =
                "Run the example pack once, for real: tenants apart, a retry, a dead letter and its redrive, a duplicate, a refusal.",
        mixinStandardHelpOptions = true)
final class TryCommand implements Callable<Integer> {
    private static final TenantContext ACME = TenantContext.of("dev", "acme");
    private static final TenantContext GLOBEX = TenantContext.of("dev", "globex");
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final Duration SILENCE = Duration.ofMillis(100);
    private static final Duration RETRY = Duration.ofMillis(300);

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
                    .stateDirectory(directory.resolve("state"))
                    .access(rules())
                    .build()) {
                out.println("1. The pack " + pack + " brings "
                        + pack.providers().stream()
                                .map(provider -> provider.descriptor() + " for "
                                        + provider.topics().stream()
                                                .map(TopicPattern::value)
                                                .collect(Collectors.joining(", ")))
                                .collect(Collectors.joining("; ")));
                tenants(out, bus);
                retry(out, bus);
                deadLetter(out, bus);
                duplicate(out, bus);
                refusal(out, bus);
            }
        } finally {
            delete(directory);
        }
        out.println("All of it really happened, on the embedded store, and nothing is left behind.");
        return 0;
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
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

    private static void tenants(PrintWriter out, EventBus bus) throws InterruptedException {
        out.println("2. Two tenants subscribe to orders.*, and each publishes one order:");
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

    private static void retry(PrintWriter out, EventBus bus) throws InterruptedException {
        out.println(
                "3. A handler fails on order anvil once. Its key waits and keeps its order, the other key goes on:");
        BlockingQueue<String> handled = new LinkedBlockingQueue<>();
        SubscribeOptions options =
                SubscribeOptions.group("shipping").redelivery(new RedeliveryPolicy(3, RETRY, RETRY, Backoff.FIXED));
        try (Subscription subscription = bus.subscribe(ACME, "orders.*", options, delivery -> {
            String step = delivery.payload(String.class);
            if (step.equals("anvil: paid") && delivery.attempt() == 1) {
                throw new IllegalStateException("the warehouse does not answer");
            }
            handled.add(step + (delivery.attempt() > 1 ? " (attempt " + delivery.attempt() + ")" : ""));
        })) {
            for (String step : List.of("anvil: paid", "anvil: shipped", "laser: paid")) {
                bus.publish(bus.newEvent(ACME, "orders.step")
                        .orderingKey(step.substring(0, 5))
                        .payload(Payload.of(step))
                        .build());
            }
            List<String> order = take(handled, 3);
            expect(subscription.state() == Subscription.State.ACTIVE, "the subscription is " + subscription.state());
            expect(
                    order.equals(List.of("laser: paid", "anvil: paid (attempt 2)", "anvil: shipped")),
                    "the order of effects was " + order);
            out.println("     handled " + String.join(", then ", order));
        }
    }

    private static List<String> take(BlockingQueue<String> queue, int count) throws InterruptedException {
        List<String> taken = new ArrayList<>();
        while (taken.size() < count) {
            String next = queue.poll(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            expect(next != null, "only " + taken + " was handled");
            taken.add(String.valueOf(next));
        }
        return taken;
    }

    private static void deadLetter(PrintWriter out, EventBus bus) throws InterruptedException {
        out.println(
                "4. An event that fails for good is a dead letter. Repaired, it is put back, for the group that failed alone:");
        BlockingQueue<String> handled = new LinkedBlockingQueue<>();
        AtomicBoolean broken = new AtomicBoolean(true);
        SubscribeOptions options =
                SubscribeOptions.group("invoices").redelivery(new RedeliveryPolicy(2, RETRY, RETRY, Backoff.FIXED));
        try (Subscription subscription = bus.subscribe(ACME, "billing.*", options, delivery -> {
            if (broken.get()) {
                throw new IllegalStateException("no paper");
            }
            handled.add(delivery.payload(String.class));
        })) {
            bus.publish(ACME, "billing.invoice.7", "invoice 7");
            DeadLetters letters = bus.deadLetters(ACME);
            for (int i = 0; letters.list(DeadLetterFilter.ALL, 1).isEmpty(); i++) {
                expect(i < PATIENCE.toMillis() / 10, "there is no dead letter");
                Thread.sleep(10);
            }
            StringWriter groups = new StringWriter();
            DlqCommand.groups(letters, DeadLetterFilter.ALL, false, new PrintWriter(groups, true));
            out.println("     " + groups.toString().strip());
            expect(bus.deadLetters(GLOBEX).list(DeadLetterFilter.ALL, 1).isEmpty(), "globex sees acme's dead letter");
            broken.set(false);
            expect(subscription.state() == Subscription.State.ACTIVE, "the subscription is " + subscription.state());
            RedriveReport report = letters.redrive(DeadLetterFilter.ALL, RedriveOptions.STANDARD);
            out.println("     put back " + report.redriven() + ", handled " + take(handled, 1) + ", left "
                    + letters.list(DeadLetterFilter.ALL, 9).size());
        }
    }

    private static void duplicate(PrintWriter out, EventBus bus) {
        out.println("5. The same idempotency key twice is one event:");
        PublishReceipt first = keyed(bus);
        PublishReceipt second = keyed(bus);
        expect(second.eventId().equals(first.eventId()), "the second receipt is not the first");
        out.println("     " + first + ", then " + second);
    }

    private static PublishReceipt keyed(EventBus bus) {
        return bus.publish(
                bus.newEvent(GLOBEX, "orders.created")
                        .payload(Payload.of("laser"))
                        .build(),
                PublishOptions.NONE.idempotencyKey("order-7"));
    }

    private static void refusal(PrintWriter out, EventBus bus) {
        out.println("6. A guest, who may not touch billing.*, tries to hide it behind a wider pattern:");
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
