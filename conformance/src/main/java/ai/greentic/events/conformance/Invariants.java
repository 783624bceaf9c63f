package ai.greentic.events.conformance;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;

/** What must hold after every test, whatever it was about: no thread is left, no error was swallowed, the log is quiet. */
final class Invariants implements AutoCloseable {
    /** Begin when something first needs them, and stay. */
    private static final Set<String> OF_THE_JVM = Set.of(
            "process reaper",
            "Common-Cleaner",
            "Attach Listener",
            "ForkJoinPool",
            "CompletableFutureDelay",
            "VirtualThread-",
            "junit-");

    private final Set<Thread> before = new HashSet<>(Thread.getAllStackTraces().keySet());
    private final ConcurrentLinkedQueue<Throwable> uncaught = new ConcurrentLinkedQueue<>();
    private final Thread.UncaughtExceptionHandler handlerBefore = Thread.getDefaultUncaughtExceptionHandler();
    final LogWatch log = new LogWatch();

    Invariants() {
        Thread.setDefaultUncaughtExceptionHandler((thread, error) -> uncaught.add(error));
    }

    /** To be asked when everything that the test made has been closed. */
    void check() throws InterruptedException {
        Set<String> left = Set.of();
        for (int waited = 0; waited < 250; waited++) {
            left = Thread.getAllStackTraces().keySet().stream()
                    .filter(thread -> thread.isAlive() && !before.contains(thread))
                    .map(Thread::getName)
                    .filter(name -> OF_THE_JVM.stream().noneMatch(name::startsWith))
                    .collect(Collectors.toSet());
            if (left.isEmpty()) {
                break;
            }
            Thread.sleep(20);
        }
        if (!left.isEmpty()) {
            throw new AssertionError("P12: threads are left 5 s after everything was closed: " + left);
        }
        List<String> heard = log.unexpected();
        if (!heard.isEmpty()) {
            throw new AssertionError(
                    "the log has " + heard.size() + " warnings or errors that nobody expected, first: " + heard.get(0));
        }
        if (!uncaught.isEmpty()) {
            AssertionError error = new AssertionError("a thread ended by an error", uncaught.peek());
            throw error;
        }
    }

    @Override
    public void close() {
        Thread.setDefaultUncaughtExceptionHandler(handlerBefore);
        log.close();
    }
}
