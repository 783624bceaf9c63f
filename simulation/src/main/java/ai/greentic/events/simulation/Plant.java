package ai.greentic.events.simulation;

/** A defect put into the simulated world on purpose, to know that the checkers would find it. */
enum Plant {
    NOTHING,
    /** An accepted event is thrown away now and then (P1). */
    LOSE_ACCEPTED,
    /** A dead letter is thrown away now and then (P2). */
    LOSE_LETTERS,
    /** Completed idempotency keys are forgotten (P3). */
    FORGET_KEYS,
    /** While an event of a shard fails, the others of the shard wait (P7). */
    BLOCK_SHARDS,
    /** A delivery claims to be of another tenant (P4). */
    MIX_UP_TENANTS,
    /** Two events of a key change places on their way (P6). */
    REORDER,
    /** An event comes back at once whatever delay was asked for (P8). */
    REDELIVER_EARLY,
    /** A subscription hears nothing more after a partition (P9). */
    GO_DEAF,
    /** A payload changes on its way (P11). */
    CHANGE_PAYLOADS
}
