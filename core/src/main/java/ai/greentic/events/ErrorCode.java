package ai.greentic.events;

/** Stable names of everything that can go wrong. Append-only; each has an entry in {@code docs/errors.md}. */
public enum ErrorCode {
    INVALID_ARGUMENT(ErrorKind.INVALID),
    INVALID_ENVELOPE(ErrorKind.INVALID),
    INVALID_ID(ErrorKind.INVALID),
    ID_TOO_LONG(ErrorKind.INVALID),
    INVALID_TOPIC(ErrorKind.INVALID),
    INVALID_PATTERN(ErrorKind.INVALID),
    INVALID_PAYLOAD(ErrorKind.INVALID),
    INVALID_TIME(ErrorKind.INVALID),
    INVALID_ORDERING_KEY(ErrorKind.INVALID),
    TENANT_MISMATCH(ErrorKind.INVALID),
    EVENT_TOO_LARGE(ErrorKind.INVALID),
    NESTED_TOO_DEEP(ErrorKind.INVALID),
    ACCESS_DENIED(ErrorKind.DENIED),
    NO_ROUTE(ErrorKind.MISCONFIGURED),
    INVALID_CONFIGURATION(ErrorKind.MISCONFIGURED),
    INVALID_PACK(ErrorKind.MISCONFIGURED),
    PROVIDER_NOT_STARTED(ErrorKind.MISCONFIGURED),
    GROUP_MISMATCH(ErrorKind.MISCONFIGURED),
    UNSUPPORTED_CAPABILITY(ErrorKind.UNSUPPORTED),
    PUBLISH_QUEUE_FULL(ErrorKind.OVERLOADED),
    PROVIDER_FULL(ErrorKind.OVERLOADED),
    TOO_MANY_SUBSCRIPTIONS(ErrorKind.OVERLOADED),
    DEAD_LETTERS_FULL(ErrorKind.OVERLOADED),
    PROVIDER_UNAVAILABLE(ErrorKind.UNAVAILABLE),
    OUTCOME_UNKNOWN(ErrorKind.OUTCOME_UNKNOWN),
    CORRUPT_EVENT(ErrorKind.CORRUPT),
    HANDLER_FAILED(ErrorKind.HANDLER_FAILED),
    CLOSED(ErrorKind.CANCELLED),
    INTERRUPTED(ErrorKind.CANCELLED),
    DEADLINE_EXCEEDED(ErrorKind.CANCELLED),
    INTERNAL_ERROR(ErrorKind.INTERNAL);

    private final ErrorKind kind;

    ErrorCode(ErrorKind kind) {
        this.kind = kind;
    }

    /** What a failure with this code means for the caller. */
    public ErrorKind kind() {
        return kind;
    }
}
