package ai.greentic.events.spi;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.Topic;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
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
        DeadLetterId example) {
    private record Likeness(
            ErrorCode code, Topic topic, @Nullable String subscription) {}

    /** Groups letters, which come oldest first; the largest group first. */
    public static List<DeadLetterGroup> of(Stream<DeadLetter> letters) {
        Map<Likeness, DeadLetterGroup> groups = new LinkedHashMap<>();
        letters.forEachOrdered(letter -> {
            String subscription = letter.subscription().orElse(null);
            DeadLetterGroup one = new DeadLetterGroup(
                    letter.code(),
                    letter.reason(),
                    letter.address().topic(),
                    subscription,
                    1,
                    letter.time(),
                    letter.time(),
                    letter.id());
            groups.merge(
                    new Likeness(letter.code(), letter.address().topic(), subscription), one, DeadLetterGroup::and);
        });
        List<DeadLetterGroup> sorted = new ArrayList<>(groups.values());
        sorted.sort(Comparator.comparingLong(DeadLetterGroup::count).reversed());
        return sorted;
    }

    private DeadLetterGroup and(DeadLetterGroup next) {
        return new DeadLetterGroup(
                code, next.reason, topic, subscription, count + next.count, oldest, next.newest, next.example);
    }
}
