package ai.greentic.events.runner;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.codec.Timestamps;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A tenant's install of a provider, as the record {@code ProviderInstallRecord} of greentic-types describes it. It refers to settings and
 * secrets and holds none. Fields that are not known survive.
 *
 * @param tenant whose it is
 * @param providerId the provider in its pack
 * @param installId the install amongst the tenant's
 * @param packId the pack
 * @param packVersion version of the pack
 * @param createdAt when it was installed
 * @param updatedAt when this record was last changed
 * @param configRefs references to settings, by name
 * @param secretRefs references to secrets, by name
 * @param webhookState what the provider remembers of its webhooks
 * @param subscriptionsState what the provider remembers of its subscriptions
 * @param metadata what hosts note
 * @param unknownFields others, as they came
 */
public record ProviderInstall(
        TenantContext tenant,
        String providerId,
        String installId,
        String packId,
        String packVersion,
        Instant createdAt,
        Instant updatedAt,
        Map<String, String> configRefs,
        Map<String, String> secretRefs,
        Payload webhookState,
        Payload subscriptionsState,
        Payload metadata,
        Map<String, Payload> unknownFields) {
    private static final Set<String> KNOWN = Set.of(
            "tenant",
            "provider_id",
            "install_id",
            "pack_id",
            "pack_version",
            "created_at",
            "updated_at",
            "config_refs",
            "secret_refs",
            "webhook_state",
            "subscriptions_state",
            "metadata");

    public ProviderInstall {
        Objects.requireNonNull(tenant, "tenant");
        var unused = new InstallKey(tenant.tenant(), providerId, installId);
        configRefs = Map.copyOf(configRefs);
        secretRefs = Map.copyOf(secretRefs);
        unknownFields = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(unknownFields));
    }

    public InstallKey key() {
        return new InstallKey(tenant.tenant(), providerId, installId);
    }

    /** The same with another state of its subscriptions and other metadata, changed at a time. */
    ProviderInstall with(Payload subscriptions, Payload noted, Instant at) {
        return new ProviderInstall(
                tenant,
                providerId,
                installId,
                packId,
                packVersion,
                createdAt,
                at,
                configRefs,
                secretRefs,
                webhookState,
                subscriptions,
                noted,
                unknownFields);
    }

    /**
     * Reads a record.
     *
     * @throws EventsException {@code INVALID_ENVELOPE} with every problem
     */
    public static ProviderInstall parse(byte[] json) {
        List<String> problems = Form.none();
        Form form = Form.root(json, "an install record", problems);
        TenantContext tenant = tenant(form);
        String provider = required(form, "provider_id");
        String install = required(form, "install_id");
        String pack = required(form, "pack_id");
        String version = required(form, "pack_version");
        form.require("created_at");
        form.require("updated_at");
        Instant created = form.time("created_at");
        Instant updated = form.time("updated_at");
        Map<String, String> config = form.texts("config_refs");
        Map<String, String> secrets = form.texts("secret_refs");
        Form.refuse(problems, "an install record");
        try {
            return new ProviderInstall(
                    Objects.requireNonNull(tenant),
                    provider,
                    install,
                    pack,
                    version,
                    Objects.requireNonNull(created),
                    Objects.requireNonNull(updated),
                    config,
                    secrets,
                    open(form.value("webhook_state")),
                    open(form.value("subscriptions_state")),
                    open(form.value("metadata")),
                    form.others(KNOWN));
        } catch (IllegalArgumentException e) {
            throw new EventsException(ErrorCode.INVALID_ENVELOPE, "an install record: " + e.getMessage(), e);
        }
    }

    private static @Nullable TenantContext tenant(Form form) {
        form.require("tenant");
        Payload tenant = form.value("tenant");
        if (tenant == null) {
            return null;
        }
        try {
            return EnvelopeCodec.STANDARD.decodeContext(tenant.toBytes());
        } catch (EventsException e) {
            form.problem("tenant", "cannot be used: " + e.getMessage());
            return null;
        }
    }

    private static String required(Form form, String name) {
        form.require(name);
        String text = form.text(name);
        return text == null ? "" : text;
    }

    private static Payload open(@Nullable Payload value) {
        return value == null ? Payload.NULL : value;
    }

    /** The record, its keys in the order of the original. */
    public byte[] toJson() {
        Map<String, Payload> fields = new LinkedHashMap<>();
        fields.put("tenant", Payload.json(EnvelopeCodec.STANDARD.encodeContext(tenant)));
        fields.put("provider_id", Payload.of(providerId));
        fields.put("install_id", Payload.of(installId));
        fields.put("pack_id", Payload.of(packId));
        fields.put("pack_version", Payload.of(packVersion));
        fields.put("created_at", Payload.of(Timestamps.format(createdAt)));
        fields.put("updated_at", Payload.of(Timestamps.format(updatedAt)));
        if (!configRefs.isEmpty()) {
            fields.put("config_refs", Payload.of(new java.util.TreeMap<>(configRefs)));
        }
        if (!secretRefs.isEmpty()) {
            fields.put("secret_refs", Payload.of(new java.util.TreeMap<>(secretRefs)));
        }
        fields.put("webhook_state", webhookState);
        fields.put("subscriptions_state", subscriptionsState);
        fields.put("metadata", metadata);
        fields.putAll(unknownFields);
        return Fields.object(fields);
    }

    @Override
    public String toString() {
        return key().toString();
    }
}
