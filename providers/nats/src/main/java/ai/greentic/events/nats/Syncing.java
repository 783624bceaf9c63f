package ai.greentic.events.nats;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.spi.ProviderSettings;
import io.nats.client.api.ClusterInfo;
import io.nats.client.api.Replica;
import io.nats.client.api.StreamInfo;
import io.nats.client.support.JsonParser;
import io.nats.client.support.JsonValue;
import io.nats.client.support.JsonValueUtils;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Whether servers sync each write to the disk before they answer. A client cannot see that; the servers' monitoring says it: {@code varz}
 * has the server's name and {@code jetstream.config.sync_always}. Thread-safe, without state.
 */
final class Syncing {
    private static final int TIMEOUT_MILLIS = 3_000;
    /** A page of monitoring has some kilobytes. */
    private static final int MAX_BYTES = 1 << 20;

    private final String provider;
    private final List<URI> addresses;
    private final @Nullable SSLContext tls;

    /** What the monitoring of all servers says: whether they sync, by their names, and which addresses did not answer, and why. */
    private record Findings(Map<String, Boolean> servers, List<String> silent) {}

    private Syncing(String provider, List<URI> addresses, @Nullable SSLContext tls) {
        this.provider = provider;
        this.addresses = addresses;
        this.tls = tls;
    }

    /** Empty if the settings do not ask for it. */
    static Optional<Syncing> of(ProviderSettings settings, String provider) {
        if (!isAskedFor(settings)) {
            return Optional.empty();
        }
        List<URI> addresses = new ArrayList<>();
        for (String address : settings.text("monitoring").orElseThrow().split(",", -1)) {
            addresses.add(address(address.strip()));
        }
        return Optional.of(new Syncing(
                provider, List.copyOf(addresses), Tls.context(settings).orElse(null)));
    }

    /** @throws EventsException {@code INVALID_CONFIGURATION} if the settings do not fit together */
    static boolean isAskedFor(ProviderSettings settings) {
        if (!settings.text("durability").orElseThrow().equals("power-loss")) {
            return false;
        }
        if (NatsProviderFactory.isCore(settings)) {
            throw invalid("durability is 'power-loss' and mode is 'core', which keeps nothing: leave one of them out");
        }
        if (settings.text("monitoring").isEmpty()) {
            throw invalid(
                    "durability is 'power-loss', which needs monitoring: the addresses where the servers tell whether"
                            + " they sync each write, as in http://127.0.0.1:8222 (http: 8222 in the server's configuration)");
        }
        return true;
    }

    private static EventsException invalid(String text) {
        return new EventsException(ErrorCode.INVALID_CONFIGURATION, text);
    }

