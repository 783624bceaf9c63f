package ai.greentic.events.runner;

import ai.greentic.events.Payload;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * An install with what it refers to. Secrets are told only to who asks for them by name; they stand in no text of it, and cannot be listed
 * with their values. Immutable.
 */
public final class ResolvedInstall {
    private static final int SHORTEST_MASKED = 4;

    private final ProviderInstall install;
    private final Map<String, Payload> config;
    private final Map<String, Payload> secrets;

    ResolvedInstall(ProviderInstall install, Map<String, Payload> config, Map<String, Payload> secrets) {
        this.install = install;
        this.config = Map.copyOf(config);
        this.secrets = Map.copyOf(secrets);
    }

    public ProviderInstall install() {
        return install;
    }

    /** Settings by name. */
    public Map<String, Payload> config() {
        return config;
    }

    /** Names of its secrets. */
    public Set<String> secretNames() {
        return secrets.keySet();
    }

    /** A secret's value. Whoever gets it answers for where it goes. */
    public Optional<Payload> secret(String name) {
        return Optional.ofNullable(secrets.get(name));
    }

    /** A text of somebody else, without the secrets that it may hold. */
    String masked(String text) {
        String masked = text;
        for (Payload secret : secrets.values()) {
            String raw = secret.json();
            masked = masked.replace(raw, "***");
            String value = raw.startsWith("\"") ? secret.as(String.class) : raw;
            if (value.length() >= SHORTEST_MASKED) {
                masked = masked.replace(value, "***");
            }
        }
        return masked;
    }

    @Override
    public String toString() {
        return install + " with settings " + new java.util.TreeSet<>(config.keySet()) + " and " + secrets.size()
                + " secrets";
    }
}
