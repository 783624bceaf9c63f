package ai.greentic.events.cli;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
        name = "completion",
        description = "Print a completion script for bash and zsh: source <(greentic-events completion)",
        mixinStandardHelpOptions = true)
final class CompletionCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @SuppressWarnings("NullAway.Init")
    CompletionCommand() {}

    @Override
    public Integer call() {
        CommandLine root = new CommandLine(new Main());
        spec.commandLine().getOut().print(AutoComplete.bash("greentic-events", root));
        return 0;
    }
}
