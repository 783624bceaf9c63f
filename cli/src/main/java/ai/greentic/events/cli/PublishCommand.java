package ai.greentic.events.cli;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.Priority;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.PublishResult;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.PublishOptions;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.config.Settings;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "publish",
        description = "Publish one event, or one for each line of input.",
        mixinStandardHelpOptions = true)
final class PublishCommand implements Callable<Integer> {
    private static final int BATCH = 256;

    @Spec
    private CommandSpec spec;

    @Mixin
    private PackOptions packs;

    @Mixin
    private TenantOptions tenant;

    @Parameters(index = "0", paramLabel = "TOPIC", description = "Topic, for example orders.created.")
    private String topic;

    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "JSON",
            description = "Payload, one JSON document; - reads one from each line of standard input.")
    private @Nullable String payload;

    @Option(names = "--file", paramLabel = "FILE", description = "File that holds the payload.")
    private @Nullable Path file;

    @Option(names = "--type", paramLabel = "TYPE", description = "Event type; default greentic.events.generic.")
    private String type = EventEnvelope.GENERIC_TYPE;

    @Option(names = "--source", paramLabel = "SOURCE", description = "Event source; default greentic-events.")
    private String source = EventEnvelope.GENERIC_SOURCE;

    @Option(names = "--subject", paramLabel = "SUBJECT", description = "What the event is about.")
    private @Nullable String subject;

    @Option(names = "--ordering-key", paramLabel = "KEY", description = "What must stay in order within the topic.")
    private @Nullable String orderingKey;

    @Option(names = "--idempotency-key", paramLabel = "KEY", description = "Marks repetitions of one publish.")
    private @Nullable String idempotencyKey;

    @Option(
            names = "--ttl",
            paramLabel = "TIME",
            description = "How long the event is worth delivering, for example 10m.")
    private @Nullable String ttl;

    @Option(
            names = "--deliver-after",
            paramLabel = "TIME",
            description = "Deliver it so long from now, and not earlier, for example 1h.")
    private @Nullable String deliverAfter;

    @Option(names = "--priority", paramLabel = "PRIORITY", description = "One of low, normal, high; default normal.")
    private String priority = "normal";

    @Option(names = "--metadata", paramLabel = "KEY=VALUE", description = "Metadata; repeatable.")
    private Map<String, String> metadata = new LinkedHashMap<>();

    @Option(names = "--json", description = "Print one receipt for each event, as a line of JSON.")
    private boolean json;

    private int failures;
    private int status;

    @SuppressWarnings("NullAway.Init")
    PublishCommand() {}

    @Override
    public Integer call() throws IOException {
        PrintWriter err = spec.commandLine().getErr();
        if ((payload == null) == (file == null)) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT,
                    "give the payload once: as JSON after the topic, with --file FILE, or with - from standard input");
        }
        options();
        Settings settings = Main.common(spec).settings();
        TenantContext context = tenant.context(settings);
        try (EventBus bus = packs.bus(Main.common(spec), settings, err)) {
            EventBus view = bus.as(tenant.who());
            if (file != null) {
                publish(view, List.of(envelope(view, context, Payload.json(read(file)))));
            } else if ("-".equals(payload)) {
                publishLines(view, context, System.in);
            } else {
                publish(
                        view,
                        List.of(envelope(view, context, Payload.json(java.util.Objects.requireNonNull(payload)))));
            }
        }
        return status;
    }

    private static byte[] read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new EventsException(ErrorCode.INVALID_ARGUMENT, "--file " + file + " is not a file");
        }
        if (Files.size(file) > EnvelopeCodec.DEFAULT_MAX_BYTES) {
            throw new EventsException(
                    ErrorCode.EVENT_TOO_LARGE,
                    "--file " + file + " has " + Files.size(file) + " bytes; at most " + EnvelopeCodec.DEFAULT_MAX_BYTES
                            + " are allowed");
        }
        return Files.readAllBytes(file);
    }

    /** One event for each line; empty lines are passed over. What a broken line leaves behind was published before it. */
    private void publishLines(EventBus bus, TenantContext context, InputStream input) throws IOException {
        Lines lines = new Lines(new BufferedInputStream(input), EnvelopeCodec.DEFAULT_MAX_BYTES);
        List<EventEnvelope> batch = new ArrayList<>();
        try {
            for (byte[] line = lines.next(); line != null; line = lines.next()) {
                if (line.length > 0) {
                    batch.add(envelope(bus, context, Payload.json(line)));
                }
                if (batch.size() == BATCH) {
                    publish(bus, batch);
                    batch.clear();
                }
            }
        } catch (EventsException e) {
            publish(bus, batch);
            throw new EventsException(
                    e.code(),
                    "line " + lines.number() + ": " + e.getMessage() + "; the lines before it were published",
                    e);
        }
        publish(bus, batch);
    }

    private EventEnvelope envelope(EventBus bus, TenantContext context, Payload content) {
        EventEnvelope.Builder event = bus.newEvent(context, topic)
                .type(type)
                .source(source)
                .payload(content)
                .metadata(metadata);
        if (subject != null) {
            event.subject(subject);
        }
        if (orderingKey != null) {
            event.orderingKey(orderingKey);
        }
        if (idempotencyKey != null) {
            event.idempotencyKey(idempotencyKey);
        }
        return event.build();
    }

    private void publish(EventBus bus, List<EventEnvelope> events) {
        PrintWriter out = spec.commandLine().getOut();
        for (PublishResult result : bus.publishAll(events, options())) {
            if (result instanceof PublishResult.Accepted accepted) {
                PublishReceipt receipt = accepted.receipt();
                out.println(json ? Payload.of(tree(receipt)).json() : receipt.toString());
                if (!receipt.durable() && status == 0 && failures == 0) {
                    sayNotDurable();
                }
            } else if (result instanceof PublishResult.Failed failed) {
                failures++;
                status = status == 0 ? failed.error().kind().exitCode() : status;
                if (json) {
                    Map<String, Object> tree = new LinkedHashMap<>();
                    tree.put("event_id", failed.id().value());
                    tree.put("error", failed.error().code().name());
                    tree.put("message", String.valueOf(failed.error().getMessage()));
                    out.println(Payload.of(tree).json());
                } else if (failures <= 10) {
                    spec.commandLine()
                            .getErr()
                            .println("Error: " + failed.error().getMessage() + "\n("
                                    + failed.error().code() + ")");
                }
            }
        }
    }

    private PublishOptions options() {
        PublishOptions options = PublishOptions.NONE.priority(Priority.of(priority));
        if (ttl != null) {
            options = options.ttl(duration("--ttl", ttl));
        }
        return deliverAfter == null ? options : options.deliverAfter(duration("--deliver-after", deliverAfter));
    }

    private static Duration duration(String option, String text) {
        Duration time = CommonOptions.duration(option, text);
        if (time.isZero() || time.isNegative()) {
            throw new EventsException(ErrorCode.INVALID_ARGUMENT, option + " is '" + text + "'; it must be positive");
        }
        return time;
    }

    private boolean saidNotDurable;

    private void sayNotDurable() {
        if (!saidNotDurable) {
            saidNotDurable = true;
            spec.commandLine()
                    .getErr()
                    .println("note: the provider does not promise to keep the event when it or this process ends");
        }
    }

    private static Map<String, Object> tree(PublishReceipt receipt) {
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("event_id", receipt.eventId().value());
        tree.put("status", receipt.status().name());
        tree.put("provider", receipt.provider());
        receipt.position().ifPresent(position -> tree.put("position", position.opaque()));
        tree.put("attempts", receipt.attempts());
        tree.put("durable", receipt.durable());
        return tree;
    }
}
