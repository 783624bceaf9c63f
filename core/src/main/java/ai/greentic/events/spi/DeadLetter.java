package ai.greentic.events.spi;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventId;
import ai.greentic.events.TenantTopic;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A parked event: what, whose, from where, and why. {@link #toString()} shows no payload. Immutable. */
public final class DeadLetter {
    private final TenantTopic address;
    private final @Nullable EventId eventId;
    private final byte[] encoded;
    private final String provider;
    private final String subscription;
    private final int attempts;
    private final ErrorCode code;
    private final String reason;
    private final Instant time;

    /**
     * @param address tenant and topic as the transport said
     * @param eventId the event's id, or null if the bytes cannot be read
     * @param encoded the event byte for byte
     * @param provider where it came from
     * @param subscription the group, or the pattern of an ephemeral subscription
     * @param attempts handler starts
     * @param code what went wrong
     * @param reason what went wrong, in words without payload or secrets
     * @param time when it was parked
     */
    public DeadLetter(
            TenantTopic address,
            @Nullable EventId eventId,
            byte[] encoded,
            String provider,
            String subscription,
            int attempts,
            ErrorCode code,
            String reason,
            Instant time) {
        this.address = Objects.requireNonNull(address, "address");
        this.eventId = eventId;
        this.encoded = encoded.clone();
        this.provider = Objects.requireNonNull(provider, "provider");
        this.subscription = Objects.requireNonNull(subscription, "subscription");
        this.attempts = attempts;
        this.code = Objects.requireNonNull(code, "code");
        this.reason = Objects.requireNonNull(reason, "reason");
        this.time = Objects.requireNonNull(time, "time");
    }

    public TenantTopic address() {
        return address;
    }

    public Optional<EventId> eventId() {
        return Optional.ofNullable(eventId);
    }

    public byte[] encoded() {
        return encoded.clone();
    }

    public int size() {
        return encoded.length;
    }

    public String provider() {
        return provider;
    }

    public String subscription() {
        return subscription;
    }

    public int attempts() {
        return attempts;
    }

    public ErrorCode code() {
        return code;
    }

    public String reason() {
        return reason;
    }

    public Instant time() {
        return time;
    }

    @Override
    public String toString() {
        return "dead letter " + eventId + " of " + address + ": " + code + " after " + attempts + " attempts";
    }
}
