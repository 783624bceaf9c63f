package ai.greentic.events.cli;

import ai.greentic.events.embedded.EmbeddedStore;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
        name = "compact",
        description = "Remove what the store of the state directory need not keep, and give the room back to the disk.",
        mixinStandardHelpOptions = true)
final class CompactCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @SuppressWarnings("NullAway.Init")
    CompactCommand() {}

    @Override
    public Integer call() {
        try (EmbeddedStore store = StoreOptions.open(spec)) {
            spec.commandLine().getOut().println("gave back " + store.compact() + " bytes");
        }
        return 0;
    }
}
