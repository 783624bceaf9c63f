package ai.greentic.events.runner;

import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.StartAt;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.codec.Timestamps;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The operations of event providers beside {@link PublishInput}, as the schemas below {@code schemas/events/ops} describe them: answers of
 * publish, and subscribe and ack, which the original only announced. Every problem of a request is told at once.
 */
public final class Operations {
    private Operations() {}

    /** The answer of publish to a receipt. */
    public static byte[] published(PublishReceipt receipt, Instant at) {
        Map<String, Payload> answer = new LinkedHashMap<>();
        answer.put("receipt_id", Payload.of(receipt.eventId().value()));
        answer.put("status", Payload.of(receipt.status() == PublishReceipt.Status.QUEUED ? "queued" : "published"));
        receipt.position().ifPresent(position -> answer.put("provider_event_id", Payload.of(position.opaque())));
        answer.put("ts", Payload.of(Timestamps.format(at)));
        return Fields.object(answer);
    }

    /**
     * What subscribe is asked.
     *
     * @param topics whose events are wanted
     * @param group keeps a position under this name; empty for none
     * @param start where to begin
     * @param maxInFlight how many may be unsettled; 0 for the default
     */
    public record SubscribeInput(TopicPattern topics, Optional<String> group, StartAt start, int maxInFlight) {
        /** Reads a request; {@code INVALID_ENVELOPE} with every problem. */
        public static SubscribeInput parse(byte[] json) {
            List<String> problems = Form.none();
            Form input = Form.root(json, "the input of subscribe", problems);
            input.require("topic");
            TopicPattern topics = pattern(input);
            Form options = input.form("options");
            String group = options.text("group");
            Long most = options.number("max_in_flight", 1);
            StartAt start = start(options);
            Form.refuse(problems, "the input of subscribe");
            return new SubscribeInput(
                    topics,
                    Optional.ofNullable(group),
                    start,
                    most == null ? 0 : (int) Math.min(most, Integer.MAX_VALUE));
        }

        private static TopicPattern pattern(Form input) {
            String text = input.text("topic");
            if (text != null) {
                try {
                    return TopicPattern.of(text);
                } catch (EventsException e) {
                    input.problem("topic", "cannot be used: " + e.getMessage());
                }
            }
            return TopicPattern.of("*");
        }

        private static StartAt start(Form options) {
            Payload from = options.value("from");
            if (from == null || from.equals(Payload.of("new"))) {
                return StartAt.NEW;
            }
            if (from.equals(Payload.of("earliest"))) {
                return StartAt.EARLIEST;
            }
            Instant time = options.time("from");
            return time == null ? StartAt.NEW : StartAt.at(time);
        }
    }

    /** The answer of subscribe. */
    public static byte[] subscribed(String subscription, @Nullable String provider) {
        Map<String, Payload> answer = new LinkedHashMap<>();
        answer.put("subscription_id", Payload.of(subscription));
        if (provider != null) {
            answer.put("provider", Payload.of(provider));
        }
        return Fields.object(answer);
    }

    /**
     * What ack is asked.
     *
     * @param subscription that the delivery came by
     * @param receipt token of the delivery
     * @param ack whether it is done; else it is to come again
     * @param delay not before it comes again
     */
    public record AckInput(String subscription, String receipt, boolean ack, Duration delay) {
        /** Reads a request; {@code INVALID_ENVELOPE} with every problem. */
        public static AckInput parse(byte[] json) {
            List<String> problems = Form.none();
            Form input = Form.root(json, "the input of ack", problems);
            List.of("subscription_id", "receipt_id", "status").forEach(input::require);
            String subscription = input.text("subscription_id");
            String receipt = input.text("receipt_id");
            String status = input.word("status", List.of("ack", "nack"));
            Long delay = input.number("delay_seconds", 0);
            Form.refuse(problems, "the input of ack");
            return new AckInput(
                    String.valueOf(subscription),
                    String.valueOf(receipt),
                    "ack".equals(status),
                    Duration.ofSeconds(delay == null ? 0 : Math.min(delay, Integer.MAX_VALUE)));
        }
    }

    /** The answer of ack. */
    public static byte[] acknowledged(AckInput input) {
        Map<String, Payload> answer = new LinkedHashMap<>();
        answer.put("receipt_id", Payload.of(input.receipt()));
        answer.put("status", Payload.of(input.ack() ? "acknowledged" : "requeued"));
        return Fields.object(answer);
    }
}
