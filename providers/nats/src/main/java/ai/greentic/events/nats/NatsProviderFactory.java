package ai.greentic.events.nats;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
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

/** Transport {@code nats}: JetStream, with a stream for each environment. */
public final class NatsProviderFactory implements ProviderFactory {
    private static final SettingsSchema SETTINGS = SettingsSchema.of(
            Setting.of(
                            "url",
                            Type.TEXT,
                            null,
                            "Addresses of the servers, separated by commas, as in nats://127.0.0.1:4222; tls:// for TLS.")
                    .mandatory(),
            Setting.of("user", Type.TEXT, null, "Name of the user, where the server asks for one."),
            Setting.of("password", Type.TEXT, null, "Password of the user.").withSecrecy(),
            Setting.of("token", Type.TEXT, null, "Token, where the server asks for one.")
                    .withSecrecy(),
            Setting.of(
                            "credentials",
                            Type.TEXT,
                            null,
                            "Content of a credentials file with a JWT and an nkey; file:PATH reads it.")
                    .withSecrecy(),
            Setting.of("nkey", Type.TEXT, null, "Seed of an nkey user, where the server knows users by their nkeys.")
                    .withSecrecy(),
            Setting.of(
                    "trusted_certificates",
                    Type.TEXT,
                    null,
                    "Certificates that servers are believed by, as PEM; file:PATH reads them. Default: those of the JVM. A server's must be of the host in url."),
            Setting.of(
                    "certificate",
                    Type.TEXT,
                    null,
                    "Chain of this client's own certificate, as PEM; file:PATH reads it."),
            Setting.of(
                            "certificate_key",
                            Type.TEXT,
                            null,
                            "Private key of that certificate, PKCS #8 as PEM; file:PATH reads it.")
                    .withSecrecy(),
            Setting.of(
                            "startup",
                            Type.TEXT,
                            "fail",
                            "What happens when no server answers at the start: fail, or wait in the background.")
                    .amongst("fail", "wait"),
            Setting.of(
                            "mode",
                            Type.TEXT,
                            "jetstream",
                            "jetstream keeps events; shared keeps them under the subjects of other Greentic programs, for one member of a group at a time; core hands them on those subjects to whoever listens, at most once.")
                    .amongst("jetstream", "shared", "core"),
            Setting.of(
                    "prefix",
                    Type.TEXT,
                    null,
                    "First tokens of every subject, and the name of the streams; default greentic.v1, in the modes shared and core greentic.events."),
            Setting.of(
                            "max_bytes",
                            Type.INTEGER,
                            1L << 30,
                            "Bytes that the stream of an environment keeps; then publishes are refused.")
                    .between(1L << 20, 1L << 50),
            Setting.of("max_age", Type.DURATION, "7d", "How long a stream keeps an event.")
                    .between(1_000, Duration.ofDays(3660).toMillis()),
            Setting.of("replicas", Type.INTEGER, 1L, "Servers that keep a copy of a stream.")
                    .between(1, 5),
            Setting.of("duplicate_window", Type.DURATION, "2m", "For how long the server knows an event id again.")
                    .between(100, Duration.ofDays(7).toMillis()),
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
                            "Dead letters of one tenant that are kept, where they are kept here; about, with several hosts.")
                    .between(1, 10_000_000),
            Setting.of(
                            "max_dead_letter_bytes",
                            Type.INTEGER,
                            1L << 30,
                            "Bytes of an environment's dead letters, where they are kept here.")
                    .between(1L << 20, 1L << 50),
            Setting.of(
                            "durability",
                            Type.TEXT,
                            "process-crash",
                            "What accepted events survive: process-crash, or power-loss, for which every server must sync each write (sync_interval: always) and monitoring must show it.")
                    .amongst("process-crash", "power-loss"),
            Setting.of(
                    "monitoring",
                    Type.TEXT,
                    null,
                    "Addresses of the monitoring of every server, separated by commas, as in http://127.0.0.1:8222."),
            Setting.of(
                    "create_streams",
                    Type.FLAG,
                    true,
                    "Whether a missing stream is made; otherwise it must be there."));

    /** For {@link java.util.ServiceLoader}. */
    public NatsProviderFactory() {}

    @Override
    public String transport() {
        return "nats";
    }

    @Override
    public SettingsSchema settings() {
        return SETTINGS;
    }

    @Override
    public Set<Capability> capabilities(ProviderSettings settings) {
        boolean survivesPowerLoss = Syncing.isAskedFor(settings);
        if (isCore(settings)) {
            return EnumSet.of(
                    Capability.PUBLISH,
                    Capability.SUBSCRIBE,
                    Capability.WILDCARD,
                    Capability.KEY_ORDER,
                    Capability.EXTEND);
        }
        Set<Capability> capabilities = EnumSet.of(
                Capability.PUBLISH,
                Capability.SUBSCRIBE,
                Capability.WILDCARD,
                Capability.GROUP,
                Capability.KEY_ORDER,
                Capability.KEY_AFFINITY,
                Capability.DEDUPLICATION,
                Capability.DELAYED_REDELIVERY,
                Capability.EXTEND,
                Capability.REPLAY_EARLIEST,
                Capability.REPLAY_TIME,
                Capability.REPLAY_POSITION,
                Capability.DURABLE_PROCESS_CRASH);
        if (survivesPowerLoss) {
            capabilities.add(Capability.DURABLE_POWER_LOSS);
        }
        return capabilities;
    }

    static boolean isCore(ProviderSettings settings) {
        return settings.text("mode").orElseThrow().equals("core");
    }

    static boolean isShared(ProviderSettings settings) {
        return settings.text("mode").orElseThrow().equals("shared");
    }

    static String prefix(ProviderSettings settings) {
        String prefix = settings.text("prefix")
                .orElse(isCore(settings) || isShared(settings) ? "greentic.events" : "greentic.v1");
        if (!prefix.matches("[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*")) {
            throw new EventsException(
                    ErrorCode.INVALID_CONFIGURATION,
                    "prefix is '" + prefix
                            + "'; it must be tokens of letters, digits, _ and - with single dots between, as in greentic.v1");
        }
        return prefix;
    }

    @Override
    public EventProvider create(ProviderSettings settings, ProviderContext context) {
        return NatsProvider.connect(settings, context);
    }
}
