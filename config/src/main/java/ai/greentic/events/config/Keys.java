package ai.greentic.events.config;

import ai.greentic.events.config.Key.Type;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Every setting that is known by name, in the order in which they are shown. */
final class Keys {
    /** Services that share one shape, in order. */
    static final List<String> SERVICES =
            List.of("runner", "deployer", "events_transport", "source", "publish", "metadata", "oauth_broker");

    private static final Map<Path, Key> ALL = new LinkedHashMap<>();

    static {
        add(Key.of("schema_version", Type.TEXT, "1", "Version of this format."));
        add(Key.of("environment.env_id", Type.IDENTIFIER, "dev", "Environment that events belong to."));
        for (String part : List.of("cloud", "region", "platform", "runtime")) {
            add(Key.of(
                            "environment.deployment." + part,
                            Type.TEXT,
                            null,
                            "Where the program is deployed: " + part + ".")
                    .variable(null));
        }
        add(Key.of("environment.connection", Type.TEXT, null, "Whether the machine may use the network.")
                .amongst("online", "offline"));
        add(Key.of("environment.region", Type.TEXT, null, "Region of the environment."));
        add(Key.of("paths.greentic_root", Type.PATH, null, "Root of the project; default the detected project root."));
        add(Key.of("paths.state_dir", Type.PATH, null, "Durable state; default .greentic below the root."));
        add(Key.of(
                "paths.cache_dir",
                Type.PATH,
                null,
                "What can be fetched again; default .greentic/cache below the root."));
        add(Key.of("paths.logs_dir", Type.PATH, null, "Log files; default .greentic/logs below the root."));
        add(Key.of("packs.source.type", Type.TEXT, "local_index", "Kind of the pack index.")
                .amongst("local_index", "http_index", "oci_registry"));
        add(Key.of(
                "packs.source.path",
                Type.PATH,
                null,
                "File of a local index; default packs/index.json in the state directory."));
        add(Key.of("packs.source.url", Type.TEXT, null, "Address of an HTTP index."));
        add(Key.of("packs.source.reference", Type.TEXT, null, "Reference of an OCI registry."));
        add(Key.of("packs.cache_dir", Type.PATH, null, "Fetched packs; default packs below the cache directory."));
        add(Key.of("packs.index_cache_ttl_secs", Type.U64, null, "Seconds for which a fetched index is used."));
        add(Key.of(
                        "packs.trust.public_keys",
                        Type.LIST,
                        null,
                        "PEM files with keys or certificates that packs may be signed with.")
                .variable(null));
        add(Key.of(
                "packs.trust.require_signatures",
                Type.FLAG,
                null,
                "Whether packs that nobody trusted has signed are refused; directories too."));
        add(Key.of("services.events.url", Type.TEXT, null, "Endpoint of the events service."));
        add(Key.of("services.events.headers", Type.ANY, null, "Headers for the events service; never secrets.")
                .variable(null));
        SERVICES.forEach(Keys::addService);
        add(Key.of("events.reconnect.enabled", Type.FLAG, true, "Whether lost connections are made again."));
        add(Key.of("events.reconnect.max_retries", Type.U32, 50L, "Tries to connect again before giving up."));
        add(Key.of(
                "events.backoff.initial_ms", Type.U64, 250L, "First wait between tries to connect, in milliseconds."));
        add(Key.of(
                "events.backoff.max_ms", Type.U64, 30_000L, "Longest wait between tries to connect, in milliseconds."));
        add(Key.of(
                "events.backoff.multiplier",
                Type.DECIMAL,
                new BigDecimal("2.0"),
                "Growth of the wait from try to try."));
        add(Key.of("events.backoff.jitter", Type.FLAG, true, "Whether waits are shortened at random."));
        add(Key.of(
                        "events.dead_letters.provider",
                        Type.TEXT,
                        null,
                        "Provider on whose transport dead letters are kept for all hosts: its name, or pack/name.")
                .variable(null));
        add(Key.of(
                        "events.dead_letters.scope",
                        Type.TEXT,
                        null,
                        "local says that dead letters are meant to stay with each host.")
                .amongst("local")
                .variable(null));
        add(Key.of(
                        "events.access.default",
                        Type.TEXT,
                        null,
                        "What holds when no access rule concerns a request; default deny.")
                .amongst("allow", "deny")
                .variable(null));
        add(Key.of("events.access.rules", Type.LIST, null, "Access rules in order; see the guide.")
                .variable(null));
        add(Key.of("runtime.max_concurrency", Type.U32, null, "Tasks of the runtime at once."));
        add(Key.of("runtime.task_timeout_ms", Type.U64, null, "Longest task of the runtime, in milliseconds."));
        add(Key.of(
                "runtime.shutdown_grace_ms",
                Type.U64,
                null,
                "Time to finish when the runtime stops, in milliseconds."));
        add(Key.of(
                        "runtime.admin_endpoints.secrets_explain_enabled",
                        Type.FLAG,
                        null,
                        "Whether the runtime explains secrets to administrators.")
                .variable("GREENTIC_RUNTIME_ADMIN_SECRETS_EXPLAIN_ENABLED"));
        add(Key.of("telemetry.enabled", Type.FLAG, true, "Whether spans and metrics are recorded."));
        add(Key.of(
                        "telemetry.exporter",
                        Type.TEXT,
                        "none",
                        "Where the command line sends spans and metrics: otlp to a collector, stdout to standard error.")
                .amongst("none", "off=none", "disabled=none", "otlp", "stdout", "gcp", "azure", "aws"));
        add(Key.of(
                "telemetry.endpoint",
                Type.TEXT,
                null,
                "Address of the collector; default port 4318 of this machine, 4317 for grpc."));
        add(Key.of("telemetry.protocol", Type.TEXT, "http", "How otlp is spoken.")
                .amongst("http", "grpc"));
        add(Key.of(
                "telemetry.sampling",
                Type.DECIMAL,
                new BigDecimal("1.0"),
                "Share of traces that are kept, from 0 to 1."));
        add(Key.of("network.proxy_url", Type.TEXT, null, "Proxy for outgoing connections."));
        add(Key.of("network.tls_mode", Type.TEXT, "system", "How certificates are checked.")
                .amongst("system", "disabled", "off=disabled", "false=disabled", "strict"));
        add(Key.of("network.connect_timeout_ms", Type.U64, null, "Longest wait for a connection, in milliseconds."));
        add(Key.of("network.read_timeout_ms", Type.U64, null, "Longest wait for an answer, in milliseconds."));
        add(Key.of("deployer.base_domain", Type.TEXT, "deploy.greentic.ai", "Domain below which deployments appear.")
                .variable(null));
        add(Key.of("deployer.provider.provider_kind", Type.TEXT, null, "Where to deploy to.")
                .variable(null));
        add(Key.of("deployer.provider.region", Type.TEXT, null, "Region to deploy to.")
                .variable(null));
        add(Key.of("secrets.kind", Type.TEXT, "none", "Kind of the secrets store."));
        add(Key.of("secrets.reference", Type.TEXT, null, "Reference of the secrets store."));
        add(Key.of("dev.default_env", Type.IDENTIFIER, null, "Environment that development tools assume."));
        add(Key.of("dev.default_tenant", Type.TEXT, null, "Tenant that development tools assume."));
        add(Key.of("dev.default_team", Type.TEXT, null, "Team that development tools assume."));
    }

