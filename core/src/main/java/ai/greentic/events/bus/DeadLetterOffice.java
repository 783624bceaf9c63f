package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.ErrorKind;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Marks;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.codec.Timestamps;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.IdempotencyKey;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.Time;
import ai.greentic.events.telemetry.Telemetry;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes dead letters: the record in the store first, which is what counts, then the copy on the dead-letter topic, which is a courtesy to
 * those who subscribe to it. A dead letter's copy never becomes a dead letter. Thread-safe; methods block on the store.
 */
final class DeadLetterOffice {
    private static final Logger LOG = LoggerFactory.getLogger(DeadLetterOffice.class);
    private static final String SUFFIX = ".dlq";

    final DeadLetterStore store;
    private final Time time;
    private final EnvelopeCodec codec;
    private final Telemetry telemetry;
    /** Takes the copy of a letter and the provider to prefer; set once the bus can publish. */
    private volatile @Nullable BiConsumer<EventEnvelope, Registration> copier;

    private long lastMillis;
    private int lastCount;

    DeadLetterOffice(DeadLetterStore store, Time time, EnvelopeCodec codec, Telemetry telemetry) {
        this.store = store;
        this.time = time;
        this.codec = codec;
        this.telemetry = telemetry;
    }

    void copyWith(BiConsumer<EventEnvelope, Registration> publisher) {
        this.copier = publisher;
    }

    /** Ids grow with time, also when the clock steps back, so that lists are in order of parking. */
    private synchronized DeadLetterId newId() {
        long millis = Math.max(lastMillis, time.now().toEpochMilli());
        lastCount = millis == lastMillis ? lastCount + 1 : 0;
        lastMillis = millis;
        return new DeadLetterId("dl-" + padded(Long.toString(millis, 36), 9)
                + padded(Integer.toString(lastCount, 36), 5)
                + padded(Long.toString(Long.remainderUnsigned(time.randomBits(), 1_679_616), 36), 4));
    }

    private static String padded(String digits, int length) {
        return "0".repeat(Math.max(0, length - digits.length())) + digits;
    }

    private DeadLetter.Builder letter(EventEnvelope event, byte[] encoded, Registration registration) {
        return DeadLetter.builder(newId(), event.address(), encoded, registration.qualifiedName(), time.now())
                .eventId(event.id())
                .traceId(Telemetry.traceId(event))
                .redrives(redrives(event));
    }

    /**
     * Parks a publish that failed for good; not one that was refused for overload, which is for its publisher to repeat more slowly.
     *
     * @return the letter's id, or null if nothing was to be kept or it could not be: the caller gets the error in any case
     */
    @Nullable
    DeadLetterId parkPublish(Publish publish, Registration registration, EventsException failure) {
        EventEnvelope event = publish.event.event();
        if (event.marks().deadLetter()
                || event.marks().redrive().isPresent()
                || failure.code() == ErrorCode.EXPIRED
                || failure.kind() == ErrorKind.OVERLOADED) {
            return null;
        }
        IdempotencyKey key = publish.event.key();
        try {
            DeadLetter letter = letter(event, publish.event.encoded(), registration)
                    .attempts(publish.attempts, publish.history)
                    .cause(failure.code(), String.valueOf(failure.getMessage()))
                    .idempotencyKey(key == null ? null : key.value())
                    .build();
            put(event, letter, registration);
            return letter.id();
        } catch (RuntimeException e) {
            LOG.error("{} failed, and its dead letter could not be kept; its publisher has the error", event, e);
            return null;
        }
    }

    /** Parks an event that was accepted, waited for its provider, and was refused by it; throws if it cannot be kept. */
    void parkForwarded(EventEnvelope event, byte[] encoded, Registration registration, EventsException failure) {
        DeadLetter letter = letter(event, encoded, registration)
                .attempts(1, List.of())
                .cause(failure.code(), String.valueOf(failure.getMessage()))
                .build();
        put(event, letter, registration);
    }

    /** Parks what waited for its provider and cannot be read any more; throws if it cannot be kept. */
    void parkUnreadable(TenantTopic address, byte[] encoded, Registration registration, String why) {
        store.put(DeadLetter.builder(newId(), address, encoded, registration.qualifiedName(), time.now())
                .cause(ErrorCode.CORRUPT_EVENT, why)
                .build());
        LOG.error("an event of {} that waited for provider {} is a dead letter: {}", address, registration, why);
    }

    /** Parks a delivery; throws if the letter cannot be kept, and then the delivery must not be acked. */
    void parkDelivery(BusDelivery delivery, Consumption consumption, ErrorCode code, String reason) {
        EventEnvelope event = delivery.event;
        if (event.marks().deadLetter()) {
            LOG.warn("{} is the copy of a dead letter; it is dropped, for the letter itself is kept", delivery);
            return;
        }
        Registration registration = delivery.leg.registration;
        DeadLetter.Builder letter = letter(event, encoded(delivery), registration)
                .subscription(consumption.name(), consumption.group())
                .attempts(delivery.attempt, delivery.history)
                .cause(code, reason);
        DeadLetter.SequenceId sequence = consumption.sequence(delivery);
        if (sequence != null) {
            DeadLetter former = former(event);
            if (former != null) {
                store.put(former.toBuilder()
                        .attempts(delivery.attempt, delivery.history)
                        .cause(code, reason)
                        .redrives(redrives(event))
                        .sequence(sequence, former.number(), false)
                        .state(DeadLetter.State.PARKED)
                        .build());
                telemetry.deadLetter(event, registration.name(), null);
                return;
            }
            letter.sequence(sequence, 0, false);
        }
        put(event, letter.build(), registration);
    }

