package ai.greentic.events.harness;

import ai.greentic.events.ChannelMessage;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.runner.ProcessHost;
import ai.greentic.events.runner.RunnerBridgeClient;
import ai.greentic.events.runner.RunnerBrokerClient;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Has commands play the components: one run of a command for each operation. */
final class Live implements Performer {
    private static final Duration NEXT = Duration.ofMillis(500);
    private static final String BRIDGE = "GREENTIC_EVENTS_E2E_LIVE_BRIDGE_CMD";
    private static final String BROKER = "GREENTIC_EVENTS_E2E_LIVE_BROKER_CMD";

    private final UnaryOperator<@Nullable String> environment;
    private final Set<String> passedOn;

    /**
     * @param passedOn names of variables that the commands see beside those without which no program runs
     */
    Live(UnaryOperator<@Nullable String> environment, Set<String> passedOn) {
        this.environment = environment;
        this.passedOn = passedOn;
    }

    /** A command is split at blanks, as it always was; there is no quoting. */
    private ProcessHost host(String variable, Part part) {
        String command = environment.apply(variable);
        if (command == null || command.isBlank()) {
            throw new EventsException(
                    ErrorCode.INVALID_CONFIGURATION,
                    variable + " is not set; it names the command that plays " + part.provider() + " in a live run");
        }
        List<String> words = Arrays.stream(command.strip().split("\\s+")).collect(Collectors.toList());
        Duration left = Duration.ofNanos(part.deadlineNanos() - System.nanoTime());
        if (left.isNegative() || left.isZero()) {
            throw new EventsException(ErrorCode.DEADLINE_EXCEEDED, "no time was left for " + part.provider());
        }
        return ProcessHost.command(words.remove(0), words.toArray(String[]::new))
                .environment(passedOn)
                .timeout(left);
    }

    @Override
    public List<EventEnvelope> ingest(Part part, ChannelMessage message) throws InterruptedException {
        return new RunnerBridgeClient(host(BRIDGE, part), part.pack(), part.provider())
                .messageToEvents()
                .convert(message);
    }

    @Override
    public List<ChannelMessage> emit(Part part, EventEnvelope event) throws InterruptedException {
        return new RunnerBridgeClient(host(BRIDGE, part), part.pack(), part.provider())
                .eventToMessages()
                .convert(event);
    }

    @Override
    public void subscribe(Part part, EventEnvelope event) throws InterruptedException {
        String subscription = broker(part)
                .subscribe(event.tenant(), TopicPattern.of(event.topic().value()), false, false, false);
        broker(part).publish(event);
        RunnerBrokerClient.Received received = broker(part)
                .next(subscription, NEXT)
                .orElseThrow(() ->
                        new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "the broker gave no event within " + NEXT));
        if (!received.event().address().equals(event.address())) {
            throw new EventsException(
                    ErrorCode.CORRUPT_EVENT,
                    "the broker was given an event of " + event.address() + " and gave one of "
                            + received.event().address());
        }
        broker(part).ack(subscription, received);
    }

    /** Anew for each call, since each gets what time is left. */
    private RunnerBrokerClient broker(Part part) {
        return new RunnerBrokerClient(host(BROKER, part), part.pack(), part.provider());
    }
}
