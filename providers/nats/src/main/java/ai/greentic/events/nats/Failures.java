package ai.greentic.events.nats;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import io.nats.client.AuthenticationException;
import io.nats.client.JetStreamApiException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;

/** The client's exceptions in the fabric's words. Codes are those of the server's errors.json. */
final class Failures {
    private static final int STREAM_NOT_FOUND = 10059;
    private static final int NO_MESSAGE_FOUND = 10037;
    private static final int SEQUENCE_NOT_FOUND = 10043;
    private static final int DELETION_FAILED = 10057;
    private static final int WRONG_LAST_SEQUENCE = 10071;
    private static final int STORE_FAILED = 10077;
    private static final int MESSAGE_TOO_LARGE = 10054;
    private static final int RESOURCES_MEMORY = 10028;
    private static final int RESOURCES_STORAGE = 10047;
    private static final int RESOURCES_LIMIT = 10023;

    private Failures() {}

    static boolean isStreamMissing(JetStreamApiException e) {
        return e.getApiErrorCode() == STREAM_NOT_FOUND;
    }

    static boolean isMessageMissing(JetStreamApiException e) {
        return e.getApiErrorCode() == NO_MESSAGE_FOUND || e.getApiErrorCode() == SEQUENCE_NOT_FOUND;
    }

    /** The message is gone, perhaps: servers give this code for any reason not to delete one. */
    static boolean isDeletionRefused(JetStreamApiException e) {
        return e.getApiErrorCode() == DELETION_FAILED;
    }

    /** Somebody else wrote to the subject meanwhile. */
    static boolean isConflict(JetStreamApiException e) {
        return e.getApiErrorCode() == WRONG_LAST_SEQUENCE;
    }

    /** @param sent whether the server may have done it */
    static EventsException of(String provider, String what, Throwable failure, boolean sent) {
        Throwable cause = failure;
        while ((cause instanceof CompletionException || cause instanceof ExecutionException)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        if (cause instanceof RuntimeException && cause.getCause() instanceof JetStreamApiException api) {
            cause = api;
        }
        if (cause instanceof EventsException known) {
            return known;
        }
        ErrorCode code = code(cause, sent);
        String said = String.valueOf(cause.getMessage());
        String shown = withoutUsers(said);
        // What names a password is not handed on, not even as a cause: causes are logged.
        return new EventsException(
                code,
                "provider " + provider + ": " + what + " failed: " + shown + remedy(code),
                shown.equals(said) ? cause : null);
    }

    /** Addresses in a text, without the names and passwords that they may hold. */
    static String withoutUsers(String text) {
        return text.replaceAll("//[^/,\\s\\]]*@", "//");
    }

    private static ErrorCode code(Throwable cause, boolean sent) {
        if (cause instanceof JetStreamApiException api) {
            return switch (api.getApiErrorCode()) {
                case STORE_FAILED, RESOURCES_MEMORY, RESOURCES_STORAGE, RESOURCES_LIMIT -> ErrorCode.PROVIDER_FULL;
                case MESSAGE_TOO_LARGE -> ErrorCode.EVENT_TOO_LARGE;
                default -> api.getErrorCode() >= 500 ? ErrorCode.PROVIDER_UNAVAILABLE : ErrorCode.INVALID_CONFIGURATION;
            };
        }
        if (cause instanceof AuthenticationException) {
            return ErrorCode.ACCESS_DENIED;
        }
        boolean silent =
                cause instanceof TimeoutException || cause instanceof java.util.concurrent.CancellationException;
        return sent && silent ? ErrorCode.OUTCOME_UNKNOWN : ErrorCode.PROVIDER_UNAVAILABLE;
    }

    private static String remedy(ErrorCode code) {
        return switch (code) {
            case PROVIDER_FULL -> "; let max_age take effect, or raise the provider's max_bytes";
            case ACCESS_DENIED -> "; check user, password, token or credentials";
            default -> "";
        };
    }
}
