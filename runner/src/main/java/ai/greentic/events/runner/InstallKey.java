package ai.greentic.events.runner;

import ai.greentic.events.EventId;
import ai.greentic.events.Tenant;
import java.util.Objects;

/**
 * Which install is meant. The tenant and its environment are part of it: install ids of two tenants may be alike.
 *
 * @param tenant whose it is
 * @param provider id of the provider
 * @param install id amongst the tenant's installs of it
 */
public record InstallKey(Tenant tenant, String provider, String install) {
    public InstallKey {
        Objects.requireNonNull(tenant, "tenant");
        if (provider.isBlank()) {
            throw new IllegalArgumentException("provider_id is blank");
        }
        EventId.identifier("install_id", install);
    }

    @Override
    public String toString() {
        return "install " + install + " of provider " + provider + " of " + tenant;
    }
}
