package ai.greentic.events.cli;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.bus.EventBusBuilder;
import ai.greentic.events.config.Settings;
import ai.greentic.events.config.SettingsLoader;
import ai.greentic.events.spi.SettingsSchema;
import java.io.PrintWriter;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** Options that every command takes, before or after its name. */
final class CommonOptions {
    @Option(
            names = "--config",
            paramLabel = "FILE",
            scope = ScopeType.INHERIT,
            description = "Settings of the highest layer, TOML or JSON.")
    @Nullable
    Path config;

    @Option(
            names = "--state-dir",
            paramLabel = "DIR",
            scope = ScopeType.INHERIT,
            description = "Durable state; default .greentic below the project root.")
    @Nullable
    Path stateDirectory;

    @Option(
            names = "--provider-path",
            paramLabel = "JAR",
            scope = ScopeType.INHERIT,
            description = "Jar with providers; repeatable.")
    List<Path> providerPath = new ArrayList<>();

    @Option(
            names = "--strict",
            scope = ScopeType.INHERIT,
            description =
                    "Refuse unknown settings, transports without a provider, and archives that nobody trusted has signed,"
                            + " instead of warning.")
    boolean strict;

    @Option(
            names = "--trust",
            paramLabel = "FILE",
            scope = ScopeType.INHERIT,
            description = "PEM file with keys or certificates that packs may be signed with; repeatable. With --strict,"
                    + " archives must be.")
    List<Path> trusted = new ArrayList<>();

    @Option(
            names = "--plain-http",
            scope = ScopeType.INHERIT,
            description = "Ask registries of packs without TLS; those on this machine are anyway.")
    boolean plainHttp;

    @Option(
            names = "--allow-dev",
            scope = ScopeType.INHERIT,
            description = "Allow dev.* settings outside a development environment.")
    boolean allowDev;

    @Option(
            names = "--verbose",
            scope = ScopeType.INHERIT,
            description = "Log what the fabric does, on standard error.")
    boolean verbose;

    /** Read before the rest, since what is logged then must know it. */
    @Option(
            names = "--log-format",
            scope = ScopeType.INHERIT,
            paramLabel = "FORMAT",
            description = "How to log on standard error: text, the default, or json, one object a line.")
    @SuppressWarnings("UnusedVariable") // Main reads it off the arguments; this checks and explains it.
    private LogFormat logFormat = LogFormat.TEXT;

    private @Nullable Telemetry telemetry;

    enum LogFormat {
        TEXT,
        JSON
    }

    CommonOptions() {}

    /** Has the bus of a command record what the settings ask for. */
    void record(Settings settings, EventBusBuilder builder) {
        Telemetry.of(settings).ifPresent(started -> {
            telemetry = started;
            builder.openTelemetry(started.api());
        });
    }

    /** Sends what is left; when the command is over. */
    void endRecording() {
        Telemetry started = telemetry;
        if (started != null) {
            started.close();
        }
    }

    /** The settings of this invocation. */
    Settings settings() {
        SettingsLoader loader = Settings.loader().strict(strict).allowDev(allowDev);
        if (config != null) {
            loader.configFile(config);
        }
        if (stateDirectory != null) {
            loader.set("paths.state_dir", stateDirectory.toAbsolutePath().toString());
        }
        return loader.load();
    }

    /** The settings, with their warnings said. */
    Settings settings(PrintWriter err) {
        Settings settings = settings();
        warn(settings, err);
        return settings;
    }

    static void warn(Settings settings, PrintWriter err) {
        if (!settings.warnings().isEmpty()) {
            err.println("Warnings:");
            settings.warnings().forEach(warning -> err.println("- " + warning));
        }
    }

    /** The value of an option that is a time. */
    static Duration duration(String option, String text) {
        try {
            return SettingsSchema.duration(text);
        } catch (IllegalArgumentException e) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT, option + " is '" + text + "'; write for example 500ms, 10s or 5m");
        }
    }

    /** Where provider factories are looked for. */
    ClassLoader classLoader() {
        ClassLoader own = CommonOptions.class.getClassLoader();
        if (providerPath.isEmpty()) {
            return own;
        }
        List<URL> urls = new ArrayList<>();
        for (Path jar : providerPath) {
            if (!Files.isRegularFile(jar)) {
                throw new EventsException(
                        ErrorCode.INVALID_ARGUMENT,
                        "--provider-path " + jar + " is not a file; name the provider's jar");
            }
            try {
                urls.add(jar.toUri().toURL());
            } catch (MalformedURLException e) {
                throw new EventsException(ErrorCode.INVALID_ARGUMENT, "--provider-path " + jar + " is not a path", e);
            }
        }
        return new URLClassLoader("providers", urls.toArray(URL[]::new), own);
    }
}
