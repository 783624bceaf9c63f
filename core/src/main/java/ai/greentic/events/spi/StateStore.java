package ai.greentic.events.spi;

/**
 * Durable state that a bus leans on, whatever its providers are. Thread-safe. Whoever opened it closes it, after the buses that use it.
 */
public interface StateStore extends AutoCloseable {
    IdempotencyStore idempotency();

    DeadLetterStore deadLetters();

    AttemptStore attempts();

    ForwardStore forwards();

    /** Ends the use of the store; what it keeps stays. Idempotent. */
    @Override
    void close();
}
