package ai.greentic.events.spi;

/** What became of a settlement. */
public enum SettleOutcome {
    SETTLED,
    /** The member no longer owns the delivery: another one has it or will get it. */
    LOST,
    /** No answer: the delivery may come again. */
    UNKNOWN
}
