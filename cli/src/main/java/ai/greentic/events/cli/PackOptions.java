package ai.greentic.events.cli;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.EventBusBuilder;
import ai.greentic.events.bus.ProviderStatus;
import ai.greentic.events.config.Settings;
import ai.greentic.events.pack.Pack;
import ai.greentic.events.pack.PackTrust;
import ai.greentic.events.pack.PackVerification;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Option;

/** The packs of a command, and the bus that they make. */
final class PackOptions {
    @Option(
            names = "--pack",
            paramLabel = "PACK",
            required = true,
            description =
                    "Directory of a pack, a .gtpack archive, oci://REFERENCE, or a directory of packs; repeatable.")
    List<String> packs = new ArrayList<>();

    PackOptions() {}

    /** Opens them by the command line's word on trust alone. */
    List<Pack> open(CommonOptions common, PrintWriter err) {
        return open(trust(common), common, err);
    }

    /** Whom the command line says to trust. */
    static PackTrust trust(CommonOptions common) {
        return trust(PackTrust.lenient(), common);
    }

    private static PackTrust trust(PackTrust trust, CommonOptions common) {
        PackTrust told = common.strict ? trust.strict() : trust;
        for (Path file : common.trusted) {
            told = told.trusting(file);
        }
        return told;
    }

    private static PackTrust trust(Settings settings) {
        PackTrust trust = PackTrust.lenient();
        if (settings.text("packs.trust.require_signatures")
                .filter("true"::equals)
                .isPresent()) {
            trust = trust.archivesOnly();
        }
        for (Object file : settings.value("packs.trust.public_keys")
                .map(value -> (List<?>) value.value())
                .orElse(List.of())) {
            trust = trust.trusting(Path.of(file.toString()));
        }
        return trust;
    }

    private List<Pack> open(PackTrust trust, CommonOptions common, PrintWriter err) {
        List<Pack> opened = new ArrayList<>();
        for (String pack : packs) {
            opened.addAll(Pack.openAll(local(pack, common, err), trust));
        }
        return opened;
    }

    /** Where a pack is on this machine; what a registry has is fetched. */
    static Path local(String pack, CommonOptions common, PrintWriter err) {
        return Fetching.isReference(pack) ? Fetching.fetch(pack, common, err) : Path.of(pack);
    }

    /** A bus of these packs and settings. A transport without provider runs on the embedded store, and that is said, unless strict. */
    EventBus bus(CommonOptions common, Settings settings, PrintWriter err) {
        EventBusBuilder builder = EventBus.builder().classLoader(common.classLoader());
        if (!common.strict) {
            builder.fallbackTransport("embedded");
        }
        Set<String> ids = new HashSet<>();
        for (Pack pack : open(trust(trust(settings), common), common, err)) {
            if (pack.verification().status() == PackVerification.Status.FAILED) {
                err.println("warning: pack " + pack.location() + " is not what it says it is: "
                        + String.join("; ", pack.verification().warnings()));
            }
            if (!ids.add(pack.id())) {
                throw new EventsException(
                        ErrorCode.INVALID_ARGUMENT,
                        "--pack " + pack.location() + " repeats the pack id " + pack.id() + "; name each pack once");
            }
            builder.with(pack);
        }
        common.record(settings, builder);
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
