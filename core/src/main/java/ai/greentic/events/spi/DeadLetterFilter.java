package ai.greentic.events.spi;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.TopicPattern;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Which of a tenant's dead letters. Immutable: every method with an argument returns a changed copy. */
public final class DeadLetterFilter {
    /** All of them. */
    public static final DeadLetterFilter ALL = new DeadLetterFilter(null, Set.of(), null, null, null, Set.of());

    private final @Nullable TopicPattern topics;
    private final Set<ErrorCode> codes;
    private final @Nullable String subscription;
    private final @Nullable Instant from;
    private final @Nullable Instant to;
    private final Set<DeadLetterId> ids;

    private DeadLetterFilter(
            @Nullable TopicPattern topics,
            Set<ErrorCode> codes,
            @Nullable String subscription,
            @Nullable Instant from,
            @Nullable Instant to,
            Set<DeadLetterId> ids) {
        this.topics = topics;
        this.codes = Set.copyOf(codes);
        this.subscription = subscription;
        this.from = from;
        this.to = to;
        this.ids = Set.copyOf(ids);
    }

    /** Those whose topic matches. */
    public DeadLetterFilter topics(TopicPattern pattern) {
        return new DeadLetterFilter(Objects.requireNonNull(pattern), codes, subscription, from, to, ids);
    }

    /** Those with one of these codes. */
    public DeadLetterFilter codes(Set<ErrorCode> which) {
        return new DeadLetterFilter(topics, which, subscription, from, to, ids);
    }

    /** Those of a group, or of the ephemeral subscriptions with this pattern. */
    public DeadLetterFilter subscription(String name) {
        return new DeadLetterFilter(topics, codes, Objects.requireNonNull(name), from, to, ids);
    }

    /** Those parked at or after a time. */
    public DeadLetterFilter from(Instant time) {
        return new DeadLetterFilter(topics, codes, subscription, Objects.requireNonNull(time), to, ids);
    }

    /** Those parked before a time. */
    public DeadLetterFilter to(Instant time) {
        return new DeadLetterFilter(topics, codes, subscription, from, Objects.requireNonNull(time), ids);
    }

    /** Those with one of these ids. */
    public DeadLetterFilter ids(Set<DeadLetterId> which) {
        return new DeadLetterFilter(topics, codes, subscription, from, to, which);
    }

    public Optional<TopicPattern> topics() {
        return Optional.ofNullable(topics);
    }

    public Set<ErrorCode> codes() {
        return codes;
    }

    public Optional<String> subscription() {
        return Optional.ofNullable(subscription);
    }

    public Optional<Instant> from() {
        return Optional.ofNullable(from);
    }

    public Optional<Instant> to() {
        return Optional.ofNullable(to);
    }

    public Set<DeadLetterId> ids() {
        return ids;
    }

    /** Whether a letter is one of them. */
    public boolean matches(DeadLetter letter) {
        return (topics == null || topics.matches(letter.address().topic()))
                && (codes.isEmpty() || codes.contains(letter.code()))
                && (subscription == null
                        || letter.subscription().filter(subscription::equals).isPresent())
                && (from == null || !letter.time().isBefore(from))
                && (to == null || letter.time().isBefore(to))
                && (ids.isEmpty() || ids.contains(letter.id()));
    }
}
