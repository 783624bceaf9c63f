package ai.greentic.events.cli;

import ai.greentic.events.ErrorKind;
import ai.greentic.events.Payload;
import ai.greentic.events.pack.Finding;
import ai.greentic.events.pack.PackValidator;
import ai.greentic.events.pack.PackValidator.Report;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "validate",
        description =
                "Say everything that is wrong with packs. Exits with 4 if there are errors; with --strict, warnings are.",
        mixinStandardHelpOptions = true)
final class ValidateCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(
            arity = "0..*",
            paramLabel = "PACK",
            description = "Directory of a pack, a .gtpack archive, oci://REFERENCE, or a directory of packs.")
    private List<String> places = new ArrayList<>();

    @Option(names = "--pack", paramLabel = "PACK", description = "The same as an option; repeatable.")
    private List<String> packs = new ArrayList<>();

    @Option(names = "--json", description = "Print JSON instead of text.")
    private boolean json;

    @SuppressWarnings("NullAway.Init")
    ValidateCommand() {}

    @Override
    public Integer call() {
        CommonOptions common = Main.common(spec);
        List<String> all = new ArrayList<>(places);
        all.addAll(packs);
        if (all.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "validate needs a pack: its directory or archive");
        }
        List<Path> found = all.stream()
                .map(place ->
                        PackOptions.local(place, common, spec.commandLine().getErr()))
                .toList();
        List<Report> reports = PackValidator.validate(found, PackOptions.trust(common));
        long errors = count(reports, Finding.Severity.ERROR);
        long warnings = count(reports, Finding.Severity.WARN);
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            Map<String, Object> tree = new LinkedHashMap<>();
            tree.put("packs", reports.stream().map(ValidateCommand::tree).toList());
            tree.put("errors", errors);
            tree.put("warnings", warnings);
            out.println(Payload.of(tree).json());
        } else {
            reports.forEach(report -> print(out, report));
            out.println(reports.size() + " packs, " + errors + " errors, " + warnings + " warnings");
        }
        return errors > 0 || common.strict && warnings > 0 ? ErrorKind.MISCONFIGURED.exitCode() : 0;
    }

    private static long count(List<Report> reports, Finding.Severity severity) {
        return reports.stream().mapToLong(report -> report.count(severity)).sum();
    }

    private static void print(PrintWriter out, Report report) {
        out.println(report.location()
                + report.pack()
                        .map(pack -> ": " + pack.id() + " " + pack.version() + " (layout " + pack.layout() + ")")
                        .orElse(""));
        for (Finding finding : report.findings()) {
            out.println("  " + finding.severity().name().toLowerCase(Locale.ROOT) + " " + finding.code() + " at "
                    + finding.path());
            out.println("    " + finding.message());
            out.println("    hint: " + finding.hint());
        }
        if (report.findings().isEmpty()) {
            out.println("  fine");
        }
    }

    private static Map<String, Object> tree(Report report) {
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("location", report.location().toString());
        report.pack().ifPresent(pack -> {
            tree.put("id", pack.id());
            tree.put("version", pack.version());
            tree.put("layout", pack.layout().name());
        });
        List<Object> findings = new ArrayList<>();
        for (Finding finding : report.findings()) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("severity", finding.severity().word());
            one.put("code", finding.code());
            one.put("path", finding.path());
            one.put("message", finding.message());
            one.put("hint", finding.hint());
            findings.add(one);
        }
        tree.put("findings", findings);
        return tree;
    }
}
