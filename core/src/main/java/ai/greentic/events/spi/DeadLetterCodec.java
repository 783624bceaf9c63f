package ai.greentic.events.spi;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventId;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Dead letters as bytes, for stores: format number 1, CRC-32C of the rest, then the fields in the order of {@link #write}; texts as length
 * and UTF-8, with length -1 for one that is missing. Id, state and number are left out: a store keeps them apart, since it looks for the
 * first and changes the others. Thread-safe.
 */
public final class DeadLetterCodec {
    private static final int FORMAT = 1;
    private static final int HEAD = 5;

    private DeadLetterCodec() {}

    public static byte[] write(DeadLetter letter) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(letter.size() + 512);
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeByte(FORMAT);
            out.writeInt(0);
            text(out, letter.address().tenant().env());
            text(out, letter.address().tenant().name());
            text(out, letter.address().topic().value());
            text(out, letter.provider());
            time(out, letter.time());
            text(out, letter.eventId().map(EventId::value).orElse(null));
            text(out, letter.subscription().orElse(null));
            out.writeBoolean(letter.ofGroup());
            out.writeInt(letter.attempts());
            out.writeInt(letter.history().size());
            for (DeadLetter.Attempt attempt : letter.history()) {
                time(out, attempt.time());
                text(out, attempt.code().name());
                text(out, attempt.text());
                text(out, attempt.host());
            }
            text(out, letter.code().name());
            text(out, letter.reason());
            DeadLetter.SequenceId sequence = letter.sequence().orElse(null);
            text(out, sequence == null ? null : sequence.group());
            text(out, sequence == null ? null : sequence.key());
            out.writeBoolean(letter.follower());
            text(out, letter.idempotencyKey().orElse(null));
            text(out, letter.traceId().orElse(null));
            out.writeInt(letter.redrives());
            byte[] encoded = letter.encoded();
            out.writeInt(encoded.length);
            out.write(encoded);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        byte[] body = bytes.toByteArray();
        ByteBuffer.wrap(body).putInt(1, checksum(body));
        return body;
    }

    private static int checksum(byte[] body) {
        CRC32C crc = new CRC32C();
        crc.update(body, HEAD, body.length - HEAD);
        return (int) crc.getValue();
    }

    /** Whether bytes are what {@link #write} wrote. */
    public static boolean isIntact(byte[] body) {
        return body.length > HEAD && body[0] == FORMAT && ByteBuffer.wrap(body).getInt(1) == checksum(body);
    }

    /** Reads what {@link #write} wrote; {@link #isIntact} has been asked before. */
    public static DeadLetter read(DeadLetterId id, DeadLetter.State state, long number, byte[] body) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(body))) {
            in.skipNBytes(HEAD);
            Tenant tenant = new Tenant(present(in), present(in));
            TenantTopic address = new TenantTopic(tenant, new Topic(present(in)));
            String provider = present(in);
            Instant time = time(in);
            String event = text(in);
            String subscription = text(in);
            boolean ofGroup = in.readBoolean();
            int attempts = in.readInt();
            List<DeadLetter.Attempt> history = new ArrayList<>();
            for (int left = in.readInt(); left > 0; left--) {
                history.add(new DeadLetter.Attempt(time(in), code(present(in)), present(in), present(in)));
            }
            ErrorCode code = code(present(in));
            String reason = present(in);
            String group = text(in);
            String key = text(in);
            boolean follower = in.readBoolean();
            String idempotencyKey = text(in);
            String traceId = text(in);
            int redrives = in.readInt();
            byte[] encoded = in.readNBytes(in.readInt());
            DeadLetter.Builder letter = DeadLetter.builder(id, address, encoded, provider, time)
                    .eventId(event == null ? null : new EventId(event))
                    .attempts(attempts, history)
                    .cause(code, reason)
                    .idempotencyKey(idempotencyKey)
                    .traceId(traceId)
                    .redrives(redrives)
                    .state(state);
            if (subscription != null) {
                letter.subscription(subscription, ofGroup);
            }
            if (group != null && key != null) {
                letter.sequence(new DeadLetter.SequenceId(address, group, key), number, follower);
            }
            return letter.build();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A code that a newer program wrote is read as the one for defects. */
    private static ErrorCode code(String name) {
        try {
            return ErrorCode.valueOf(name);
        } catch (IllegalArgumentException newer) {
            return ErrorCode.INTERNAL_ERROR;
        }
    }

    private static void time(DataOutputStream out, Instant time) throws IOException {
        out.writeLong(time.getEpochSecond());
        out.writeInt(time.getNano());
    }

    private static Instant time(DataInputStream in) throws IOException {
        return Instant.ofEpochSecond(in.readLong(), in.readInt());
    }

    private static void text(DataOutputStream out, @Nullable String text) throws IOException {
        if (text == null) {
            out.writeInt(-1);
            return;
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    private static @Nullable String text(DataInputStream in) throws IOException {
        int length = in.readInt();
        return length < 0 ? null : new String(in.readNBytes(length), StandardCharsets.UTF_8);
    }

    private static String present(DataInputStream in) throws IOException {
        String text = text(in);
        if (text == null) {
            throw new IOException("a text is missing");
        }
        return text;
    }
}
