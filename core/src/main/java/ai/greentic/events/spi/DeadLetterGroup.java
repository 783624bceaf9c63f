package ai.greentic.events.spi;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.Topic;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Dead letters of one tenant that failed alike.
 *
 * @param code what went wrong
 * @param reason what went wrong in words, of the newest one
 * @param topic their topic
 * @param subscription whose handlers failed; null if publishing did
 * @param count how many they are
 * @param oldest when the first was parked
 * @param newest when the last was parked
 * @param example id of the newest one
 */
public record DeadLetterGroup(
        ErrorCode code,
        String reason,
        Topic topic,
        @Nullable String subscription,
        long count,
        Instant oldest,
        Instant newest,
        DeadLetterId example) {}
