package ai.greentic.events;

/** Every tenant of one environment. */
public record AllTenants(String env) implements TenantScope {
    public AllTenants {
        Text.identifier("environment id", env);
    }

    @Override
    public boolean includes(Tenant tenant) {
        return tenant.env().equals(env);
    }

    @Override
    public String toString() {
        return env + "/*";
    }
}