    private Keys() {}

    private static void addService(String name) {
        String base = "services." + name + ".";
        String variable = "GREENTIC_SERVICES_" + name.toUpperCase(java.util.Locale.ROOT) + "_";
        add(Key.of(base + "kind", Type.TEXT, null, "How the " + name + " service is reached.")
                .amongst("noop", "http", "nats"));
        add(Key.of(base + "url", Type.TEXT, null, "Address of the " + name + " service."));
        add(Key.of(base + "headers", Type.ANY, null, "Headers for the " + name + " service; never secrets.")
                .variable(null));
        add(Key.of(base + "subject_prefix", Type.TEXT, null, "Prefix of the " + name + " service's NATS subjects."));
        for (Object[] binding : new Object[][] {
            {"bind_addr", Type.TEXT, "Address that the " + name + " service listens on."},
            {"port", Type.PORT, "Port that the " + name + " service listens on."},
            {"public_base_url", Type.TEXT, "Address under which others reach the " + name + " service."},
            {"metrics.enabled", Type.FLAG, "Whether the " + name + " service serves metrics."},
            {"metrics.bind_addr", Type.TEXT, "Address of the " + name + " service's metrics."},
            {"metrics.port", Type.PORT, "Port of the " + name + " service's metrics."},
            {"metrics.path", Type.TEXT, "Path of the " + name + " service's metrics."}
        }) {
            String path = (String) binding[0];
            add(Key.of(base + "service." + path, (Type) binding[1], null, (String) binding[2])
                    .variable(variable + path.toUpperCase(java.util.Locale.ROOT).replace('.', '_')));
        }
    }

    private static void add(Key key) {
        ALL.put(key.path(), key);
    }

    static List<Key> all() {
        return new ArrayList<>(ALL.values());
    }

    static Optional<Key> at(Path path) {
        return Optional.ofNullable(ALL.get(path));
    }

    /** Whether a path is below a section whose keys others define: providers, packs, the store, routes, free maps. */
    static boolean isFree(Path path) {
        return path.startsWith("events", "providers")
                || path.startsWith("events", "packs")
                || path.startsWith("events", "store")
                || path.startsWith("events", "routes");
    }
}
