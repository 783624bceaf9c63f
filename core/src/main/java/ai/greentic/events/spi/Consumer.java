package ai.greentic.events.spi;

import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import java.util.Objects;

/**
 * A group on a provider.
 *
 * @param scope the tenant or tenants whose events it takes; groups of different scopes are different groups
 * @param group its name
 * @param provider name of the provider
 */
public record Consumer(TenantScope scope, String group, String provider) {
    public Consumer {
        // What else a context says is not part of the group.
        scope = scope instanceof TenantContext one ? TenantContext.of(one.tenant()) : scope;
        Objects.requireNonNull(group, "group");
        Objects.requireNonNull(provider, "provider");
    }
}
