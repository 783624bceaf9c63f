package ai.greentic.events;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The one operational exception of the fabric. {@link #code()} is stable and meant for programs, the message is meant for people: it
 * says what failed, on what, why, and what to do. Neither ever holds a payload or a secret.
 */
public final class EventsException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ErrorCode code;
    private final String[] problems;

    public EventsException(ErrorCode code, String message) {
        this(code, message, null);
    }

    public EventsException(ErrorCode code, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.code = Objects.requireNonNull(code, "code");
        this.problems = new String[] {message};
    }

    private EventsException(String headline, List<String> problems, ErrorCode code) {
        super(render(headline, problems));
        this.code = code;
        this.problems = problems.toArray(String[]::new);
    }

    /** One exception for several problems found together, so that the user repairs them in one go. */
    public static EventsException several(ErrorCode code, String headline, List<String> problems) {
        return new EventsException(headline, problems, code);
    }

    private static String render(String headline, List<String> problems) {
        StringBuilder text = new StringBuilder(headline);
        problems.forEach(problem -> text.append("\n- ").append(problem));
        return text.toString();
    }

    public ErrorCode code() {
        return code;
    }

    public ErrorKind kind() {
        return code.kind();
    }

    /** Every problem that was found; one entry, the message, unless several were reported together. */
    public List<String> problems() {
        return List.of(problems);
    }
}
