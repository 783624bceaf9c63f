package ai.greentic.events.cli;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.harness.Harness;
import ai.greentic.events.harness.Report;
import ai.greentic.events.harness.Report.Outcome;
import ai.greentic.events.harness.Report.PackResult;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
        name = "e2e",
        description =
                "Try packs from end to end by their fixtures. The report is JSON on standard output. Exits with 1 if a pack fails.",
        mixinStandardHelpOptions = true)
final class E2eCommand implements Callable<Integer> {
    private static final String WRITE = "GREENTIC_EVENTS_E2E_ALLOW_WRITE";

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--packs",
            paramLabel = "DIR",
            required = true,
            description = "Directory with events-*.gtpack and events-* packs, or one pack.")
    private String packs;

    @Option(names = "--provider", paramLabel = "NAME", description = "Only providers of this very name.")
    private @Nullable String provider;

    @Option(
            names = "--report",
            paramLabel = "FILE",
            description = "Write the report there too; a dry run does so only where " + WRITE + " is 1.")
    private @Nullable Path report;

    @Option(names = "--dry-run", description = "Play the components in process; the default.")
    private boolean dryRun;

    @Option(
            names = "--live",
            description =
                    "Have commands play the components: GREENTIC_EVENTS_E2E_LIVE_BRIDGE_CMD and GREENTIC_EVENTS_E2E_LIVE_BROKER_CMD. Needs"
                            + " GREENTIC_EVENTS_E2E_LIVE=1 and GREENTIC_EVENTS_E2E_ALLOW_NETWORK=1.")
    private boolean live;

    @Option(names = "--trace", description = "Tell of each pack on standard error, one line of JSON each.")
    private boolean trace;

    @Option(names = "--no-fail", description = "Exit with 0 also if packs fail, as the original did.")
    private boolean noFail;

    @SuppressWarnings("NullAway.Init")
    E2eCommand() {}

    @Override
    public Integer call() throws InterruptedException {
        if (live && dryRun) {
            throw new ParameterException(spec.commandLine(), "--live and --dry-run are opposites; give one");
        }
        CommonOptions common = Main.common(spec);
        PrintWriter err = spec.commandLine().getErr();
        Map<String, String> environment = System.getenv();
        Path target = report;
        if (target != null && !live && !"1".equals(environment.get(WRITE))) {
            throw new EventsException(
                    ErrorCode.INVALID_CONFIGURATION,
                    WRITE
                            + " is not 1, and a dry run writes nothing without it; set it, or take the report from standard output");
        }
        Harness harness = (live ? Harness.live(environment) : Harness.dryRun())
                .trust(PackOptions.trust(common))
                .provider(provider);
        Report done = harness.run(Harness.find(PackOptions.local(packs, common, err)), result -> tell(err, result));
        spec.commandLine().getOut().println(done.json());
        if (target != null) {
            write(target, done);
        }
        return done.count(Outcome.FAIL) > 0 && !noFail ? 1 : 0;
    }

    private void tell(PrintWriter err, PackResult result) {
        if (trace) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("pack", result.pack());
            line.put("version", result.version());
            line.put("status", word(result.outcome()));
            result.stages().forEach((stage, outcome) -> line.put(word(stage), word(outcome)));
            line.put("ms", result.millis());
            err.println(Payload.of(line).json());
            return;
        }
        err.println(word(result.outcome()) + " " + result.pack() + " " + result.version());
        if (result.outcome() == Outcome.FAIL) {
            result.diagnostics().forEach(diagnostic -> {
                Report.Stage stage = diagnostic.stage();
                err.println("  " + (stage == null ? "" : word(stage) + ": ") + diagnostic.message());
            });
        }
    }

    private static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    private static void write(Path target, Report done) {
        try {
            Files.write(target, (done.json() + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT,
                    "--report " + target + " cannot be written: " + e.getClass().getSimpleName() + " " + e.getMessage(),
                    e);
        }
    }
}
