package ai.greentic.events.spi;

/**
 * What a provider declares it can do. What is missing the engine supplies or refuses with {@code UNSUPPORTED}; nothing is silently
 * weaker.
 */
public enum Capability {
    /** Accepts events. */
    PUBLISH,
    /** Delivers events. */
    SUBSCRIBE,
    /** Delivers for patterns, not just for single topics. */
    WILDCARD,
    /** Keeps the position of a group whose members compete. */
    GROUP,
    /** Events of one ordering key are delivered in the order in which they were accepted. */
    KEY_ORDER,
    /** Events of one key go to one member of a group at a time. */
    KEY_AFFINITY,
    /** All events of an address are delivered in the order in which they were accepted. */
    GLOBAL_ORDER,
    /** A batch is accepted whole, in order, or not at all. */
    ATOMIC_BATCH,
    /** A repeated event id is dropped. */
    DEDUPLICATION,
    /** A delivery given back with a delay does not return earlier. */
    DELAYED_REDELIVERY,
    /** The hold on a delivery can be prolonged. */
    EXTEND,
    /** A subscription can start at the oldest kept event. */
    REPLAY_EARLIEST,
    /** A subscription can start at a time. */
    REPLAY_TIME,
    /** A subscription can start after a position. */
    REPLAY_POSITION,
    /** An event can be accepted now and delivered later. */
    SCHEDULE,
    /** An event can expire. */
    TTL,
    /** Events can overtake by priority. */
    PRIORITY,
    /** An accepted event survives the death of the process. */
    DURABLE_PROCESS_CRASH,
    /** An accepted event survives loss of power. */
    DURABLE_POWER_LOSS
}
