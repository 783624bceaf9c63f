package ai.greentic.events;

/**
 * Identity of an event. One or more letters, digits, {@code .}, {@code _}, {@code -}; at most 256 characters; compared byte by byte. An
 * id may be {@code ..}: never use one as a path segment unescaped.
 */
public record EventId(String value) {
    public EventId {
        Text.identifier("event id", value);
    }

    @Override
    public String toString() {
        return value;
    }
}
