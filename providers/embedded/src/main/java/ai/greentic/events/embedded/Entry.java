package ai.greentic.events.embedded;

/**
 * An event in the log.
 *
 * @param seq its place
 * @param address number of its address
 * @param record what is kept of it
 */
record Entry(long seq, long address, StoredEvent record) {}
