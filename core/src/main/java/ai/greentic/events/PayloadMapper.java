package ai.greentic.events;

import java.lang.reflect.Type;

/**
 * Turns application objects into JSON and back. One ships for Jackson 3 and one for Jackson 2; whichever library is on the class path is
 * used. Implementations are thread-safe.
 */
public interface PayloadMapper {
    /** Writes a value as one JSON document in UTF-8. */
    byte[] write(Object value) throws Exception;

    /** Reads one JSON document as a value of the type; null only for the document {@code null}. */
    Object read(byte[] json, Type type) throws Exception;
}
