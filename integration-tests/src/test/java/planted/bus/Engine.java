package planted.bus;

import planted.memory.Clocked;

/** Closes a cycle. */
public class Engine {
    Clocked clocked;
}
