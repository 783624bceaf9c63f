package ai.greentic.events.nats;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterCodec;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterGroup;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.StoreScope;
import io.nats.client.JetStreamApiException;
import io.nats.client.PublishOptions;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.MessageInfo;
import io.nats.client.api.RetentionPolicy;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import io.nats.client.api.StreamInfo;
import io.nats.client.api.StreamInfoOptions;
import io.nats.client.impl.Headers;
import io.nats.client.impl.NatsMessage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Dead letters of all hosts in a stream for each environment, one message for each letter. A letter's subject holds its id and what stands
 * for its held key; its state and number are headers. A letter without number is as it was first put: the stream's own number is its
 * number, which makes the order of a sequence that of its coming without anybody counting. What changes a letter names the message that
 * it replaces, so of two who change it one succeeds. Every request asks the stream's leader. Thread-safe; methods block on the server.
 */
final class LetterStream implements DeadLetterStore {
    private static final String STATE = "Greentic-State";
    private static final String NUMBER = "Greentic-Number";
    private static final String NO_SEQUENCE = "-";
    private static final String ANY = "*";
    /** For how long a tenant's letters are not counted again. */
    private static final long RECOUNT_NANOS = 5_000_000_000L;

    /** Tries to remove a letter that others change at the same time. */
    private static final int REMOVALS = 100;

    private final NatsProvider provider;
    private final long maxLetters;
    private final long maxBytes;
    private final int replicas;
    private final boolean create;
    private final Map<Tenant, Count> counts = new ConcurrentHashMap<>();

    /** A letter and the message that holds it. */
    private record Kept(DeadLetter letter, long sequence, String subject) {}

    /** How many letters a tenant had when they were counted, and was given since. */
    private record Count(long letters, long countedNanos) {}

    /** A request to the server. */
    private interface Request<T> {
        T make() throws IOException, JetStreamApiException;
    }

    LetterStream(NatsProvider provider, ProviderSettings settings) {
        this.provider = provider;
        this.maxLetters = settings.integer("max_dead_letters");
        this.maxBytes = settings.integer("max_dead_letter_bytes");
        this.replicas = (int) settings.integer("replicas");
        this.create = settings.flag("create_streams");
    }

    // The stream.

    private String stream(Tenant tenant) {
        return provider.subjects.letters(tenant.env());
    }

    private <T> T ask(String what, Request<T> request) {
        try {
            return request.make();
        } catch (IOException | JetStreamApiException | IllegalStateException e) {
            throw failed(what, e);
        }
    }

    private EventsException failed(String what, Exception e) {
        EventsException failure = Failures.of(provider.context.name(), what, e, false);
        return failure.code() == ErrorCode.PROVIDER_FULL
                ? new EventsException(
                        ErrorCode.DEAD_LETTERS_FULL,
                        "provider " + provider.context.name() + ": " + what
                                + " failed, for its stream is full; decide about some dead letters, or raise the"
                                + " provider's max_dead_letter_bytes",
                        e)
                : failure;
    }

    private void require(Tenant tenant) {
        String name = stream(tenant);
        Streams streams = provider.streams();
        if (streams.isTrusted(name)) {
            return;
        }
        String server = streams.server();
        StreamInfo info = ask("looking at stream " + name, () -> info(name, tenant.env()));
        StreamConfiguration found = info.getConfiguration();
        String wrong = found.getMaxMsgsPerSubject() != 1
                ? "keeps several messages of a subject; set max_msgs_per_subject to 1"
                : found.getMaxAge().isZero() ? "" : "forgets letters by age; set its max_age to 0";
        if (!wrong.isEmpty()) {
            throw streams.wrong(name, wrong);
        }
        streams.requireDurable(info);
        streams.trust(name, server);
    }

    private StreamInfo info(String name, String env) throws IOException, JetStreamApiException {
        try {
            return provider.streams().management().getStreamInfo(name);
        } catch (JetStreamApiException e) {
            if (!Failures.isStreamMissing(e)) {
                throw e;
            }
        }
        if (!create) {
            throw provider.streams()
                    .wrong(
                            name,
                            "for dead letters is missing: make it with the subject " + provider.subjects.allLetters(env)
                                    + ", or set create_streams");
        }
        return provider.streams()
                .management()
                .addStream(StreamConfiguration.builder()
                        .name(name)
                        .subjects(provider.subjects.allLetters(env))
                        .storageType(StorageType.File)
                        .retentionPolicy(RetentionPolicy.Limits)
                        .discardPolicy(DiscardPolicy.New)
                        .maxMessagesPerSubject(1)
                        .maxBytes(maxBytes)
                        .replicas(replicas)
                        .build());
    }

