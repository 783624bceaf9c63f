package ai.greentic.events.cli;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.EventBusBuilder;
import ai.greentic.events.bus.ProviderStatus;
import ai.greentic.events.config.Settings;
import ai.greentic.events.pack.Pack;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Option;

/** The packs of a command, and the bus that they make. */
final class PackOptions {
    @Option(names = "--pack", paramLabel = "DIR", required = true, description = "Directory of a pack; repeatable.")
    List<String> packs = new ArrayList<>();

    PackOptions() {}

    List<Pack> open() {
        List<Pack> opened = new ArrayList<>();
        for (String pack : packs) {
            if (pack.startsWith("oci://")) {
                throw new EventsException(
                        ErrorCode.INVALID_ARGUMENT,
                        "--pack " + pack
                                + ": packs are not fetched from registries yet; fetch it and name its directory");
            }
            opened.add(Pack.open(Path.of(pack)));
        }
        return opened;
    }

    /** A bus of these packs and settings. A transport without provider runs on the embedded store, and that is said, unless strict. */
    EventBus bus(CommonOptions common, Settings settings, PrintWriter err) {
        EventBusBuilder builder = EventBus.builder().classLoader(common.classLoader());
        if (!common.strict) {
            builder.fallbackTransport("embedded");
        }
        Set<String> ids = new HashSet<>();
        for (Pack pack : open()) {
            if (!ids.add(pack.id())) {
                throw new EventsException(
                        ErrorCode.INVALID_ARGUMENT,
                        "--pack " + pack.directory() + " repeats the pack id " + pack.id() + "; name each pack once");
            }
            builder.with(pack);
        }
        EventBus bus =
                builder.with(settings).stateDirectory(settings.stateDirectory()).build();
        for (ProviderStatus provider : bus.providers()) {
            if (!provider.started()) {
                err.println("note: provider " + provider.descriptor().name() + " did not start: " + provider.failure());
            } else if (provider.transport().equals("embedded")
                    && !provider.descriptor().transport().equals("embedded")) {
                err.println("note: provider " + provider.descriptor().name()
                        + " runs on the embedded store in " + settings.stateDirectory() + " instead of "
                        + provider.descriptor().transport()
                        + ", until settings say where that is (--strict refuses instead)");
            }
        }
        return bus;
    }
}
