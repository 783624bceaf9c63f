package ai.greentic.events.kafka;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.KafkaStorageException;
import org.apache.kafka.common.errors.NotEnoughReplicasException;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.common.errors.RecordTooLargeException;

/** The client's exceptions in the fabric's words. */
final class Failures {
    private Failures() {}

    /** What is inside the wrappers of futures. */
    static Throwable cause(Throwable failure) {
        Throwable cause = failure;
        while ((cause instanceof CompletionException || cause instanceof ExecutionException)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    /** @param sent whether the brokers may have done it */
    static EventsException of(String provider, String what, Throwable failure, boolean sent) {
        Throwable cause = cause(failure);
        if (cause instanceof EventsException known) {
            return known;
        }
        if (cause instanceof InterruptException || cause instanceof InterruptedException) {
            Thread.currentThread().interrupt();
            return new EventsException(
                    ErrorCode.INTERRUPTED, "provider " + provider + ": interrupted while " + what, cause);
        }
        ErrorCode code = code(cause, sent);
        return new EventsException(
                code, "provider " + provider + ": " + what + " failed: " + cause.getMessage() + remedy(code), cause);
    }

    private static ErrorCode code(Throwable cause, boolean sent) {
        if (cause instanceof RecordTooLargeException) {
            return ErrorCode.EVENT_TOO_LARGE;
        }
        if (cause instanceof AuthenticationException || cause instanceof AuthorizationException) {
            return ErrorCode.ACCESS_DENIED;
        }
        if (cause instanceof InvalidTopicException
                || cause instanceof InvalidReplicationFactorException
                || cause instanceof PolicyViolationException
                || cause instanceof org.apache.kafka.common.config.ConfigException) {
            return ErrorCode.INVALID_CONFIGURATION;
        }
        if (cause instanceof NotEnoughReplicasException || cause instanceof KafkaStorageException) {
            return ErrorCode.PROVIDER_UNAVAILABLE;
        }
        return sent ? ErrorCode.OUTCOME_UNKNOWN : ErrorCode.PROVIDER_UNAVAILABLE;
    }

    private static String remedy(ErrorCode code) {
        return switch (code) {
            case ACCESS_DENIED ->
                "; check user, password, mechanism and certificates, and what the brokers allow the user";
            case EVENT_TOO_LARGE -> "; send less, or raise max.message.bytes of the topic";
            default -> "";
        };
    }
}
