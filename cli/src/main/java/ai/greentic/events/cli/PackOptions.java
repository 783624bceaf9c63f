package ai.greentic.events.cli;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.EventBusBuilder;
import ai.greentic.events.bus.ProviderDeclaration;
import ai.greentic.events.bus.ProviderStatus;
import ai.greentic.events.config.Settings;
import ai.greentic.events.pack.Pack;
import ai.greentic.events.pack.PackProvider;
import ai.greentic.events.pack.PackTrust;
import ai.greentic.events.pack.PackVerification;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The packs of a command, and the bus that they make. */
final class PackOptions {
    private static final String VARIABLE = "GREENTIC_EVENTS_PROVIDER";
    /** Where scripts/events_provider_fetch.sh puts what the documentation names. */
    private static final String DEFAULT_PROVIDER = "greentic-events-providers";

    @Option(
            names = "--pack",
            paramLabel = "PACK",
            description =
                    "Directory of a pack, a .gtpack archive, oci://REFERENCE, or a directory of packs; repeatable. Default: what greentic.yaml"
                            + " here or above uses, else the pack below providers/ or packs/ that GREENTIC_EVENTS_PROVIDER names.")
    private List<String> packs = new ArrayList<>();

    /** A command that can do without a pack takes none that it was not given. */
    private boolean optional;

    PackOptions() {}

    /** Packs of a command that can do without. */
    static PackOptions optional(List<String> packs) {
        PackOptions options = new PackOptions();
        options.packs = packs;
        options.optional = true;
        return options;
    }

    /**
     * A pack that is used.
     *
     * @param uses what the project file uses of it; null for everything
     */
    private record Chosen(String place, @Nullable List<ProjectFile.Use> uses) {
        /** What is said of a provider, if anything. */
        Optional<ProjectFile.Use> use(String provider) {
            return uses == null
                    ? Optional.empty()
                    : uses.stream()
                            .filter(use -> use.provider().equals(provider))
                            .findFirst();
        }
    }

    /** The flags, else the project's file, else the environment, else where the provider packs of the documentation are fetched to. */
    private List<Chosen> chosen() {
        if (!packs.isEmpty() || optional) {
            return packs.stream().map(place -> new Chosen(place, null)).toList();
        }
        Optional<Path> project = ProjectFile.find(Path.of(""));
        if (project.isPresent()) {
            Map<String, List<ProjectFile.Use>> byPack = new LinkedHashMap<>();
            ProjectFile.read(project.get())
                    .forEach(use -> byPack.computeIfAbsent(use.pack(), any -> new ArrayList<>())
                            .add(use));
            return byPack.entrySet().stream()
                    .map(pack -> new Chosen(pack.getKey(), pack.getValue()))
                    .toList();
        }
        String named = System.getenv(VARIABLE);
        String provider = named == null || named.isBlank() ? DEFAULT_PROVIDER : named;
        if (provider.matches("[A-Za-z0-9_][A-Za-z0-9._-]*")) {
            for (String place : List.of("providers/", "packs/")) {
                for (String suffix : List.of("", ".gtpack")) {
                    if (Files.exists(Path.of(place + provider + suffix))) {
                        return List.of(new Chosen(place + provider + suffix, null));
                    }
                }
            }
        }
        throw new EventsException(
                ErrorCode.INVALID_ARGUMENT,
                "--pack is missing, there is no " + ProjectFile.NAME + " here or above, and "
                        + (named == null || named.isBlank()
                                ? VARIABLE + " is not set"
                                : VARIABLE + " is '" + named
                                        + "', of which there is no pack below providers/ or packs/")
                        + "; name a pack");
    }

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
        for (Chosen pack : chosen()) {
            opened.addAll(Pack.openAll(local(pack.place(), common, err), trust));
        }
        return opened;
    }

    /** Has a bus use what is chosen of a pack. */
    private static void use(Chosen chosen, List<Pack> opened, EventBusBuilder builder, PrintWriter err) {
        List<ProjectFile.Use> uses = chosen.uses();
        if (uses == null) {
            opened.forEach(builder::with);
            return;
        }
        Set<String> left = new TreeSet<>();
        uses.forEach(use -> left.add(use.provider()));
        Set<String> known = new TreeSet<>();
        for (Pack pack : opened) {
            for (PackProvider provider : pack.providers()) {
                known.add(provider.name());
                ProjectFile.Use use = chosen.use(provider.name()).orElse(null);
                if (use == null) {
                    continue;
                }
                left.remove(provider.name());
                builder.declare(new ProviderDeclaration(
                        pack.id(), provider.descriptor(), provider.topics(), provider.overrides()));
                if (use.mock()) {
                    builder.providerSettings(pack.id(), provider.name(), Map.of("transport", "embedded"));
                }
                if (use.mode() != null) {
                    err.println("note: mode " + use.mode() + " of provider " + provider.name()
                            + " is for whoever runs its source; nothing here does");
                }
            }
        }
        if (!left.isEmpty()) {
            throw new EventsException(
                    ErrorCode.INVALID_CONFIGURATION,
                    ProjectFile.NAME + " uses " + left + " of pack " + chosen.place() + ", which has " + known);
        }
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
        for (Chosen chosen : chosen()) {
            List<Pack> opened = Pack.openAll(local(chosen.place(), common, err), trust(trust(settings), common));
            opened.forEach(pack -> check(pack, ids, err));
            use(chosen, opened, builder, err);
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

    private static void check(Pack pack, Set<String> ids, PrintWriter err) {
        if (pack.verification().status() == PackVerification.Status.FAILED) {
            err.println("warning: pack " + pack.location() + " is not what it says it is: "
                    + String.join("; ", pack.verification().warnings()));
        }
        if (!ids.add(pack.id())) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT,
                    "--pack " + pack.location() + " repeats the pack id " + pack.id() + "; name each pack once");
        }
    }
}
