package ai.greentic.events.conformance;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.AppenderBase;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.ILoggerFactory;
import org.slf4j.LoggerFactory;

/** Listens to the log of the code under test: what nobody expected fails the test. Thread-safe. */
final class LogWatch implements AutoCloseable {
    private final Logger root;
    private final Consumer<String> also;
    private final Listener listener = new Listener();
    /** The kits publish to topics of every shape that is legal. */
    private final List<String> expected = new ArrayList<>(List.of("though validators of packs refuse it"));

    private final List<String> lines = new ArrayList<>();
    private final List<String> bad = new ArrayList<>();

    private final class Listener extends AppenderBase<ILoggingEvent> {
        @Override
        protected void append(ILoggingEvent event) {
            heard(event);
        }
    }

    LogWatch() {
        this(line -> {});
    }

    /**
     * @param also is told every line
     */
    LogWatch(Consumer<String> also) {
        this.also = also;
        ILoggerFactory factory = LoggerFactory.getILoggerFactory();
        if (!(factory instanceof LoggerContext context)) {
            throw new IllegalStateException("the kit reads the log and needs logback behind SLF4J, but found "
                    + factory.getClass().getName() + "; take the other backend off the test's class path");
        }
        root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.INFO);
        root.detachAndStopAllAppenders();
        listener.setContext(context);
        listener.start();
        root.addAppender(listener);
    }

    private synchronized void heard(ILoggingEvent event) {
        String line = event.getLevel() + " " + event.getLoggerName() + ": " + event.getFormattedMessage()
                + (event.getThrowableProxy() == null
                        ? ""
                        : "\n" + ThrowableProxyUtil.asString(event.getThrowableProxy()));
        lines.add(line);
        also.accept(line);
        if (event.getLevel().isGreaterOrEqual(Level.WARN)) {
            bad.add(line);
        }
    }

    /** Warnings and errors with this text are in order from now on, and before. */
    synchronized void expect(String text) {
        expected.add(text);
    }

    /** Warnings and errors that nobody expected. */
    synchronized List<String> unexpected() {
        return bad.stream()
                .filter(line -> expected.stream().noneMatch(line::contains))
                .toList();
    }

    /** Every line so far. */
    synchronized List<String> lines() {
        return List.copyOf(lines);
    }

    @Override
    public void close() {
        root.detachAppender(listener);
        listener.stop();
    }
}
