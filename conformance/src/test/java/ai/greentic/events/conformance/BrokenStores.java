package ai.greentic.events.conformance;

import ai.greentic.events.EventId;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.Tenant;
import ai.greentic.events.memory.MemoryAttemptStore;
import ai.greentic.events.memory.MemoryDeadLetterStore;
import ai.greentic.events.memory.MemoryIdempotencyStore;
import ai.greentic.events.spi.AttemptStore;
import ai.greentic.events.spi.Claim;
import ai.greentic.events.spi.Consumer;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.IdempotencyKey;
import ai.greentic.events.spi.IdempotencyStore;
import ai.greentic.events.spi.StoreScope;
import ai.greentic.events.spi.Time;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The stores in memory with one thing wrong each. */
final class BrokenStores {
    /** What is wrong, and the tests that own the promise. */
    enum Defect {
        FORGETS_COMPLETED_KEYS("P3_aCompletedKeyAnswersWithItsReceipt", "P3_agreesWithAMapOverManySteps"),
        KEEPS_ABANDONED_KEYS("P3_anAbandonedKeyIsFree"),
        TAKES_ANY_PAYLOAD("P3_anotherPayloadUnderAKeyIsSaidToBeReused"),
        FORGETS_KEYS_EARLY("P3_aKeyLivesForItsWindow"),
        DROPS_THE_HISTORY("P2_aLetterIsKeptWholeAndForTheNextProcess"),
        SKIPS_BETWEEN_PAGES("P2_pagesFitTogetherWhileLettersComeAndGo"),
        SHOWS_LETTERS_TO_ANYBODY("P4_lettersBelongToTheirTenant"),
        CHANGES_ANY_STATE("P2_aStateChangesOnceAndALetterGoesOnce"),
        FORGETS_ATTEMPTS("P8_attemptsCountOnAfterARelease"),
        MIXES_CONSUMERS_UP("P4_consumersAreApart"),
        NEVER_FORGETS_WHAT_ENDED("P8_whatEndedIsForgotten");

        private final String owners;

        Defect(String... owners) {
            this.owners = String.join(",", owners);
        }

        List<String> owners() {
            return List.of(owners.split(",", -1));
        }
    }

    private BrokenStores() {}

    static IdempotencyStore keys(Defect defect, Time time) {
        Duration window = defect == Defect.FORGETS_KEYS_EARLY ? Duration.ofHours(30) : Duration.ofHours(36);
        MemoryIdempotencyStore inner = new MemoryIdempotencyStore(time, window, 1_000_000, 250_000);
        return new IdempotencyStore() {
            @Override
            public Claim claim(IdempotencyKey key, EventId event, long payloadHash) {
                return inner.claim(key, event, defect == Defect.TAKES_ANY_PAYLOAD ? 1 : payloadHash);
            }

            @Override
            public void complete(Claim held, PublishReceipt receipt) {
                if (defect == Defect.FORGETS_COMPLETED_KEYS) {
                    inner.abandon(held);
                } else {
                    inner.complete(held, receipt);
                }
            }

            @Override
            public void abandon(Claim held) {
                if (defect == Defect.KEEPS_ABANDONED_KEYS) {
                    inner.doubt(held);
                } else {
                    inner.abandon(held);
                }
            }

            @Override
            public void doubt(Claim held) {
                inner.doubt(held);
            }

            @Override
            public StoreScope scope() {
                return inner.scope();
            }
        };
    }

    static DeadLetterStore letters(Defect defect) {
        return new DelegatingDeadLetterStore(new MemoryDeadLetterStore()) {
            @Override
            public void put(DeadLetter letter) {
                super.put(
                        defect == Defect.DROPS_THE_HISTORY
                                ? letter.toBuilder()
                                        .attempts(letter.attempts(), List.of())
                                        .build()
                                : letter);
            }

            @Override
            public Optional<DeadLetter> find(Tenant tenant, DeadLetterId id) {
                Optional<DeadLetter> found = super.find(tenant, id);
                return found.isEmpty() && defect == Defect.SHOWS_LETTERS_TO_ANYBODY
                        ? super.find(StoreConformance.ACME, id)
                        : found;
            }

            @Override
            public List<DeadLetter> list(
                    Tenant tenant, DeadLetterFilter filter, @Nullable DeadLetterId after, int max) {
                List<DeadLetter> page = super.list(tenant, filter, after, max);
                return defect == Defect.SKIPS_BETWEEN_PAGES && after != null && page.size() > 1
                        ? page.subList(1, page.size())
                        : page;
            }

            @Override
            public boolean change(Tenant tenant, DeadLetterId id, DeadLetter.State from, DeadLetter.State to) {
                return super.change(tenant, id, from, to) || defect == Defect.CHANGES_ANY_STATE;
            }
        };
    }

    static AttemptStore attempts(Defect defect) {
        MemoryAttemptStore inner = new MemoryAttemptStore();
        return new AttemptStore() {
            private Consumer shown(Consumer consumer) {
                return defect == Defect.MIXES_CONSUMERS_UP
                        ? new Consumer(consumer.scope(), "one for all", consumer.provider())
                        : consumer;
            }

            @Override
            public Map<EventId, Known> taken(Consumer consumer, Collection<EventId> events) {
                return inner.taken(shown(consumer), events);
            }

            @Override
            public void attempted(Consumer consumer, EventId event, int attempts) {
                inner.attempted(shown(consumer), event, attempts);
            }

            @Override
            public void released(Consumer consumer, EventId event, int attempts) {
                inner.released(shown(consumer), event, defect == Defect.FORGETS_ATTEMPTS ? 0 : attempts);
            }

            @Override
            public void ended(Consumer consumer, Collection<EventId> events) {
                if (defect != Defect.NEVER_FORGETS_WHAT_ENDED) {
                    inner.ended(shown(consumer), events);
                }
            }

            @Override
            public StoreScope scope() {
                return inner.scope();
            }
        };
    }
}
