package ai.greentic.events.cli;

import ai.greentic.events.EventsException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The {@code greentic-events} command. Results go to standard output, everything else to standard error. Exit status: 0 success, 1 a
 * subscribe that ran out of time, a redrive that left letters or a pack that failed its trial, 2 wrong usage or input, and those of {@link ai.greentic.events.ErrorKind}.
 */
@Command(
        name = "greentic-events",
        synopsisSubcommandLabel = "COMMAND",
        description = "A multi-tenant event fabric: publish, subscribe, inspect.",
        footer = {
            "",
            "Exit status: 0 success; 1 subscribe ended before --count, redrive left letters, or a pack failed e2e; 2 wrong usage or input; 3 denied;",
            "4 misconfigured or unsupported; 5 overloaded, unavailable or out of time; 6 outcome unknown; 7 corrupt; 8 internal error.",
            "Begin with: greentic-events try"
        },
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        subcommands = {
            TryCommand.class,
            PlayCommand.class,
            InspectCommand.class,
            PackCommand.class,
            ValidateCommand.class,
            PullCommand.class,
            E2eCommand.class,
            FixtureCommand.class,
            PublishCommand.class,
            SubscribeCommand.class,
            DlqCommand.class,
            TopicsCommand.class,
            SubscriptionsCommand.class,
            DoctorCommand.class,
            BackupCommand.class,
            CompactCommand.class,
            ConfigCommand.class,
            ExplainCommand.class,
            CompletionCommand.class
        })
public final class Main implements Runnable {
    private static final Set<String> VERBS = Set.of(
            "try",
            "play",
            "inspect",
            "pack",
            "validate",
            "pull",
            "e2e",
            "fixture",
            "publish",
            "subscribe",
            "dlq",
            "topics",
            "subscriptions",
            "doctor",
            "health",
            "backup",
            "compact",
            "config",
            "explain",
            "completion");

    @Spec
    private CommandSpec spec;

    @Mixin
    private CommonOptions common;

    @SuppressWarnings("NullAway.Init") // picocli fills the fields in
    Main() {}

    public static void main(String[] args) {
        System.setProperty("slf4j.internal.verbosity", "WARN");
        List<String> words = Arrays.asList(args);
        LogConfiguration.verbose = words.contains("--verbose");
        int format = words.indexOf("--log-format") + 1;
        LogConfiguration.json = words.stream().anyMatch("--log-format=json"::equalsIgnoreCase)
                || format > 0 && format < words.size() && words.get(format).equalsIgnoreCase("json");
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
        int status = run(out, err, args);
        out.flush();
        err.flush();
        System.exit(status);
    }

    /** Runs one command and returns its exit status. */
    public static int run(PrintWriter out, PrintWriter err, String... args) {
        Main main = new Main();
        CommandLine line = new CommandLine(main)
                .setOut(out)
                .setErr(err)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpWidth(100)
                .setUsageHelpAutoWidth(true)
                .setExecutionExceptionHandler(Main::failed)
                .setParameterExceptionHandler(Main::misused);
        try {
            return line.execute(withVerb(args));
        } finally {
            main.common.endRecording();
        }
    }

    /** The common options of an invocation, wherever they stood. */
    static CommonOptions common(CommandSpec any) {
        return ((Main) any.root().userObject()).common;
    }

    /** {@code --pack X} alone is {@code inspect --pack X}. */
    private static String[] withVerb(String[] args) {
        boolean pack = Arrays.stream(args).anyMatch(arg -> arg.equals("--pack") || arg.startsWith("--pack="));
        if (!pack || Arrays.stream(args).anyMatch(VERBS::contains)) {
            return args;
        }
        List<String> longer = new ArrayList<>(List.of("inspect"));
        longer.addAll(Arrays.asList(args));
        return longer.toArray(String[]::new);
    }

    private static int failed(Exception failure, CommandLine line, CommandLine.ParseResult parsed) {
        PrintWriter err = line.getErr();
        if (failure instanceof EventsException known) {
            err.println("Error: " + known.getMessage());
            err.println("(" + known.code() + "; see docs/errors.md)");
            for (Throwable cause = known.getCause(); cause != null && verbose(parsed); cause = cause.getCause()) {
                err.println("  caused by: " + cause);
            }
            return known.kind().exitCode();
        }
        err.println("Error: " + failure.getClass().getSimpleName() + ": " + failure.getMessage());
        err.println("This is a defect of greentic-events; run again with --verbose to see where it comes from.");
        if (verbose(parsed)) {
            failure.printStackTrace(err);
        }
        return ai.greentic.events.ErrorKind.INTERNAL.exitCode();
    }

    private static boolean verbose(CommandLine.ParseResult parsed) {
        return parsed.originalArgs().contains("--verbose");
    }

    private static int misused(ParameterException misuse, String[] args) {
        CommandLine line = misuse.getCommandLine();
        PrintWriter err = line.getErr();
        err.println("Error: " + misuse.getMessage());
        if (!CommandLine.UnmatchedArgumentException.printSuggestions(misuse, err)) {
            err.println("See: " + line.getCommandSpec().qualifiedName() + " --help");
        }
        return line.getCommandSpec().exitCodeOnInvalidInput();
    }

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(),
                "a command is required (or --pack DIR to inspect a pack); begin with: greentic-events try");
    }

    /** The version of the jar. */
    static final class Version implements CommandLine.IVersionProvider {
        Version() {}

        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {"greentic-events " + (version == null ? "(built from classes)" : version)};
        }
    }
}
