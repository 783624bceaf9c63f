package ai.greentic.events.cli;

import ai.greentic.events.config.Settings;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
        name = "config",
        description = "Show the settings in force.",
        mixinStandardHelpOptions = true,
        subcommands = {ConfigCommand.Show.class, ConfigCommand.Explain.class})
final class ConfigCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @SuppressWarnings("NullAway.Init")
    ConfigCommand() {}

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "config needs show or explain");
    }

    @Command(name = "show", description = "Print every setting.", mixinStandardHelpOptions = true)
    static final class Show implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Option(names = "--json", description = "JSON in the original's shape; without it, one setting a line.")
        private boolean json;

        @SuppressWarnings("NullAway.Init")
        Show() {}

        @Override
        public Integer call() {
            Settings settings = Main.common(spec).settings(spec.commandLine().getErr());
            spec.commandLine().getOut().println(json ? settings.show() : settings.list());
            return 0;
        }
    }

    @Command(
            name = "explain",
            description = "Print settings with the layer that each comes from.",
            mixinStandardHelpOptions = true)
    static final class Explain implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Option(names = "--json", description = "Every setting with its layer and origin, as JSON.")
        private boolean json;

        @SuppressWarnings("NullAway.Init")
        Explain() {}

        @Override
        public Integer call() {
            Settings settings = Main.common(spec).settings();
            spec.commandLine().getOut().println(json ? settings.explainJson() : settings.explain());
            return 0;
        }
    }
}
