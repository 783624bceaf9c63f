package ai.greentic.events.access;

/** What a caller asks to do. */
public enum AccessAction {
    PUBLISH,
    SUBSCRIBE,
    /** Subscribe to events of the past. */
    REPLAY,
    DLQ_READ,
    REDRIVE,
    PURGE,
    ADMIN
}
