package ai.greentic.events.runner;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderFactory;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.SettingsSchema;
import ai.greentic.events.spi.SettingsSchema.Setting;
import ai.greentic.events.spi.SettingsSchema.Type;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;

/** Transport {@code process}: a broker or component that is a command in any language, one run of it for each operation. */
public final class ProcessProviderFactory implements ProviderFactory {
    private static final SettingsSchema SETTINGS = SettingsSchema.of(
            Setting.of(
                            "command",
                            Type.LIST,
                            null,
                            "Program and its arguments, one by one; no shell reads them. It gets a request on standard input and answers on standard output.")
                    .mandatory(),
            Setting.of(
                    "environment",
                    Type.LIST,
                    null,
                    "Names of the variables that it sees beside PATH, LANG, LC_ALL and TZ."),
            Setting.of(
                            "interface",
                            Type.TEXT,
                            ComponentInterface.BROKER.word(),
                            "What it is spoken to by: a broker's operations, or those of greentic:provider-schema-core.")
                    .amongst(ComponentInterface.BROKER.word(), ComponentInterface.SCHEMA_CORE.word()),
            ComponentInterface.CONFIG,
            Setting.of("directory", Type.TEXT, null, "Where it runs; default where this process does."),
            Setting.of("pack_id", Type.TEXT, "greentic-events", "What its requests name as their pack."),
            Setting.of("timeout", Type.DURATION, "20s", "After which a run is ended by force.")
                    .between(100, Duration.ofMinutes(10).toMillis()));

    /** For {@link java.util.ServiceLoader}. */
    public ProcessProviderFactory() {}

    @Override
    public String transport() {
        return "process";
    }

    @Override
    public SettingsSchema settings() {
        return SETTINGS;
    }

    @Override
    public Set<Capability> capabilities(ProviderSettings settings) {
        return EnumSet.copyOf(spokenTo(settings).capabilities());
    }

    private static ComponentInterface spokenTo(ProviderSettings settings) {
        return ComponentInterface.of(settings.text("interface").orElseThrow());
    }

    @Override
    public EventProvider create(ProviderSettings settings, ProviderContext context) {
        ProcessHost host;
        try {
            host = ProcessHost.command(settings.list("command"))
                    .environment(Set.copyOf(settings.list("environment")))
                    .timeout(settings.duration("timeout"));
        } catch (IllegalArgumentException e) {
            throw new EventsException(ErrorCode.INVALID_CONFIGURATION, "command: " + e.getMessage(), e);
        }
        if (settings.text("directory").isPresent()) {
            host = host.directory(Path.of(settings.text("directory").get()));
        }
        return spokenTo(settings)
                .provider(settings, context, host, settings.text("pack_id").orElseThrow());
    }
}