    // Writing.

    @Override
    public void put(DeadLetter letter) {
        Tenant tenant = letter.address().tenant();
        require(tenant);
        refuseIfFull(tenant);
        String subject = provider.subjects.letter(
                tenant,
                Subjects.token(letter.id().value()),
                letter.sequence().map(LetterStream::token).orElse(NO_SEQUENCE));
        // First as a new letter, which gets its number from the stream.
        if (!write(letter, subject, null, 0)) {
            write(letter, subject, letter.number(), null);
        }
    }

    /**
     * Writes a letter.
     *
     * @param number its number; null to take the message's
     * @param replaced number of the message that this one replaces, 0 for none; null for any
     * @return whether the message to replace was the one that is there
     */
    private boolean write(DeadLetter letter, String subject, @Nullable Long number, @Nullable Number replaced) {
        Headers headers = new Headers().put(STATE, letter.state().name());
        if (number != null) {
            headers.put(NUMBER, Long.toString(number));
        }
        PublishOptions.Builder options =
                PublishOptions.builder().expectedStream(stream(letter.address().tenant()));
        if (replaced != null) {
            options.expectedLastSubjectSequence(replaced.longValue());
        }
        try {
            var unused = provider.jetStream()
                    .publish(
                            NatsMessage.builder()
                                    .subject(subject)
                                    .headers(headers)
                                    .data(DeadLetterCodec.write(letter))
                                    .build(),
                            options.build());
            return true;
        } catch (JetStreamApiException e) {
            if (Failures.isConflict(e)) {
                return false;
            }
            provider.streams().doubt(stream(letter.address().tenant()));
            throw failed("keeping dead letter " + letter.id(), e);
        } catch (IOException | IllegalStateException e) {
            provider.streams().doubt(stream(letter.address().tenant()));
            throw failed("keeping dead letter " + letter.id(), e);
        }
    }

    private void refuseIfFull(Tenant tenant) {
        long now = provider.context.time().nanos();
        Count known = counts.get(tenant);
        Count count = known != null && now - known.countedNanos < RECOUNT_NANOS && known.letters < maxLetters
                ? known
                : new Count(subjects(tenant, ANY, ANY).size(), now);
        long letters = count.letters;
        if (letters >= maxLetters) {
            throw new EventsException(
                    ErrorCode.DEAD_LETTERS_FULL,
                    "tenant " + tenant + " has " + letters + " dead letters with provider " + provider.context.name()
                            + ", of " + maxLetters + " (max_dead_letters); decide about some of them");
        }
        counts.put(tenant, new Count(letters + 1, count.countedNanos));
        if (counts.size() > 10_000) {
            counts.clear();
        }
    }

    @Override
    public boolean change(Tenant tenant, DeadLetterId id, DeadLetter.State from, DeadLetter.State to) {
        while (true) {
            Kept kept = kept(tenant, Subjects.token(id.value()));
            if (kept == null || kept.letter.state() != from) {
                return false;
            }
            DeadLetter changed = kept.letter.toBuilder().state(to).build();
            if (write(changed, kept.subject, changed.number(), kept.sequence)) {
                return true;
            }
        }
    }

    @Override
    public boolean remove(Tenant tenant, DeadLetterId id) {
        for (int tries = 1; ; tries++) {
            Kept kept = kept(tenant, Subjects.token(id.value()));
            if (kept == null) {
                return false;
            }
            try {
                if (provider.streams().management().deleteMessage(stream(tenant), kept.sequence, false)) {
                    return true;
                }
            } catch (JetStreamApiException e) {
                // It was removed meanwhile, or changed, in which case another message is to be removed.
                if (!Failures.isMessageMissing(e) && !Failures.isDeletionRefused(e) || tries == REMOVALS) {
                    throw failed("removing dead letter " + id, e);
                }
            } catch (IOException | IllegalStateException e) {
                throw failed("removing dead letter " + id, e);
            }
        }
    }

    // Reading.

    @Override
    public Optional<DeadLetter> find(Tenant tenant, DeadLetterId id) {
        return Optional.ofNullable(kept(tenant, Subjects.token(id.value()))).map(Kept::letter);
    }

    private @Nullable Kept kept(Tenant tenant, String id) {
        String subject = provider.subjects.letter(tenant, id, ANY);
        try {
            MessageInfo found = provider.streams().management().getLastMessage(stream(tenant), subject);
            return new Kept(letter(tenant, id, found), found.getSeq(), Objects.requireNonNull(found.getSubject()));
        } catch (JetStreamApiException e) {
            if (Failures.isMessageMissing(e) || Failures.isStreamMissing(e)) {
                return null;
            }
            throw failed("reading dead letter " + id, e);
        } catch (IOException | IllegalStateException e) {
            throw failed("reading dead letter " + id, e);
        }
    }

