package ai.greentic.events.runner;

/**
 * Runs an operation of a component, wherever that lives: a process, a service, a WebAssembly module. The one thing that a host has to
 * bring; {@link RunnerBrokerClient} and {@link RunnerBridgeClient} speak to it in the words of the component interfaces. Thread-safe.
 */
@FunctionalInterface
public interface RunnerHost {
    /**
     * Runs one operation and waits for it.
     *
     * @param op name of the operation, such as {@code publish}; the request names it too
     * @param request one JSON object
     * @return one JSON document
     * @throws ai.greentic.events.EventsException {@code PROVIDER_UNAVAILABLE} if nothing was begun, {@code OUTCOME_UNKNOWN} if it failed
     *     or did not end after it had begun
     */
    byte[] invoke(String op, byte[] request) throws InterruptedException;
}
