package ai.greentic.events.kafka;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.spi.ProviderSettings;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownMemberIdException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Topics, made or verified before they are used, and where groups stand in them. Thread-safe; every call may block. */
final class Topics implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Topics.class);
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String CLEANUP = "cleanup.policy";
    private static final String FLUSH = "flush.messages";
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(50);

    /** How long what was removed can be seen by those who were away, in milliseconds: 7 days. */
    private static final String TOMBSTONES = "604800000";

    private final KafkaProvider provider;
    private final Admin admin;
    private final ProviderSettings settings;
    /** Partitions of the topics that are known to be in order. */
    private final Map<String, Integer> known = new ConcurrentHashMap<>();

    Topics(KafkaProvider provider, Admin admin, ProviderSettings settings) {
        this.provider = provider;
        this.admin = admin;
        this.settings = settings;
    }

    void reach(Duration patience) {
        ask(
                "reaching " + settings.text("servers").orElseThrow(),
                admin.describeCluster().nodes(),
                patience);
    }

    /** Completes when a broker answers, or does not within a time. Does not wait. */
    CompletionStage<?> reachLater(Duration patience) {
        DescribeClusterOptions options = new DescribeClusterOptions().timeoutMs((int) patience.toMillis());
        return admin.describeCluster(options).nodes().toCompletionStage();
    }

    /** What a topic is for. */
    private enum Use {
        EVENTS("delete", "which removes events that nobody has read"),
        LETTERS("compact", "which removes dead letters that nobody has decided about");

        private final String policy;
        private final String danger;

        Use(String policy, String danger) {
            this.policy = policy;
            this.danger = danger;
        }
    }

    /** Sees to it that a topic for events is there; returns how many partitions it has. Blocks the first time. */
    int require(String topic) {
        return require(topic, Use.EVENTS);
    }

    /** Sees to it that a topic for dead letters is there. Blocks the first time. */
    void requireLetters(String topic) {
        int unusedPartitions = require(topic, Use.LETTERS);
    }

    /** Whether {@link #require} would not block. */
    boolean isKnown(String topic) {
        return known.containsKey(topic);
    }

    boolean isThere(String topic) {
        return known.containsKey(topic) || describe(topic) != null;
    }

    private int require(String topic, Use use) {
        Integer partitions = known.get(topic);
        if (partitions != null) {
            return partitions;
        }
        TopicDescription found = describe(topic);
        if (found == null) {
            make(topic, use);
            for (int i = 0; found == null && i < PATIENCE.dividedBy(BETWEEN_LOOKS); i++) {
                // The controller knows of it before the brokers do.
                provider.pause(BETWEEN_LOOKS);
                found = describe(topic);
            }
            if (found == null) {
                throw new EventsException(
                        ErrorCode.PROVIDER_UNAVAILABLE,
                        "provider " + provider.name() + ": topic " + topic + " was made, but no broker knows it yet");
            }
        }
        verify(topic, use);
        int count = found.partitions().size();
        // Answered as soon as the leaders know that they are.
        Map<TopicPartition, Long> unused = offsets(partitions(topic, count), OffsetSpec.latest());
        known.put(topic, count);
        return count;
    }

    /** The description, once every partition has a leader; null if there is no such topic, or not everywhere. */
    private @Nullable TopicDescription describe(String topic) {
        try {
            TopicDescription found = ask(
                            "looking at topic " + topic,
                            admin.describeTopics(List.of(topic)).allTopicNames(),
                            PATIENCE)
                    .get(topic);
            return found == null || found.partitions().stream().anyMatch(one -> one.leader() == null) ? null : found;
        } catch (EventsException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException) {
                return null;
            }
            throw e;
        }
    }

    private void make(String topic, Use use) {
        if (!settings.flag("create_topics")) {
            throw wrong(topic, "is missing: make it, or set create_topics");
        }
        long replicas = settings.integer("replicas");
        NewTopic fresh = new NewTopic(
                        topic,
                        Optional.of(use == Use.LETTERS ? 1 : (int) settings.integer("partitions")),
                        replicas == 0 ? Optional.empty() : Optional.of((short) replicas))
                .configs(configs(use));
        try {
            ask("making topic " + topic, admin.createTopics(List.of(fresh)).all(), PATIENCE);
        } catch (EventsException e) {
            if (!(e.getCause() instanceof TopicExistsException)) {
                throw e;
            }
        }
    }

    private Map<String, String> configs(Use use) {
        Map<String, String> configs = new HashMap<>();
        configs.put(CLEANUP, use.policy);
        if (use == Use.LETTERS) {
            configs.put("delete.retention.ms", TOMBSTONES);
        } else {
            configs.put(
                    "retention.ms", Long.toString(settings.duration("max_age").toMillis()));
            configs.put("message.timestamp.type", "LogAppendTime");
        }
        if (KafkaProviderFactory.survivesPowerLoss(settings)) {
            configs.put(FLUSH, "1");
        }
        long replicas = settings.integer("replicas");
        if (replicas >= 3) {
            // Or else one broker alone may answer for what it alone has.
            configs.put("min.insync.replicas", Long.toString(replicas / 2 + 1));
        }
        return configs;
    }

    private void verify(String topic, Use use) {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        Config found = ask(
                        "looking at the configuration of topic " + topic,
                        admin.describeConfigs(List.of(resource)).all(),
                        PATIENCE)
                .get(resource);
        String policy = value(found, CLEANUP);
        if (!use.policy.equals(policy)) {
            throw wrong(topic, "has the cleanup.policy " + policy + ", " + use.danger + "; set it to " + use.policy);
        }
        String flush = value(found, FLUSH);
        if (KafkaProviderFactory.survivesPowerLoss(settings) && !"1".equals(flush)) {
            throw wrong(
                    topic,
                    "has flush.messages " + flush
                            + ", so brokers answer before they sync, and durability is 'power-loss';"
                            + " set flush.messages to 1, or durability to 'process-crash'");
        }
    }

    private static @Nullable String value(@Nullable Config config, String name) {
        ConfigEntry entry = config == null ? null : config.get(name);
        return entry == null ? null : entry.value();
    }

    private EventsException wrong(String topic, String what) {
        return new EventsException(
                ErrorCode.INVALID_CONFIGURATION, "topic " + topic + " of provider " + provider.name() + " " + what);
    }

    List<TopicPartition> partitions(String topic) {
        return partitions(topic, require(topic));
    }

    private static List<TopicPartition> partitions(String topic, int count) {
        return java.util.stream.IntStream.range(0, count)
                .mapToObj(i -> new TopicPartition(topic, i))
                .toList();
    }

    /** The topics of all tenants of an environment, as far as there are any. */
    List<String> ofAllTenants(String env) {
        return ask("listing topics", admin.listTopics().names(), PATIENCE).stream()
                .filter(topic -> provider.names.tenant(env, topic) != null)
                .sorted()
                .toList();
    }

    /** Offsets of partitions as a specification says; where it says none, those of the next event to come. */
    Map<TopicPartition, Long> offsets(List<TopicPartition> partitions, OffsetSpec what) {
        Map<TopicPartition, Long> offsets = new HashMap<>();
        Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
        partitions.forEach(partition -> asked.put(partition, what));
        Map<TopicPartition, ListOffsetsResultInfo> found = asked.isEmpty()
                ? Map.of()
                : ask("reading offsets", admin.listOffsets(asked).all(), PATIENCE);
        List<TopicPartition> none = new java.util.ArrayList<>();
        found.forEach((partition, info) -> {
            if (info.offset() >= 0) {
                offsets.put(partition, info.offset());
            } else {
                none.add(partition);
            }
        });
        if (!none.isEmpty()) {
            offsets.putAll(offsets(none, OffsetSpec.latest()));
        }
        return offsets;
    }

    /** Where a group stands; nothing if nobody knows it. */
    Map<TopicPartition, OffsetAndMetadata> standing(String group) {
        Map<TopicPartition, OffsetAndMetadata> standing = new HashMap<>();
        try {
            ask(
                            "reading where group " + group + " stands",
                            admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata(),
                            PATIENCE)
                    .forEach((partition, offset) -> {
                        if (offset != null) {
                            standing.put(partition, offset);
                        }
                    });
        } catch (EventsException e) {
            if (!(e.getCause() instanceof GroupIdNotFoundException)) {
                throw e;
            }
        }
        return standing;
    }

    /** Says where a group begins; nothing happens if it has members, which have said so themselves. */
    void begin(String group, Map<TopicPartition, OffsetAndMetadata> offsets) {
        try {
            ask(
                    "beginning group " + group,
                    admin.alterConsumerGroupOffsets(group, offsets).all(),
                    PATIENCE);
        } catch (EventsException e) {
            if (!(e.getCause() instanceof UnknownMemberIdException)) {
                throw e;
            }
        }
    }

    /** Says so if retention has overtaken a group. */
    void warnOfLoss(String group, Map<TopicPartition, OffsetAndMetadata> known) {
        Map<TopicPartition, Long> oldest = offsets(List.copyOf(known.keySet()), OffsetSpec.earliest());
        known.forEach((partition, committed) -> {
            if (committed.offset() < oldest.getOrDefault(partition, 0L)) {
                LOG.warn(
                        "group {} stands at {} of {}, whose oldest event is {}: what was between is gone; raise max_age",
                        group,
                        committed.offset(),
                        partition,
                        oldest.get(partition));
            }
        });
    }

    private <T> T ask(String what, KafkaFuture<T> answer, Duration patience) {
        try {
            return answer.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw Failures.of(provider.name(), what, e, false);
        } catch (InterruptedException e) {
            throw Failures.of(provider.name(), what, e, false);
        }
    }

    @Override
    public void close() {
        admin.close(Duration.ofSeconds(5));
    }
}
