package ai.greentic.events.cli;

import ai.greentic.events.harness.FixturePack;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "fixture",
        description =
                "Write events-dummy.gtpack: a small pack with every fixture, signed with a key that is thrown away.",
        mixinStandardHelpOptions = true)
final class FixtureCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--out", paramLabel = "DIR", required = true, description = "Directory; made if it is not there.")
    private Path out;

    @SuppressWarnings("NullAway.Init")
    FixtureCommand() {}

    @Override
    public Integer call() {
        spec.commandLine().getOut().println("wrote " + FixturePack.write(out));
        return 0;
    }
}
