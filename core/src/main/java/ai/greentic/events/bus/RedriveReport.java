package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.spi.DeadLetterId;
import java.util.List;

/**
 * What became of dead letters that were to be put back.
 *
 * @param redriven put back, or in a dry run those that would be
 * @param resolved not put back, because the event had been accepted meanwhile; the letter is gone
 * @param refused not put back and still there; each with the reason in {@link #problems}
 * @param problems one for each that was refused, the first 1,000
 */
public record RedriveReport(int redriven, int resolved, int refused, List<Problem> problems) {
    /**
     * A letter that could not be put back.
     *
     * @param letter its id
     * @param code what went wrong
     * @param reason what went wrong, in words
     */
    public record Problem(DeadLetterId letter, ErrorCode code, String reason) {}

    public RedriveReport {
        problems = List.copyOf(problems);
    }

    /** Letters looked at. */
    public int total() {
        return redriven + resolved + refused;
    }
}
