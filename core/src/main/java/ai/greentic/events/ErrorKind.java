package ai.greentic.events;

/** What a failure means for the caller. The kind, never the text, drives retries, redelivery and exit codes. */
public enum ErrorKind {
    /** The caller's event or argument is wrong; trying again cannot help. */
    INVALID(false, false, 2),
    /** An access rule says no. */
    DENIED(false, false, 3),
    /** No route, bad settings, a pack that cannot be used. */
    MISCONFIGURED(false, false, 4),
    /** The provider lacks the capability that was asked for. */
    UNSUPPORTED(false, false, 4),
    /** A limit was reached; nothing was accepted. */
    OVERLOADED(true, false, 5),
    /** The provider cannot be reached and nothing was sent. */
    UNAVAILABLE(true, false, 5),
    /** Something was sent and no answer came: the event may have been accepted. */
    OUTCOME_UNKNOWN(true, true, 6),
    /** Bytes failed their check. */
    CORRUPT(false, false, 7),
    /** The subscriber's handler threw. */
    HANDLER_FAILED(true, true, 1),
    /** Interrupted, closed, or out of time before anything was sent. */
    CANCELLED(false, false, 5),
    /** A defect of the fabric itself. */
    INTERNAL(false, true, 8);

    private final boolean retryable;
    private final boolean mayHaveHappened;
    private final int exitCode;

    ErrorKind(boolean retryable, boolean mayHaveHappened, int exitCode) {
        this.retryable = retryable;
        this.mayHaveHappened = mayHaveHappened;
        this.exitCode = exitCode;
    }

    /** Whether the same call may succeed later. */
    public boolean retryable() {
        return retryable;
    }

    /** Whether the effect may have taken place although the call failed. */
    public boolean mayHaveHappened() {
        return mayHaveHappened;
    }

    /** The exit status of the command line for this kind. */
    public int exitCode() {
        return exitCode;
    }
}
