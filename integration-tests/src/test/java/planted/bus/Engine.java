package planted.bus;

import io.opentelemetry.api.trace.Span;
import planted.memory.Clocked;

/** Closes a cycle, and records spans on its own. */
public class Engine {
    Clocked clocked;
    Span span;
}
