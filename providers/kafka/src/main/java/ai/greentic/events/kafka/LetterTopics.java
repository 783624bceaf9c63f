package ai.greentic.events.kafka;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterCodec;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterGroup;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.StoreScope;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;

/**
 * Dead letters of all hosts in a compacted topic for each environment. Kafka writes nothing on a condition; so a change is a record that
 * says on which condition it holds, every host judges the records in their order ({@link LetterOutlines}), and whoever wrote one waits
 * until its own host has judged it. Thread-safe; methods block on the brokers.
 */
final class LetterTopics implements DeadLetterStore {
    static final String STATE_HEADER = "Greentic-State";

    private final KafkaProvider provider;
    private final long maxLetters;
    private final Map<String, LetterTopic> topics = new HashMap<>();
    private boolean closed;

    LetterTopics(KafkaProvider provider, long maxLetters) {
        this.provider = provider;
        this.maxLetters = maxLetters;
    }

    /** The topic of an environment, made if it is missing. */
    private LetterTopic required(String env) {
        provider.topics.requireLetters(provider.names.letters(env));
        return open(env);
    }

    /** The topic of an environment; null if there is none. */
    private @Nullable LetterTopic existing(String env) {
        synchronized (topics) {
            LetterTopic known = topics.get(env);
            if (known != null) {
                return known;
            }
        }
        return provider.topics.isThere(provider.names.letters(env)) ? required(env) : null;
    }

    private LetterTopic open(String env) {
        synchronized (topics) {
            if (closed) {
                throw provider.closed();
            }
            return topics.computeIfAbsent(env, any -> new LetterTopic(provider, provider.names.letters(env), env));
        }
    }

    private <T> T ask(Tenant tenant, T missing, Function<LetterOutlines, T> question) {
        LetterTopic topic = existing(tenant.env());
        return topic == null ? missing : topic.ask(question);
    }

    // Writing.

