package ai.greentic.events;

import java.util.Objects;

/** A complete address: whose topic, and which. Providers never see a topic without its tenant. */
public record TenantTopic(Tenant tenant, Topic topic) {
    public TenantTopic {
        Objects.requireNonNull(tenant, "tenant");
        Objects.requireNonNull(topic, "topic");
    }

    @Override
    public String toString() {
        return tenant + ":" + topic;
    }
}
