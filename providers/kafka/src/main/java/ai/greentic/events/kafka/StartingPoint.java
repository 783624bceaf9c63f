package ai.greentic.events.kafka;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/** Where a subscription without a kept position begins. */
record StartingPoint(KafkaProvider provider, TenantScope scope, StartAt start) {
    /** Offsets of the first events. */
    Map<TopicPartition, Long> in(List<TopicPartition> partitions) {
        if (start instanceof StartAt.Earliest) {
            return provider.topics.offsets(partitions, OffsetSpec.earliest());
        }
        if (start instanceof StartAt.At at) {
            return provider.topics.offsets(
                    partitions, OffsetSpec.forTimestamp(at.time().toEpochMilli()));
        }
        Position after =
                start instanceof StartAt.After given ? given.positions().get(provider.name()) : null;
        return after == null
                ? provider.topics.offsets(partitions, OffsetSpec.latest())
                : startsAfter(after, partitions);
    }

    /** After an event in its own partition; in the others, where events of its time begin. */
    private Map<TopicPartition, Long> startsAfter(Position after, List<TopicPartition> partitions) {
        if (!after.opaque().matches("[0-9]{1,6}:[0-9]{1,18}") || !(scope instanceof TenantContext)) {
            throw notAPosition(after);
        }
        int colon = after.opaque().indexOf(':');
        int number = Integer.parseInt(after.opaque().substring(0, colon));
        long offset = Long.parseLong(after.opaque().substring(colon + 1));
        TopicPartition own = partitions.stream()
                .filter(partition -> partition.partition() == number)
                .findFirst()
                .orElseThrow(() -> notAPosition(after));
        long end = provider.topics.offsets(List.of(own), OffsetSpec.latest()).getOrDefault(own, 0L);
        long oldest =
                provider.topics.offsets(List.of(own), OffsetSpec.earliest()).getOrDefault(own, 0L);
        if (offset >= end) {
            throw notAPosition(after);
        }
        if (offset < oldest) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT,
                    "provider " + provider.name() + " no longer keeps what is at position " + after.opaque()
                            + ": the oldest event of its partition is " + oldest
                            + "; start at EARLIEST, or raise its max_age");
        }
        long accepted = timestamp(own, offset);
        Map<TopicPartition, Long> starts =
                new HashMap<>(provider.topics.offsets(partitions, OffsetSpec.forTimestamp(accepted)));
        starts.put(own, offset + 1);
        return starts;
    }

    private EventsException notAPosition(Position after) {
        return new EventsException(
                ErrorCode.INVALID_ARGUMENT,
                "'" + after.opaque() + "' is not a position of provider " + provider.name() + " for " + scope
                        + ": they are PARTITION:OFFSET, as receipts have them");
    }

    private long timestamp(TopicPartition partition, long offset) {
        try (KafkaConsumer<byte[], byte[]> reading = provider.consumer(null)) {
            reading.assign(List.of(partition));
            reading.seek(partition, offset);
            for (int i = 0; i < 100; i++) {
                for (ConsumerRecord<byte[], byte[]> read : reading.poll(Duration.ofMillis(100))) {
                    return read.timestamp();
                }
            }
        }
        throw new EventsException(
                ErrorCode.PROVIDER_UNAVAILABLE,
                "provider " + provider.name() + ": the event at " + partition + ":" + offset + " could not be read");
    }
}
