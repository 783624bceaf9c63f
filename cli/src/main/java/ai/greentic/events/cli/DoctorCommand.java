package ai.greentic.events.cli;

import ai.greentic.events.ErrorKind;
import ai.greentic.events.embedded.Diagnosis;
import ai.greentic.events.embedded.EmbeddedStore;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "doctor",
        aliases = "health",
        description = "Examine the store of the state directory. Exit status 7 if something is wrong with it.",
        mixinStandardHelpOptions = true)
final class DoctorCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--repair",
            description = "Give up what cannot be saved, say what that is, and have the store open again."
                    + " Make a copy of the directory first.")
    private boolean repair;

    @Option(names = "--json", description = "Print the diagnosis as JSON.")
    private boolean json;

    @SuppressWarnings("NullAway.Init")
    DoctorCommand() {}

    @Override
    public Integer call() {
        Diagnosis diagnosis = EmbeddedStore.examine(StoreOptions.directory(spec), repair);
        if (json) {
            Map<String, Object> tree = new LinkedHashMap<>();
            tree.put("healthy", diagnosis.healthy());
            tree.put("figures", diagnosis.figures());
            tree.put("problems", diagnosis.problems());
            tree.put("repairs", diagnosis.repairs());
            StoreOptions.json(spec, tree);
        } else {
            PrintWriter out = spec.commandLine().getOut();
            diagnosis.figures().forEach((name, value) -> out.println(name + ": " + value));
            diagnosis.problems().forEach(problem -> out.println("PROBLEM  " + problem));
            diagnosis.repairs().forEach(one -> out.println("repaired " + one));
            out.println(
                    diagnosis.healthy()
                            ? "healthy"
                            : repair
                                    ? "repaired; run doctor again to see what is left"
                                    : "damaged; restore a backup, or run doctor --repair to go on with the rest");
        }
        return diagnosis.healthy() || repair ? 0 : ErrorKind.CORRUPT.exitCode();
    }
}
