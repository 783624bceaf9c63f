package ai.greentic.events;

/** Owner of an address: a tenant within an environment. The same name in two environments is two tenants. */
public record Tenant(String env, String name) {
    public Tenant {
        Text.identifier("environment id", env);
        Text.identifier("tenant id", name);
    }

    @Override
    public String toString() {
        return env + "/" + name;
    }
}