    /** Parks an event whose key is held, behind the letters of its key; throws if it cannot be kept. */
    void parkFollower(BusDelivery delivery, Consumption consumption, DeadLetter.SequenceId sequence) {
        EventEnvelope event = delivery.event;
        DeadLetter former = former(event);
        if (former != null) {
            store.put(former.toBuilder()
                    .redrives(redrives(event))
                    .state(DeadLetter.State.PARKED)
                    .build());
            return;
        }
        store.put(letter(event, encoded(delivery), delivery.leg.registration)
                .subscription(consumption.name(), true)
                .attempts(delivery.attempt, delivery.history)
                .cause(
                        ErrorCode.KEY_BLOCKED,
                        "an earlier event of its ordering key is a dead letter that holds the key")
                .sequence(sequence, 0, true)
                .build());
        telemetry.deadLetter(event, delivery.leg.registration.name(), null);
    }

    /** The letter of a held key that an event was before it was put back; null if it was none, or it is gone. */
    private @Nullable DeadLetter former(EventEnvelope event) {
        return event.marks()
                .redrive()
                .flatMap(redrive -> store.find(event.address().tenant(), new DeadLetterId(redrive.letter())))
                .filter(letter -> letter.sequence().isPresent())
                .orElse(null);
    }

    private static int redrives(EventEnvelope event) {
        return event.marks().redrive().map(Marks.Redrive::count).orElse(0);
    }

    private byte[] encoded(BusDelivery delivery) {
        byte[] bytes = delivery.inbound.encoded();
        return bytes != null ? bytes : codec.encode(delivery.event);
    }

    /** Parks a delivery that nobody may see: its bytes are no event, or it claims to be somebody else's. Throws if it cannot be kept. */
    void quarantine(
            Registration registration,
            InboundDelivery inbound,
            Consumption consumption,
            ErrorCode code,
            String reason) {
        byte[] bytes = inbound.encoded();
        EventEnvelope event = inbound.event();
        Tenant tenant = inbound.address().tenant();
        store.put(DeadLetter.builder(
                        newId(),
                        inbound.address(),
                        bytes != null ? bytes : event == null ? new byte[0] : codec.encode(event),
                        registration.qualifiedName(),
                        time.now())
                .eventId(event == null ? null : event.id())
                .subscription(consumption.name(), consumption.group())
                .cause(code, reason)
                .build());
        telemetry.deadLetter(tenant, registration.name(), true);
    }

    private void put(EventEnvelope event, DeadLetter letter, Registration registration) {
        try {
            store.put(letter);
        } catch (RuntimeException e) {
            telemetry.deadLetter(
                    event,
                    registration.name(),
                    e instanceof EventsException known
                            ? known
                            : new EventsException(ErrorCode.INTERNAL_ERROR, "the dead-letter store failed", e));
            throw e;
        }
        telemetry.deadLetter(event, registration.name(), null);
        BiConsumer<EventEnvelope, Registration> publisher = copier;
        if (publisher != null) {
            try {
                publisher.accept(copy(event, letter, registration), registration);
            } catch (RuntimeException e) {
                copyFailed(event, registration, e);
            }
        }
    }

    void copyFailed(EventEnvelope event, Registration registration, Throwable cause) {
        telemetry.deadLetter(event.address().tenant(), registration.name(), false);
        LOG.warn("the copy of the dead letter of {} was not published; the letter itself is kept", event, cause);
    }

    /** The event on its dead-letter topic, with what went wrong in its metadata. */
    private static EventEnvelope copy(EventEnvelope event, DeadLetter letter, Registration registration) {
        String override = registration.overrides.deadLetterTopic();
        List<DeadLetter.Attempt> history = letter.history();
        Instant first = history.isEmpty() ? letter.time() : history.get(0).time();
        Instant last = history.isEmpty()
                ? letter.time()
                : history.get(history.size() - 1).time();
        Map<String, String> metadata = new TreeMap<>(event.metadata());
        String key = metadata.remove(EventEnvelope.IDEMPOTENCY_KEY);
        String original = key != null ? key : letter.idempotencyKey().orElse(null);
        if (original != null) {
            metadata.put("dlq_idempotency_key", original);
        }
        metadata.put("dlq_reason", letter.reason());
        metadata.put("dlq_original_topic", event.topic().value());
        metadata.put("dlq_provider", registration.name());
        metadata.put("dlq_attempts", Integer.toString(letter.attempts()));
        metadata.put("dlq_first_failed_at", Timestamps.format(first));
        metadata.put("dlq_last_failed_at", Timestamps.format(last));
        metadata.put("dlq_error_code", letter.code().name());
        return event.toBuilder()
                .topic(new Topic(override != null ? override : event.topic() + SUFFIX))
                .metadata(metadata)
                .marks(Marks.NONE.deadLetter(true))
                .build();
    }
}
