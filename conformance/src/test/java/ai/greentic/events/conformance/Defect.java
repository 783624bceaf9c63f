package ai.greentic.events.conformance;

import java.util.List;

/** What a broken provider does wrong, and the tests that own the promise which it breaks. */
enum Defect {
    SHARES_POSITIONS_BETWEEN_TENANTS("Tenancy.P4_everyVerbStaysWithItsTenant"),
    SHARES_POSITIONS_BETWEEN_GROUPS("Groups.P9_groupsDoNotTakeFromEachOther"),
    ACKS_EARLY(
            "Acknowledge.P9_whatIsNotAckedComesAgainAndWhatIsAckedDoesNot",
            "Acknowledge.P9_whatAClosedMemberHeldGoesToAnother"),
    REORDERS("Order.P6_effectsOfAKeyComeInOrderThroughFailuresDelaysAndARestart", "Capabilities.keyOrder"),
    LOSES_ON_CLOSE("Acknowledge.P9_whatAClosedMemberHeldGoesToAnother"),
    REPORTS_SUCCESS_ON_FAILURE("Publish.P1_manyPublishersAndHandlersLoseNothing"),
    SWALLOWS_A_FULL_PROVIDER("Limits.P10_aBacklogIsKeptOrRefusedAndNothingAcceptedIsLost"),
    REDELIVERS_EARLY("Capabilities.delayedRedelivery"),
    DUPLICATES_SILENTLY("Publish.P1_manyPublishersAndHandlersLoseNothing"),
    IGNORES_THE_START("Capabilities.replayEarliest", "Capabilities.replayTime", "Capabilities.replayPosition"),
    STARTS_LATE("Subscribe.P9_fromReadyOnNothingIsMissedAndNothingOldComes"),
    HANGS_ON_CLOSE("Lifecycle.P12_aProviderClosesTwiceAndSoonAlsoWhileSomebodyPolls"),
    SETTLES_WHAT_IT_LOST("Acknowledge.P6_whoLeftCannotSettle"),
    EXTENDS_WHAT_IS_SETTLED("Capabilities.extend"),
    GOES_DEAF("Subscribe.P9_everyEphemeralSubscriptionGetsEverything"),
    NEVER_GIVES_A_SHARD_UP("Groups.P9_membersShareTheWork"),
    LEAVES_A_THREAD("Capabilities.subscribe"),
    LOGS_AN_ERROR_AND_GOES_ON("Capabilities.subscribe"),
    LOGS_PAYLOADS("Errors.P13_payloadsAreNotLogged"),
    ROUNDS_NUMBERS("Publish.P11_everythingArrivesAsItWasSent"),
    DROPS_METADATA("Publish.P11_everythingArrivesAsItWasSent"),
    DELIVERS_BEFORE_ITS_TIME("Capabilities.schedule", "Timers.P8_scheduledEventsAreNeverEarlyWhateverTheClockDoes"),
    DECLARES_TOO_MUCH("Capabilities.deduplication"),
    TAKES_ANY_POSITION("Errors.P14_nonsensePositionsAreRefused"),
    MATCHES_TOO_LITTLE("Subscribe.P5_aPatternGetsItsTopicsAndNoOthers", "Capabilities.wildcard"),
    TAKES_ANY_PATTERN_FOR_A_GROUP("Groups.P14_anotherPatternUnderAKeptPositionIsRefused");

    private final String owners;

    Defect(String... owners) {
        this.owners = String.join(",", owners);
    }

    /** Names of tests, as {@code Group.method}. */
    List<String> owners() {
        return List.of(owners.split(",", -1));
    }
}
