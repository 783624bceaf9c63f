package ai.greentic.events;

import java.util.Locale;

/** Which of the waiting events is delivered first, where the provider can choose. */
public enum Priority {
    LOW,
    NORMAL,
    HIGH;

    /**
     * Reads {@code low}, {@code normal} or {@code high}.
     *
     * @throws EventsException {@code INVALID_ARGUMENT} for anything else
     */
    public static Priority of(String text) {
        for (Priority priority : values()) {
            if (priority.name().toLowerCase(Locale.ROOT).equals(text)) {
                return priority;
            }
        }
        throw new EventsException(
                ErrorCode.INVALID_ARGUMENT,
                "priority is " + Text.quote(text) + "; it must be one of low, normal, high");
    }
}
