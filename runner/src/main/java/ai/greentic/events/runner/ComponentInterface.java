package ai.greentic.events.runner;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.SettingsSchema.Setting;
import ai.greentic.events.spi.SettingsSchema.Type;
import java.util.Set;

/** What a component is spoken to by. */
enum ComponentInterface {
    /** {@code greentic:events/broker-api}: publishes, and gives events. */
    BROKER("broker"),
    /** {@code greentic:provider-schema-core}: is invoked for each event. */
    SCHEMA_CORE("schema-core");

    static final Setting CONFIG = Setting.of(
                    "config",
                    Type.TEXT,
                    "{}",
                    "Settings of the component, a JSON object; only components of schema-core have some.")
            .withSecrecy();

    private final String word;

    ComponentInterface(String word) {
        this.word = word;
    }

    String word() {
        return word;
    }

    static ComponentInterface of(String word) {
        return word.equals(BROKER.word) ? BROKER : SCHEMA_CORE;
    }

    Set<Capability> capabilities() {
        return this == BROKER
                ? Set.of(Capability.PUBLISH, Capability.SUBSCRIBE, Capability.WILDCARD)
                : Set.of(Capability.PUBLISH);
    }

    EventProvider provider(ProviderSettings settings, ProviderContext context, RunnerHost host, String pack) {
        if (this == BROKER) {
            return RunnerProvider.broker(context, new RunnerBrokerClient(host, pack, context.name()));
        }
        Payload config;
        try {
            config = Payload.json(settings.text(CONFIG.key()).orElse("{}"));
        } catch (EventsException e) {
            // What is wrong with it might repeat what it is.
            throw new EventsException(
                    ErrorCode.INVALID_CONFIGURATION, "config of provider " + context.name() + " is not JSON", null);
        }
        return RunnerProvider.component(context, new ProviderCoreClient(host, pack, context.name()), config);
    }
}
