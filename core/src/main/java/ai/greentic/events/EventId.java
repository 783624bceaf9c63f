package ai.greentic.events;

/**
 * Identity of an event. One or more letters, digits, {@code .}, {@code _}, {@code -}; at most 256 characters; compared byte by byte. An
 * id may be {@code ..}: never use one as a path segment unescaped.
 */
public record EventId(String value) {
    public EventId {
        Text.identifier("event id", value);
    }

    /**
     * Returns a name that follows the rules of event ids.
     *
     * @param label what the name is, for the error's message
     * @throws EventsException {@code INVALID_ID} or {@code ID_TOO_LONG}
     */
    public static String identifier(String label, String name) {
        return Text.identifier(label, name);
    }

    @Override
    public String toString() {
        return value;
    }
}
