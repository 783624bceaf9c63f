package ai.greentic.events.nats;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.StartAt;
import io.nats.client.api.StreamInfo;

/** Where a subscription without a kept position begins. */
record StartingPoint(NatsProvider provider, Streams streams, String env, StartAt start) {
    /** Number of the first event. */
    long in(StreamInfo info) {
        long last = info.getStreamState().getLastSequence();
        if (start instanceof StartAt.Earliest) {
            return Math.max(1, info.getStreamState().getFirstSequence());
        }
        if (start instanceof StartAt.At at) {
            return streams.firstSince(env, at.time());
        }
        Position after =
                start instanceof StartAt.After given ? given.positions().get(provider.context.name()) : null;
        if (after == null) {
            return last + 1;
        }
        long sequence = after.opaque().matches("[0-9]{1,18}") ? Long.parseLong(after.opaque()) : -1;
        if (sequence < 0 || sequence > last) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT,
                    "'" + after.opaque() + "' is not a position of provider " + provider.context.name()
                            + ": they are numbers up to " + last);
        }
        if (sequence + 1 < info.getStreamState().getFirstSequence()) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT,
                    "provider " + provider.context.name() + " no longer keeps what follows position " + sequence
                            + ": its oldest event is " + info.getStreamState().getFirstSequence()
                            + "; start at EARLIEST, or raise its max_age");
        }
        return sequence + 1;
    }
}
