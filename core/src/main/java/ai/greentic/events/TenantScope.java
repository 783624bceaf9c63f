package ai.greentic.events;

/** Whose events a subscription is about: one tenant ({@link TenantContext}) or every tenant of an environment ({@link AllTenants}). */
public sealed interface TenantScope permits TenantContext, AllTenants {
    /** Every tenant of an environment, also those that appear later. Subscribing needs an access rule that grants it. */
    static TenantScope all(String env) {
        return new AllTenants(env);
    }

    String env();

    /** Whether an event of this tenant is within the scope. */
    boolean includes(Tenant tenant);
}
