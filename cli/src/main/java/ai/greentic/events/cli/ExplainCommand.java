package ai.greentic.events.cli;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Topic;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessDecision;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.RouteExplanation;
import ai.greentic.events.config.Settings;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "explain",
        description = "Say why a topic goes where it goes, or who may do what.",
        mixinStandardHelpOptions = true,
        subcommands = {ExplainCommand.Route.class, ExplainCommand.Access.class})
final class ExplainCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @SuppressWarnings("NullAway.Init")
    ExplainCommand() {}

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "explain needs route or access");
    }

    @Command(
            name = "route",
            description = "Name the provider that a published topic goes to, and the pattern that decides.",
            mixinStandardHelpOptions = true)
    static final class Route implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Mixin
        private PackOptions packs;

        @Parameters(index = "0", paramLabel = "TOPIC", description = "Topic, for example orders.created.")
        private String topic;

        @SuppressWarnings("NullAway.Init")
        Route() {}

        @Override
        public Integer call() {
            PrintWriter out = spec.commandLine().getOut();
            try (EventBus bus = packs.bus(
                    Main.common(spec),
                    Main.common(spec).settings(),
                    spec.commandLine().getErr())) {
                RouteExplanation route = bus.explainRoute(new Topic(topic));
                if (route.provider() == null) {
                    throw new EventsException(ErrorCode.NO_ROUTE, "no broker or sink carries topic " + topic);
                }
                out.println(topic + " goes to " + route.provider() + ": "
                        + (route.explicit() ? "an explicit route of " : "the first registered pattern that matches is ")
                        + route.pattern());
                route.alsoMatching().forEach(other -> out.println("- " + other + " matches too, but comes later"));
                bus.shadowedPatterns().forEach(sentence -> out.println("- " + sentence));
            }
            return 0;
        }
    }

    @Command(
            name = "access",
            description = "Say whether a caller may do something, and which rule decides. Exit status 3 if not.",
            mixinStandardHelpOptions = true)
    static final class Access implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Mixin
        private TenantOptions tenant;

        @Option(
                names = "--action",
                paramLabel = "ACTION",
                description = "One of ${COMPLETION-CANDIDATES}; default PUBLISH.")
        private AccessAction action = AccessAction.PUBLISH;

        @Parameters(index = "0", paramLabel = "TOPIC", description = "Topic, or topic pattern to subscribe to.")
        private String pattern;

        @SuppressWarnings("NullAway.Init")
        Access() {}

        @Override
        public Integer call() {
            Settings settings = Main.common(spec).settings();
            AccessPolicy policy = settings.accessPolicy();
            AccessDecision decision = action == AccessAction.PUBLISH
                    ? policy.decide(tenant.who(), tenant.tenant(settings), action, new Topic(pattern).value())
                    : policy.decide(
                            tenant.who(), tenant.scope(settings), action, ai.greentic.events.TopicPattern.of(pattern));
            spec.commandLine().getOut().println((decision.allowed() ? "allowed: " : "denied: ") + decision.reason());
            return decision.allowed() ? 0 : ErrorCode.ACCESS_DENIED.kind().exitCode();
        }
    }
}
