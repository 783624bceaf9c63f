package ai.greentic.events.cli;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.config.Settings;
import ai.greentic.events.embedded.EmbeddedStore;
import ai.greentic.events.embedded.EmbeddedStoreFactory;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.Time;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;

/** The store that a command looks after, without a bus. */
final class StoreOptions {
    private StoreOptions() {}

    static Path directory(CommandSpec spec) {
        return settings(spec).stateDirectory();
    }

    static Settings settings(CommandSpec spec) {
        return Main.common(spec).settings();
    }

    /** The store of the state directory, which must be there: looking must not make one. */
    static EmbeddedStore open(CommandSpec spec) {
        Path directory = directory(spec);
        EmbeddedStore.requireAt(directory);
        List<String> problems = new ArrayList<>();
        ProviderSettings settings =
                new EmbeddedStoreFactory().settings().parse(settings(spec).storeSettings(), "events.store", problems);
        if (!problems.isEmpty()) {
            throw EventsException.several(
                    ErrorCode.INVALID_CONFIGURATION, "the settings of the store have problems", problems);
        }
        return EmbeddedStore.open(directory, settings, Time.system());
    }

    static void json(CommandSpec spec, Map<String, ?> tree) {
        spec.commandLine().getOut().println(Payload.of(tree).json());
    }
}
