package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.spi.PublishOutcome;
import org.jspecify.annotations.Nullable;

/** What providers' stages say. */
final class Answers {
    private Answers() {}

    /** The outcome; a provider that broke its promise to answer leaves it unknown. */
    static PublishOutcome of(@Nullable PublishOutcome outcome, @Nullable Throwable defect, String provider) {
        return outcome != null
                ? outcome
                : PublishOutcome.failed(new EventsException(
                        ErrorCode.OUTCOME_UNKNOWN,
                        "provider " + provider + " broke its promise to answer: "
                                + (defect == null
                                        ? "no outcome"
                                        : defect.getClass().getSimpleName()),
                        defect));
    }
}
