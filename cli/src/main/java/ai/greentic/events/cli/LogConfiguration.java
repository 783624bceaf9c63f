package ai.greentic.events.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.JsonEncoder;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.spi.ContextAwareBase;
import java.util.Map;

/** What the command line logs: on standard error, warnings and worse unless it is to be verbose, as text or as a line of JSON each. Found by Logback itself. */
public final class LogConfiguration extends ContextAwareBase implements Configurator {
    /** What {@link Main} has read off the arguments before anything is logged. */
    static volatile boolean verbose;

    static volatile boolean json;

    /** What these say, the command says in its own words. */
    private static final Map<String, Level> QUIET = Map.of(
            "ai.greentic.events.bus.BusAssembly", Level.OFF, "org.apache.kafka", Level.ERROR, "land.oras", Level.OFF);

    public LogConfiguration() {}

    @Override
    public ExecutionStatus configure(LoggerContext context) {
        ConsoleAppender<ILoggingEvent> console = new ConsoleAppender<>();
        console.setContext(context);
        console.setTarget("System.err");
        console.setEncoder(json ? lines(context) : text(context));
        console.start();
        ch.qos.logback.classic.Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        root.setLevel(verbose ? Level.DEBUG : Level.WARN);
        root.addAppender(console);
        if (!verbose) {
            QUIET.forEach((name, level) -> context.getLogger(name).setLevel(level));
        }
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }

    private static Encoder<ILoggingEvent> lines(LoggerContext context) {
        JsonEncoder encoder = new JsonEncoder();
        encoder.setContext(context);
        // The message as people read it; its parts again, numbers and all, would only be longer.
        encoder.setWithFormattedMessage(true);
        encoder.setWithMessage(false);
        encoder.setWithArguments(false);
        encoder.setWithSequenceNumber(false);
        encoder.setWithNanoseconds(false);
        encoder.setWithContext(false);
        encoder.start();
        return encoder;
    }

    private static Encoder<ILoggingEvent> text(LoggerContext context) {
        PatternLayoutEncoder encoder = new PatternLayoutEncoder();
        encoder.setContext(context);
        encoder.setPattern("[%thread] %level %logger - %msg%n");
        encoder.start();
        return encoder;
    }
}