    @Override
    public void put(DeadLetter letter) {
        Tenant tenant = letter.address().tenant();
        LetterTopic topic = required(tenant.env());
        boolean known = topic.ask(outlines -> {
            boolean there = outlines.find(tenant, letter.id()) != null;
            if (!there && outlines.count(tenant) >= maxLetters) {
                throw new EventsException(
                        ErrorCode.DEAD_LETTERS_FULL,
                        "tenant " + tenant + " has " + maxLetters + " dead letters with provider " + provider.name()
                                + ", which is all it may have (max_dead_letters); decide about some of them");
            }
            return there;
        });
        ProducerRecord<byte[], byte[]> sent = new ProducerRecord<>(
                topic.topic(), 0, LetterOutlines.letterKey(tenant, letter.id()), DeadLetterCodec.write(letter));
        sent.headers().add(STATE_HEADER, ascii(letter.state().name()));
        if (known) {
            sent.headers().add(LetterOutlines.NUMBER, ascii(Long.toString(letter.number())));
        }
        long unusedOffset = provider.send(sent, "keeping dead letter " + letter.id());
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public boolean change(Tenant tenant, DeadLetterId id, DeadLetter.State from, DeadLetter.State to) {
        return write(
                tenant,
                outline -> outline != null && outline.state() == from,
                LetterOutlines.stateKey(tenant, id),
                LetterOutlines.change(from, to),
                id);
    }

    @Override
    public boolean remove(Tenant tenant, DeadLetterId id) {
        boolean removed = write(tenant, any -> true, LetterOutlines.letterKey(tenant, id), null, id);
        if (removed) {
            // What was said of its state is of no use any more.
            long unusedOffset = provider.send(
                    new ProducerRecord<>(
                            provider.names.letters(tenant.env()), 0, LetterOutlines.stateKey(tenant, id), null),
                    "removing dead letter " + id);
        }
        return removed;
    }

    /** Writes a record about a letter that is there, and finds out whether it took effect. */
    private boolean write(
            Tenant tenant,
            Function<@Nullable DeadLetter, Boolean> worthIt,
            byte[] key,
            byte @Nullable [] value,
            DeadLetterId id) {
        LetterTopic topic = existing(tenant.env());
        if (topic == null
                || !topic.ask(outlines -> {
                    LetterOutlines.Entry entry = outlines.find(tenant, id);
                    return entry != null && worthIt.apply(entry.outline());
                })) {
            return false;
        }
        long offset = provider.send(new ProducerRecord<>(topic.topic(), 0, key, value), "changing dead letter " + id);
        Optional<Boolean> happened = topic.askAfter(offset, outlines -> Optional.ofNullable(outlines.outcome(offset)));
        return happened.orElseThrow(() -> new EventsException(
                ErrorCode.OUTCOME_UNKNOWN,
                "provider " + provider.name() + ": dead letter " + id + " may or may not have been changed"));
    }

    // Reading.

    @Override
    public Optional<DeadLetter> find(Tenant tenant, DeadLetterId id) {
        LetterTopic topic = existing(tenant.env());
        while (topic != null) {
            Optional<LetterOutlines.Entry> entry =
                    topic.ask(outlines -> Optional.ofNullable(outlines.find(tenant, id)));
            if (entry.isEmpty()) {
                return Optional.empty();
            }
            DeadLetter whole = whole(topic, tenant, id, entry.get());
            if (whole != null) {
                return Optional.of(whole);
            }
        }
        return Optional.empty();
    }

    /** The letter of an entry; null if a later record has taken its place. */
    private @Nullable DeadLetter whole(LetterTopic topic, Tenant tenant, DeadLetterId id, LetterOutlines.Entry entry) {
        DeadLetter outline = entry.outline();
        ConsumerRecord<byte[], byte[]> record = outline == null ? null : topic.record(entry.offset());
        if (outline != null && record == null) {
            return null;
        }
        DeadLetter whole = outline == null || record == null
                ? null
                : LetterOutlines.read(tenant, id, record, outline.state(), outline.number());
        if (whole == null) {
            throw new EventsException(
                    ErrorCode.STORE_CORRUPT,
                    "dead letter " + id + " with provider " + provider.name()
                            + " is damaged, or somebody else wrote record " + entry.offset() + " of topic "
                            + topic.topic()
                            + "; look at it with the brokers' own tools, and write a record of its key without a value there");
        }
        return whole;
    }

    @Override
    public List<DeadLetter> list(Tenant tenant, DeadLetterFilter filter, @Nullable DeadLetterId after, int max) {
        LetterTopic topic = existing(tenant.env());
        List<DeadLetter> found = new ArrayList<>();
        if (topic == null) {
            return found;
        }
        for (Map.Entry<DeadLetterId, LetterOutlines.Entry> one : topic.ask(outlines -> outlines.after(tenant, after))) {
            DeadLetter outline = one.getValue().outline();
            if (found.size() == max) {
                break;
            }
            if (outline == null
                    ? filter.ids().isEmpty() || filter.ids().contains(one.getKey())
                    : filter.matches(outline)) {
                DeadLetter whole = whole(topic, tenant, one.getKey(), one.getValue());
                if (whole == null) {
                    whole = find(tenant, one.getKey()).orElse(null);
                }
                if (whole != null) {
                    found.add(whole);
                }
            }
        }
        return found;
    }

    @Override
    public List<DeadLetterGroup> groups(Tenant tenant, DeadLetterFilter filter) {
        return ask(
                tenant,
                List.of(),
                outlines -> DeadLetterGroup.of(outlines.after(tenant, null).stream()
                        .map(one -> one.getValue().outline())
                        .filter(outline -> outline != null && filter.matches(outline))));
    }

    @Override
    public Optional<DeadLetter> head(DeadLetter.SequenceId sequence) {
        Tenant tenant = sequence.address().tenant();
        while (true) {
            Optional<DeadLetterId> head =
                    ask(tenant, Optional.empty(), outlines -> Optional.ofNullable(outlines.head(sequence)));
            if (head.isEmpty()) {
                return Optional.empty();
            }
            Optional<DeadLetter> letter = find(tenant, head.get());
            if (letter.isPresent()) {
                return letter;
            }
        }
    }

    @Override
    public StoreScope scope() {
        return StoreScope.SHARED;
    }

    /** Ends the threads that follow. */
    void close() {
        List<LetterTopic> open;
        synchronized (topics) {
            closed = true;
            open = List.copyOf(topics.values());
        }
        open.forEach(LetterTopic::close);
    }
}