    private static URI address(String text) {
        URI uri = null;
        try {
            uri = new URI(text);
        } catch (URISyntaxException e) {
            // Said below, as for every other text that is no address.
        }
        if (uri == null
                || uri.getHost() == null
                || uri.getRawUserInfo() != null
                || uri.getRawQuery() != null
                || uri.getRawFragment() != null
                || !("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))) {
            throw invalid("monitoring has '" + Failures.withoutUsers(text)
                    + "'; it must be addresses separated by commas, as in http://127.0.0.1:8222");
        }
        return URI.create(uri.toString().replaceAll("/+$", "") + "/varz");
    }

    /**
     * Sees to it that every server answers that it syncs. Blocks on the servers, 3 s each at most.
     *
     * @throws EventsException {@code INVALID_CONFIGURATION} if one does not, {@code PROVIDER_UNAVAILABLE} if none answers
     */
    void requireAll() {
        Findings found = look();
        refuse(found, found.servers.keySet(), "");
        if (found.servers.isEmpty()) {
            throw unknown(found, "none of its servers tells whether it syncs each write");
        }
    }

    /**
     * Sees to it that every server that keeps a stream syncs; one that is offline keeps nothing now. Blocks on the servers, 3 s each at
     * most.
     *
     * @param connected name of the server that gave the information
     * @throws EventsException {@code INVALID_CONFIGURATION} if one does not, or is not in {@code monitoring}; {@code PROVIDER_UNAVAILABLE} if
     *     that cannot be found out now
     */
    void require(StreamInfo stream, String connected) {
        Findings found = look();
        Set<String> keepers = keepers(stream.getClusterInfo(), connected);
        String name = stream.getConfiguration().getName();
        refuse(found, keepers, ", which keeps stream " + name + ",");
        Set<String> missing = new TreeSet<>(keepers);
        missing.removeAll(found.servers.keySet());
        if (!missing.isEmpty()) {
            throw unknown(
                    found,
                    "stream " + name + " is kept by " + String.join(", ", missing)
                            + ", and monitoring has no answer of "
                            + (missing.size() == 1 ? "that server" : "those servers"));
        }
    }

    /** Whether a server says that it does not sync. Blocks on the servers, 3 s each at most. */
    boolean isBroken() {
        return look().servers.containsValue(false);
    }

    private void refuse(Findings found, Set<String> servers, String role) {
        for (String server : servers) {
            if (Boolean.FALSE.equals(found.servers.get(server))) {
                throw invalid("server " + server + role + " does not sync each write, and durability of provider "
                        + provider + " is 'power-loss': set sync_interval: always in the server's jetstream block, or"
                        + " durability to 'process-crash'");
            }
        }
    }

    private EventsException unknown(Findings found, String what) {
        return new EventsException(
                found.silent.isEmpty() ? ErrorCode.INVALID_CONFIGURATION : ErrorCode.PROVIDER_UNAVAILABLE,
                "provider " + provider + ": " + what + "; answers came of " + new TreeSet<>(found.servers.keySet())
                        + (found.silent.isEmpty() ? "" : ", none came of " + found.silent)
                        + ": name the monitoring of every server, and see that it can be reached");
    }

    private static Set<String> keepers(@Nullable ClusterInfo cluster, String connected) {
        Set<String> names = new LinkedHashSet<>();
        if (cluster != null) {
            if (cluster.getLeader() != null) {
                names.add(cluster.getLeader());
            }
            // Of a server alone it is null.
            List<Replica> replicas = cluster.getReplicas();
            for (Replica replica : replicas == null ? List.<Replica>of() : replicas) {
                if (!replica.isOffline()) {
                    names.add(replica.getName());
                }
            }
        }
        return names.isEmpty() ? Set.of(connected) : names;
    }

    private Findings look() {
        Findings found = new Findings(new HashMap<>(), new ArrayList<>());
        for (URI address : addresses) {
            try {
                JsonValue page = JsonParser.parse(page(address));
                String name = JsonValueUtils.readString(page, "server_name", null);
                JsonValue config = JsonValueUtils.readObject(JsonValueUtils.readObject(page, "jetstream"), "config");
                if (name == null || config.map == null || config.map.isEmpty()) {
                    throw new IOException("it is not the monitoring of a nats-server with JetStream");
                }
                found.servers.put(name, JsonValueUtils.readBoolean(config, "sync_always", false));
            } catch (IOException e) {
                found.silent.add(address + " (" + e.getMessage() + ")");
            }
        }
        return found;
    }

    private byte[] page(URI address) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) address.toURL().openConnection();
        try {
            if (tls != null && connection instanceof HttpsURLConnection secure) {
                secure.setSSLSocketFactory(tls.getSocketFactory());
            }
            connection.setConnectTimeout(TIMEOUT_MILLIS);
            connection.setReadTimeout(TIMEOUT_MILLIS);
            connection.setInstanceFollowRedirects(false);
            connection.setUseCaches(false);
            connection.setRequestProperty("Connection", "close");
            if (connection.getResponseCode() != HttpURLConnection.HTTP_OK) {
                throw new IOException("status " + connection.getResponseCode());
            }
            try (InputStream body = connection.getInputStream()) {
                byte[] page = body.readNBytes(MAX_BYTES + 1);
                if (page.length > MAX_BYTES) {
                    throw new IOException("an answer of more than " + MAX_BYTES + " bytes");
                }
                return page;
            }
        } finally {
            connection.disconnect();
        }
    }
}
