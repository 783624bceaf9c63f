package ai.greentic.events.kafka;

import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import ai.greentic.events.spi.SubscribeRequest.Filter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whose events records are, and whether they are wanted: their topic says the tenant, their header the fabric's topic. Guarded by its
 * subscription.
 */
final class Addresses {
    private static final Logger LOG = LoggerFactory.getLogger(Addresses.class);
    private static final int MOST = 1_024;

    private final KafkaProvider provider;
    private final String env;
    private final List<Filter> filters;
    private final Map<String, Known> known = new HashMap<>();
    /** Events of an address often follow each other. */
    private Known last = new Known("", new byte[0], null);

    /** @param wanted the address; null if no filter takes it */
    @SuppressWarnings("ArrayRecordComponent")
    private record Known(
            String topic, byte[] header, @Nullable TenantTopic wanted) {}

    Addresses(KafkaProvider provider, String env, List<Filter> filters) {
        this.provider = provider;
        this.env = env;
        this.filters = filters;
    }

    /** The address of a record that is wanted; null if it is not, or, and that was said, if it is nobody's. */
    @Nullable
    TenantTopic wanted(ConsumerRecord<byte[], byte[]> read) {
        Header found = read.headers().lastHeader(KafkaProvider.TOPIC_HEADER);
        byte[] header = found == null ? null : found.value();
        if (header == null) {
            passOver(read, null);
            return null;
        }
        if (!Arrays.equals(last.header, header) || !last.topic.equals(read.topic())) {
            String topic = new String(header, StandardCharsets.UTF_8);
            String key = read.topic() + "/" + topic;
            Known address = known.get(key);
            if (address == null) {
                TenantTopic meant = address(read, topic);
                if (meant == null) {
                    return null;
                }
                if (known.size() >= MOST) {
                    known.clear();
                }
                boolean wanted =
                        filters.stream().anyMatch(filter -> filter.pattern().matches(meant.topic()));
                address = new Known(read.topic(), header, wanted ? meant : null);
                known.put(key, address);
            }
            last = address;
        }
        return last.wanted;
    }

    private @Nullable TenantTopic address(ConsumerRecord<byte[], byte[]> read, String topic) {
        Tenant tenant = provider.names.tenant(env, read.topic());
        if (tenant != null) {
            try {
                return new TenantTopic(tenant, new Topic(topic));
            } catch (EventsException e) {
                // No topic of ours, so no event of ours.
            }
        }
        passOver(read, topic);
        return null;
    }

    private void passOver(ConsumerRecord<byte[], byte[]> read, @Nullable String topic) {
        LOG.error(
                "provider {}: record {} of {} is passed over: its header {} is {}",
                provider.name(),
                read.offset(),
                read.topic() + "-" + read.partition(),
                KafkaProvider.TOPIC_HEADER,
                topic);
    }
}
