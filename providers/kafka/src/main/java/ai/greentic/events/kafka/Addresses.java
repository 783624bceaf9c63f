package ai.greentic.events.kafka;

import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Whose events records are: their topic says the tenant, their header the fabric's topic. Guarded by its subscription. */
final class Addresses {
    private static final Logger LOG = LoggerFactory.getLogger(Addresses.class);
    private static final int MOST = 1_024;

    private final KafkaProvider provider;
    private final String env;
    private final Map<String, TenantTopic> known = new HashMap<>();

    Addresses(KafkaProvider provider, String env) {
        this.provider = provider;
        this.env = env;
    }

    /** Null, and it was said, if it is nobody's. */
    @Nullable
    TenantTopic of(ConsumerRecord<byte[], byte[]> read) {
        Header header = read.headers().lastHeader(KafkaProvider.TOPIC_HEADER);
        String topic = header == null ? null : new String(header.value(), StandardCharsets.UTF_8);
        TenantTopic found = known.get(read.topic() + "/" + topic);
        if (found != null) {
            return found;
        }
        Tenant tenant = provider.names.tenant(env, read.topic());
        try {
            if (topic != null && tenant != null) {
                TenantTopic address = new TenantTopic(tenant, new Topic(topic));
                if (known.size() >= MOST) {
                    known.clear();
                }
                known.put(read.topic() + "/" + topic, address);
                return address;
            }
        } catch (EventsException e) {
            // No topic of ours, so no event of ours.
        }
        LOG.error(
                "provider {}: record {} of {} is passed over: its header {} is {}",
                provider.name(),
                read.offset(),
                read.topic() + "-" + read.partition(),
                KafkaProvider.TOPIC_HEADER,
                topic);
        return null;
    }
}
