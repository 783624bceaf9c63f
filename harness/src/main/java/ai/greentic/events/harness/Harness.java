package ai.greentic.events.harness;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.harness.Report.Diagnostic;
import ai.greentic.events.harness.Report.Outcome;
import ai.greentic.events.harness.Report.PackResult;
import ai.greentic.events.harness.Report.Stage;
import ai.greentic.events.pack.Pack;
import ai.greentic.events.pack.PackProvider;
import ai.greentic.events.pack.PackTrust;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Tries packs from end to end: whether what they need is provided, whether messages become events and events messages, and whether events
 * that are published come. Packs bring what they are tried with as fixtures. Immutable, thread-safe; {@link #run} blocks, at most 20 seconds
 * for each pack unless {@link #timeout} says otherwise.
 */
public final class Harness {
    private static final String VARIABLES = "GREENTIC_EVENTS_E2E_";
    private static final String LIVE = VARIABLES + "LIVE";
    private static final String NETWORK = VARIABLES + "ALLOW_NETWORK";
    private static final String PREFIX = "events-";
    private static final String SUFFIX = ".gtpack";

    private final Performer performer;
    private final PackTrust trust;
    private final @Nullable String provider;
    private final Duration timeout;

    private Harness(Performer performer, PackTrust trust, @Nullable String provider, Duration timeout) {
        this.performer = performer;
        this.trust = trust;
        this.provider = provider;
        this.timeout = timeout;
    }

    /** Plays the components of packs in process; starts nothing and asks nobody. */
    public static Harness dryRun() {
        return new Harness(new DryRun(), PackTrust.lenient(), null, Duration.ofSeconds(20));
    }

    /**
     * Has commands play the components, by the live command protocol: {@code GREENTIC_EVENTS_E2E_LIVE_BRIDGE_CMD} turns messages into events and back,
     * {@code GREENTIC_EVENTS_E2E_LIVE_BROKER_CMD} does the rest. Both see the variables whose names begin with {@code GREENTIC_EVENTS_E2E_}.
     *
     * @param environment the variables
     * @throws EventsException {@code INVALID_CONFIGURATION} unless {@code GREENTIC_EVENTS_E2E_LIVE} and {@code GREENTIC_EVENTS_E2E_ALLOW_NETWORK} are 1
     */
    public static Harness live(Map<String, String> environment) {
        for (String guard : List.of(LIVE, NETWORK)) {
            if (!"1".equals(environment.get(guard))) {
                throw new EventsException(
                        ErrorCode.INVALID_CONFIGURATION,
                        guard + " is "
                                + (environment.containsKey(guard) ? "'" + environment.get(guard) + "'" : "not set")
                                + "; a live run starts commands that may reach others, and needs it to be 1");
            }
        }
        Set<String> passedOn = environment.keySet().stream()
                .filter(name -> name.startsWith(VARIABLES))
                .collect(java.util.stream.Collectors.toUnmodifiableSet());
        UnaryOperator<@Nullable String> variables = environment::get;
        return new Harness(new Live(variables, passedOn), PackTrust.lenient(), null, Duration.ofSeconds(20));
    }

    /** The same; packs must be worth so much. */
    public Harness trust(PackTrust value) {
        return new Harness(performer, Objects.requireNonNull(value), provider, timeout);
    }

    /** The same; of each pack only providers of this very name. */
    public Harness provider(@Nullable String name) {
        return new Harness(performer, trust, name, timeout);
    }

    /** The same; each pack has so much time. */
    public Harness timeout(Duration most) {
        if (most.isNegative() || most.isZero()) {
            throw new IllegalArgumentException("timeout is " + most + "; it must be positive");
        }
        return new Harness(performer, trust, provider, most);
    }

    /**
     * Finds what is to be tried: archives {@code events-*.gtpack} and packs in directories {@code events-*} right below, in the order of their names;
     * or the one pack at the place itself.
     *
     * @throws EventsException {@code INVALID_PACK} if there is none
     */
    public static List<Path> find(Path place) {
        if (Files.isRegularFile(place) || isPack(place)) {
            return List.of(place);
        }
        List<Path> found = new ArrayList<>();
        if (Files.isDirectory(place)) {
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(place, PREFIX + "*")) {
                for (Path entry : entries) {
                    if (Files.isRegularFile(entry) ? entry.toString().endsWith(SUFFIX) : isPack(entry)) {
                        found.add(entry);
                    }
                }
            } catch (IOException e) {
                throw new EventsException(
                        ErrorCode.INVALID_PACK, "directory " + place + " cannot be read: " + e.getMessage(), e);
            }
        }
        if (found.isEmpty()) {
            throw new EventsException(
                    ErrorCode.INVALID_PACK,
                    place + " has no archive " + PREFIX + "*" + SUFFIX + " and no directory " + PREFIX
                            + "* with a pack; name the directory that has");
        }
        Collections.sort(found);
        return found;
    }

    private static boolean isPack(Path directory) {
        return Files.isRegularFile(directory.resolve("pack.yaml"))
                || Files.isRegularFile(directory.resolve("manifest.cbor"));
    }

    /**
     * Tries packs one after the other. Nothing that is wrong with one ends the run.
     *
     * @param after is told of each one when it is done
     */
    public Report run(List<Path> packs, Consumer<PackResult> after) throws InterruptedException {
        List<PackResult> results = new ArrayList<>();
        for (Path place : packs) {
            PackResult result = tried(place);
            results.add(result);
            after.accept(result);
        }
        return new Report(results);
    }

    private PackResult tried(Path place) throws InterruptedException {
        long began = System.nanoTime();
        Pack pack;
        List<PackProvider> providers;
        PackRun run;
        try {
            pack = Pack.open(place, trust);
            providers = pack.providers().stream()
                    .filter(one -> provider == null || one.name().equals(provider))
                    .toList();
            if (pack.providers().isEmpty() && pack.extras().extensionProviders().isEmpty()) {
                return unusable(place, "pack " + pack + " has no events section and no provider extension");
            }
            if (provider != null && providers.isEmpty()) {
                return unusable(
                        place,
                        "pack " + pack + " has no provider " + provider + "; it has "
                                + pack.providers().stream()
                                        .map(PackProvider::name)
                                        .toList());
            }
            run = new PackRun(pack, providers, performer, began + timeout.toNanos());
        } catch (EventsException e) {
            return unusable(place, e.code() + ": " + e.getMessage());
        }
        Map<Stage, Outcome> stages = run.run();
        return new PackResult(
                pack.id(),
                pack.version(),
                stages,
                run.diagnostics(),
                Duration.ofNanos(System.nanoTime() - began).toMillis());
    }

    private static PackResult unusable(Path place, String why) {
        Map<Stage, Outcome> stages = new EnumMap<>(Stage.class);
        for (Stage stage : Stage.values()) {
            stages.put(stage, Outcome.FAIL);
        }
        String file = String.valueOf(place.getFileName());
        return new PackResult(
                file.endsWith(SUFFIX) ? file.substring(0, file.length() - SUFFIX.length()) : file,
                "unknown",
                stages,
                List.of(new Diagnostic(null, why)),
                0);
    }
}