    private DeadLetter letter(Tenant tenant, String id, MessageInfo message) {
        byte[] body = message.getData();
        Headers headers = message.getHeaders();
        String number = headers == null ? null : headers.getFirst(NUMBER);
        try {
            if (body != null && headers != null && DeadLetterCodec.isIntact(body)) {
                DeadLetter letter = DeadLetterCodec.read(
                        new DeadLetterId(Subjects.plain(id)),
                        DeadLetter.State.valueOf(String.valueOf(headers.getFirst(STATE))),
                        number == null ? message.getSeq() : Long.parseLong(number),
                        body);
                if (letter.address().tenant().equals(tenant)) {
                    return letter;
                }
            }
        } catch (IllegalArgumentException e) {
            throw damaged(id, message, e);
        }
        throw damaged(id, message, null);
    }

    private EventsException damaged(String id, MessageInfo message, @Nullable Exception why) {
        return new EventsException(
                ErrorCode.STORE_CORRUPT,
                "dead letter " + id + " with provider " + provider.context.name()
                        + " is damaged, or somebody else wrote message "
                        + message.getSeq() + " of stream " + message.getStream()
                        + "; look at it with the server's own tools and delete it there",
                why);
    }

    /** Subjects that there are, as ids in order. */
    private List<String> subjects(Tenant tenant, String id, String sequence) {
        String filter = provider.subjects.letter(tenant, id, sequence);
        String name = stream(tenant);
        Map<String, Long> subjects = ask("listing dead letters", () -> {
            try {
                StreamInfo info =
                        provider.streams().management().getStreamInfo(name, StreamInfoOptions.filterSubjects(filter));
                return Objects.requireNonNullElse(info.getStreamState().getSubjectMap(), Map.of());
            } catch (JetStreamApiException e) {
                if (Failures.isStreamMissing(e)) {
                    return Map.of();
                }
                throw e;
            }
        });
        List<String> ids = new ArrayList<>();
        for (String subject : subjects.keySet()) {
            String[] tokens = subject.split("\\.", -1);
            ids.add(tokens[tokens.length - 2]);
        }
        ids.sort(Comparator.comparing(Subjects::plain));
        return ids;
    }

    /** The letters of a tenant one by one, oldest first; those that go meanwhile are left out. */
    private Stream<DeadLetter> letters(Tenant tenant, DeadLetterFilter filter, @Nullable DeadLetterId after) {
        return subjects(tenant, ANY, ANY).stream()
                .filter(id -> {
                    DeadLetterId plain = new DeadLetterId(Subjects.plain(id));
                    return (after == null || plain.compareTo(after) > 0)
                            && (filter.ids().isEmpty() || filter.ids().contains(plain));
                })
                .map(id -> kept(tenant, id))
                .filter(Objects::nonNull)
                .map(Kept::letter)
                .filter(filter::matches);
    }

    @Override
    public List<DeadLetter> list(Tenant tenant, DeadLetterFilter filter, @Nullable DeadLetterId after, int max) {
        return letters(tenant, filter, after).limit(max).toList();
    }

    @Override
    public List<DeadLetterGroup> groups(Tenant tenant, DeadLetterFilter filter) {
        return DeadLetterGroup.of(letters(tenant, filter, null));
    }

    @Override
    public Optional<DeadLetter> head(DeadLetter.SequenceId sequence) {
        Tenant tenant = sequence.address().tenant();
        return subjects(tenant, ANY, token(sequence)).stream()
                .map(id -> kept(tenant, id))
                .filter(Objects::nonNull)
                .map(Kept::letter)
                .filter(letter -> letter.sequence().filter(sequence::equals).isPresent())
                .min(Comparator.comparingLong(DeadLetter::number));
    }

    /** What stands for a held key in subjects: 128 bits of the SHA-256 of its parts, each with its length before it. */
    private static String token(DeadLetter.SequenceId sequence) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (String part : List.of(sequence.address().topic().value(), sequence.group(), sequence.key())) {
                byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
                digest.update((bytes.length + ":").getBytes(StandardCharsets.US_ASCII));
                digest.update(bytes);
            }
            return HexFormat.of().formatHex(Arrays.copyOf(digest.digest(), 16));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    @Override
    public StoreScope scope() {
        return StoreScope.SHARED;
    }
}
