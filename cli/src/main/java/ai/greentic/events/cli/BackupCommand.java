package ai.greentic.events.cli;

import ai.greentic.events.embedded.EmbeddedStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "backup",
        description =
                "Copy the store of the state directory to a file, while it is used. To restore it, put the file as"
                        + " events.db into an empty state directory.",
        mixinStandardHelpOptions = true)
final class BackupCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "FILE", description = "File to write; it must not exist.")
    private Path file;

    @SuppressWarnings("NullAway.Init")
    BackupCommand() {}

    @Override
    public Integer call() throws IOException {
        try (EmbeddedStore store = StoreOptions.open(spec)) {
            store.backup(file.toAbsolutePath());
            spec.commandLine().getOut().println("wrote " + file + ", " + Files.size(file) + " bytes");
        }
        return 0;
    }
}
