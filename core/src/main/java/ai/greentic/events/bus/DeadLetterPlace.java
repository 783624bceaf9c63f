package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.memory.MemoryDeadLetterStore;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.StateStore;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where a bus keeps its dead letters: the host's store, that of its state directory, memory, or the transport of a provider. */
final class DeadLetterPlace {
    private static final Logger LOG = LoggerFactory.getLogger(DeadLetterPlace.class);
    /** The setting that names the provider. */
    static final String SETTING = "events.dead_letters.provider";

    @Nullable
    DeadLetterStore given;

    @Nullable
    String provider;

    boolean local;

    /** Reports wishes that do not go together. */
    void check(List<String> problems) {
        if (provider != null && local) {
            problems.add("dead letters are to stay local and to be kept by provider " + provider + " (" + SETTING
                    + "); choose one of them");
        }
        if (provider != null && given != null) {
            problems.add("the bus is given a dead-letter store and is to keep dead letters with provider " + provider
                    + " (" + SETTING + "); choose one of them");
        }
    }

    /**
     * Finds the store.
     *
     * @param started the providers that started, by qualified name
     * @param keeper the provider that is asked to keep them; null if none is, or if it did not start
     */
    DeadLetterStore open(
            Map<String, EventProvider> started, @Nullable EventProvider keeper, @Nullable StateStore state) {
        if (provider != null) {
            Optional<DeadLetterStore> store = keeper == null ? Optional.empty() : keeper.deadLetters();
            return store.orElseThrow(() -> new EventsException(
                    ErrorCode.INVALID_CONFIGURATION,
                    "dead letters are to be kept by provider " + provider + " (" + SETTING + "), "
                            + (keeper == null
                                    ? "which did not start"
                                    : "whose transport keeps none; name one on NATS JetStream or Kafka")));
        }
        if (given != null) {
            return given;
        }
        if (!local) {
            started.forEach((name, one) -> {
                if (one.deadLetters().isPresent()) {
                    LOG.info(
                            "dead letters of provider {} are kept {}, where other hosts do not see them; {} = \"{}\" shares"
                                    + " them on its transport, events.dead_letters.scope = \"local\" ends this notice",
                            name,
                            state == null ? "in memory" : "in this host's state directory",
                            SETTING,
                            name);
                }
            });
        }
        return state != null ? state.deadLetters() : new MemoryDeadLetterStore();
    }
}
