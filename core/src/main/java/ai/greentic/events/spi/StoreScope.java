package ai.greentic.events.spi;

/** How far the promises of a store reach. */
public enum StoreScope {
    /** This process, while it lives. */
    PROCESS,
    /** Every process that opens the same directory. */
    DIRECTORY,
    /** Every process that reaches the same server. */
    SHARED
}
