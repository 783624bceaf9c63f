package ai.greentic.events.fuzz;

import ai.greentic.events.ChannelMessage;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.codec.ChannelMessageCodec;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.runner.Operations;
import ai.greentic.events.runner.ProviderInstall;
import ai.greentic.events.runner.PublishInput;
import java.util.Arrays;

/** Everything that comes as JSON: envelopes, channel messages, requests, install records. What is read and written is the same when it is read again. */
public final class EnvelopeFuzz {
    private EnvelopeFuzz() {}

    private interface Reader {
        void read(byte[] json);
    }

    public static void fuzzerTestOneInput(byte[] input) {
        for (Reader reader : new Reader[] {
            EnvelopeFuzz::envelope,
            EnvelopeFuzz::message,
            EnvelopeFuzz::install,
            PublishInput::parse,
            Operations.SubscribeInput::parse,
            Operations.AckInput::parse
        }) {
            try {
                reader.read(input);
            } catch (EventsException refused) {
                // In words.
            }
        }
    }

    private static void envelope(byte[] json) {
        EventEnvelope event = EnvelopeCodec.STANDARD.decode(json);
        byte[] written = EnvelopeCodec.STANDARD.encode(event);
        EventEnvelope again = EnvelopeCodec.STANDARD.decode(written);
        same(event, again);
        byte[] canonical = EnvelopeCodec.STANDARD.encodeCanonical(event);
        if (!Arrays.equals(
                canonical, EnvelopeCodec.STANDARD.encodeCanonical(EnvelopeCodec.STANDARD.decode(canonical)))) {
            throw new AssertionError("the canonical form of " + event + " is not its own");
        }
    }

    private static void message(byte[] json) {
        // Whoever has no user id is given the sender's, for readers of the first generation; from then on it stays.
        ChannelMessage message = again(ChannelMessageCodec.STANDARD.decode(json));
        same(message, again(message));
    }

    private static ChannelMessage again(ChannelMessage message) {
        return ChannelMessageCodec.STANDARD.decode(ChannelMessageCodec.STANDARD.encode(message));
    }

    private static void install(byte[] json) {
        ProviderInstall install = ProviderInstall.parse(json);
        same(install, ProviderInstall.parse(install.toJson()));
    }

    private static void same(Object first, Object again) {
        if (!first.equals(again)) {
            throw new AssertionError(first + " is another one when it is read again");
        }
    }
}
