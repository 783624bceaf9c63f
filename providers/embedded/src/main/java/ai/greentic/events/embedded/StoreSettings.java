package ai.greentic.events.embedded;

import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.SettingsSchema;
import ai.greentic.events.spi.SettingsSchema.Setting;
import ai.greentic.events.spi.SettingsSchema.Type;
import java.time.Duration;

/** The settings under {@code events.store}, read once. */
record StoreSettings(
        long maxBytes,
        long maxBytesOfTenant,
        Duration keepFor,
        long keepBytes,
        long maxTopics,
        long maxGroups,
        Duration idempotencyWindow,
        long maxKeys,
        long maxKeysOfTenant,
        long maxDeadLetters,
        long maxDeadLetterBytes,
        long maxForward,
        Duration patience) {
    static final SettingsSchema SCHEMA = SettingsSchema.of(
            Setting.of("max_bytes", Type.INTEGER, 10L << 30, "Bytes of all events that are kept; more are refused.")
                    .between(1 << 20, 1L << 44),
            Setting.of("max_bytes_of_tenant", Type.INTEGER, 5L << 30, "Bytes of one tenant's events that are kept.")
                    .between(1 << 16, 1L << 44),
            Setting.of(
                            "keep_for",
                            Type.DURATION,
                            Duration.ofDays(7),
                            "How long events that every group has settled are kept for replay.")
                    .between(0, Duration.ofDays(3660).toMillis()),
            Setting.of(
                            "keep_bytes",
                            Type.INTEGER,
                            2L << 30,
                            "Bytes beyond which the oldest events that every group has settled are removed earlier.")
                    .between(0, 1L << 44),
            Setting.of("max_topics", Type.INTEGER, 100_000L, "Topics of all tenants.")
                    .between(1, 10_000_000),
            Setting.of("max_groups", Type.INTEGER, 10_000L, "Groups of all tenants.")
                    .between(1, 1_000_000),
            Setting.of(
                            "idempotency_window",
                            Type.DURATION,
                            Duration.ofHours(36),
                            "How long an idempotency key is remembered.")
                    .between(1000, Duration.ofDays(366).toMillis()),
            Setting.of("max_keys", Type.INTEGER, 10_000_000L, "Live idempotency keys of all tenants.")
                    .between(1, 1L << 40),
            Setting.of("max_keys_of_tenant", Type.INTEGER, 2_500_000L, "Live idempotency keys of one tenant.")
                    .between(1, 1L << 40),
            Setting.of("max_dead_letters", Type.INTEGER, 1_000_000L, "Dead letters of one tenant.")
                    .between(1, 1L << 40),
            Setting.of("max_dead_letter_bytes", Type.INTEGER, 2L << 30, "Bytes of one tenant's dead letters.")
                    .between(1 << 16, 1L << 44),
            Setting.of("max_forward", Type.INTEGER, 1_000_000L, "Events that wait for their providers or their time.")
                    .between(1, 1L << 40),
            Setting.of(
                            "patience",
                            Type.DURATION,
                            Duration.ofSeconds(10),
                            "How long a process may stand still before others take over its shards.")
                    .between(1000, Duration.ofHours(1).toMillis()));

    static StoreSettings of(ProviderSettings settings) {
        return new StoreSettings(
                settings.integer("max_bytes"),
                settings.integer("max_bytes_of_tenant"),
                settings.duration("keep_for"),
                settings.integer("keep_bytes"),
                settings.integer("max_topics"),
                settings.integer("max_groups"),
                settings.duration("idempotency_window"),
                settings.integer("max_keys"),
                settings.integer("max_keys_of_tenant"),
                settings.integer("max_dead_letters"),
                settings.integer("max_dead_letter_bytes"),
                settings.integer("max_forward"),
                settings.duration("patience"));
    }
}
