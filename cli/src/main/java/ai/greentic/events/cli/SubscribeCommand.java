package ai.greentic.events.cli;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.StartAt;
import ai.greentic.events.bus.Delivery;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.PullSubscription;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.bus.Subscription;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.codec.Timestamps;
import ai.greentic.events.config.Settings;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "subscribe",
        description = "Print events as they come; each is acked after it is printed.",
        mixinStandardHelpOptions = true)
final class SubscribeCommand implements Callable<Integer> {
    private static final Duration STEP = Duration.ofSeconds(1);

    @Spec
    private CommandSpec spec;

    @Mixin
    private PackOptions packs;

    @Mixin
    private TenantOptions tenant;

    @Parameters(
            index = "0",
            paramLabel = "PATTERN",
            description = "Topic pattern with * and ?, for example 'orders.*'.")
    private String pattern;

    @Option(names = "--count", paramLabel = "N", description = "End after so many events.")
    private @Nullable Long count;

    @Option(
            names = "--timeout",
            paramLabel = "TIME",
            description = "End after this time, for example 10s; exit status 1 if --count is not reached.")
    private @Nullable String timeout;

    @Option(
            names = "--group",
            paramLabel = "NAME",
            description = "Keep the position under this name and share it with others.")
    private @Nullable String group;

    @Option(names = "--from", paramLabel = "START", description = "new, earliest, or a timestamp; default new.")
    private String from = "new";

    @Option(names = "--json", description = "Print each event as one line of JSON.")
    private boolean json;

    @SuppressWarnings("NullAway.Init")
    SubscribeCommand() {}

    @Override
    public Integer call() throws InterruptedException {
        PrintWriter err = spec.commandLine().getErr();
        long wanted = wanted();
        Duration limit = limit();
        SubscribeOptions options =
                (group == null ? SubscribeOptions.ephemeral() : SubscribeOptions.group(group)).startAt(start());
        Settings settings = Main.common(spec).settings();
        try (EventBus bus = packs.bus(Main.common(spec), settings, err)) {
            Thread interrupted = new Thread(bus::close, "interrupted");
            Runtime.getRuntime().addShutdownHook(interrupted);
            try (PullSubscription subscription = bus.as(tenant.who()).pull(tenant.scope(settings), pattern, options)) {
                boolean shared =
                        bus.providers().stream().noneMatch(p -> p.transport().equals("memory"));
                err.println("subscribed to " + pattern + " of " + tenant.scope(settings)
                        + (shared ? "" : "; the store is in memory: only events of this process are seen"));
                long printed = print(subscription, wanted, limit);
                return count != null && printed < wanted ? 1 : 0;
            } finally {
                removeHook(interrupted);
            }
        }
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException ending) {
            // The JVM is ending already, and the hook is what closes the bus.
            return;
        }
    }

    private long print(PullSubscription subscription, long wanted, @Nullable Duration limit)
            throws InterruptedException {
        long end = limit == null ? Long.MAX_VALUE : System.nanoTime() + limit.toNanos();
        long printed = 0;
        while (printed < wanted && subscription.state() != Subscription.State.CLOSED) {
            long left = limit == null ? STEP.toNanos() : end - System.nanoTime();
            if (left <= 0) {
                break;
            }
            Optional<Delivery> next = subscription.next(Duration.ofNanos(Math.min(left, STEP.toNanos())));
            if (next.isPresent()) {
                print(next.get().event());
                next.get().ack();
                printed++;
            } else if (subscription.state() == Subscription.State.FAILED) {
                throw subscription.failure().orElseThrow();
            }
        }
        return printed;
    }

    private void print(EventEnvelope event) {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(new String(EnvelopeCodec.STANDARD.encodeCanonical(event), StandardCharsets.UTF_8));
        } else {
            out.println(event.time() + "  " + event.address().tenant() + "  " + event.topic() + "  " + event.id() + "  "
                    + event.payload().canonical().json());
        }
        out.flush();
    }

    private long wanted() {
        if (count != null && count < 1) {
            throw new EventsException(ErrorCode.INVALID_ARGUMENT, "--count is " + count + "; it must be at least 1");
        }
        return count == null ? Long.MAX_VALUE : count;
    }

    private @Nullable Duration limit() {
        return timeout == null ? null : CommonOptions.duration("--timeout", timeout);
    }

    private StartAt start() {
        return switch (from) {
            case "new" -> StartAt.NEW;
            case "earliest" -> StartAt.EARLIEST;
            default -> {
                try {
                    yield StartAt.at(Timestamps.parse(from));
                } catch (EventsException e) {
                    throw new EventsException(
                            ErrorCode.INVALID_ARGUMENT,
                            "--from is '" + from
                                    + "'; it must be new, earliest, or a timestamp such as 2025-01-01T00:00:00Z");
                }
            }
        };
    }
}
