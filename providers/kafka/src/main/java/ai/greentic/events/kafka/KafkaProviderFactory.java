package ai.greentic.events.kafka;

import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderFactory;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.SettingsSchema;
import ai.greentic.events.spi.SettingsSchema.Setting;
import ai.greentic.events.spi.SettingsSchema.Type;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;

/** Transport {@code kafka}: a topic for each tenant. */
public final class KafkaProviderFactory implements ProviderFactory {
    private static final SettingsSchema SETTINGS = SettingsSchema.of(
            Setting.of("servers", Type.TEXT, null, "Brokers to ask first, HOST:PORT separated by commas.")
                    .mandatory(),
            Setting.of("user", Type.TEXT, null, "Name of the user, where brokers ask for one."),
            Setting.of("password", Type.TEXT, null, "Password of the user.").withSecrecy(),
            Setting.of("mechanism", Type.TEXT, "SCRAM-SHA-512", "How the password is shown to the brokers.")
                    .amongst("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
            Setting.of("tls", Type.FLAG, false, "Whether connections are encrypted."),
            Setting.of(
                    "trusted_certificates",
                    Type.TEXT,
                    null,
                    "Certificates that brokers are believed by, as PEM; file:PATH reads them. Default: those of the JVM."),
            Setting.of(
                    "certificate",
                    Type.TEXT,
                    null,
                    "Chain of this client's own certificate, as PEM; file:PATH reads it."),
            Setting.of(
                            "certificate_key",
                            Type.TEXT,
                            null,
                            "Private key of that certificate, as PEM; file:PATH reads it.")
                    .withSecrecy(),
            Setting.of(
                            "startup",
                            Type.TEXT,
                            "fail",
                            "What happens when no broker answers at the start: fail, or wait in the background.")
                    .amongst("fail", "wait"),
            Setting.of(
                    "topic",
                    Type.TEXT,
                    "greentic-v1-{env}-{tenant}",
                    "Name of a tenant's topic; {env} and {tenant} occur once each, with letters, digits, dots or dashes around them."),
            Setting.of(
                            "partitions",
                            Type.INTEGER,
                            16L,
                            "Partitions of a topic that is made: so many members of a group work at a time. Never change those of a topic in use, since keys would move.")
                    .between(1, 1_000),
            Setting.of(
                            "replicas",
                            Type.INTEGER,
                            0L,
                            "Brokers that keep a copy of a topic that is made; 0 for what the brokers say. Of 3 and more, most must have an event before it is accepted.")
                    .between(0, 10),
            Setting.of("max_age", Type.DURATION, "7d", "How long a topic that is made keeps an event.")
                    .between(1_000, Duration.ofDays(3660).toMillis()),
            Setting.of(
                            "delivery_timeout",
                            Type.DURATION,
                            "30s",
                            "After which an accepted event without an answer is given up.")
                    .between(1_000, Duration.ofHours(1).toMillis()),
            Setting.of(
                            "member_timeout",
                            Type.DURATION,
                            "10s",
                            "After which silence the others of a group take over from a member.")
                    .between(1_000, Duration.ofMinutes(10).toMillis()),
            Setting.of(
                            "max_dead_letters",
                            Type.INTEGER,
                            100_000L,
                            "Dead letters of one tenant that are kept, where they are kept here; every host has an outline of each in memory.")
                    .between(1, 10_000_000),
            Setting.of(
                            "durability",
                            Type.TEXT,
                            "process-crash",
                            "What accepted events survive: process-crash, or power-loss of every broker at once, for which topics have flush.messages=1, made so or verified.")
                    .amongst("process-crash", "power-loss"),
            Setting.of(
                    "create_topics", Type.FLAG, true, "Whether a missing topic is made; otherwise it must be there."));

    /** For {@link java.util.ServiceLoader}. */
    public KafkaProviderFactory() {}

    @Override
    public String transport() {
        return "kafka";
    }

    @Override
    public SettingsSchema settings() {
        return SETTINGS;
    }

    @Override
    public Set<Capability> capabilities(ProviderSettings settings) {
        Set<Capability> capabilities = EnumSet.of(
                Capability.PUBLISH,
                Capability.SUBSCRIBE,
                Capability.WILDCARD,
                Capability.GROUP,
                Capability.KEY_ORDER,
                Capability.KEY_AFFINITY,
                Capability.DELAYED_REDELIVERY,
                Capability.EXTEND,
                Capability.REPLAY_EARLIEST,
                Capability.REPLAY_TIME,
                Capability.REPLAY_POSITION,
                Capability.DURABLE_PROCESS_CRASH);
        if (survivesPowerLoss(settings)) {
            capabilities.add(Capability.DURABLE_POWER_LOSS);
        }
        return capabilities;
    }

    static boolean survivesPowerLoss(ProviderSettings settings) {
        return settings.text("durability").orElseThrow().equals("power-loss");
    }

    @Override
    public EventProvider create(ProviderSettings settings, ProviderContext context) {
        return KafkaProvider.connect(settings, context);
    }
}
