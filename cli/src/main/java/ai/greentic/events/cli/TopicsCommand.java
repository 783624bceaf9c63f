package ai.greentic.events.cli;

import ai.greentic.events.embedded.EmbeddedStore;
import ai.greentic.events.embedded.TopicSummary;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "topics",
        description = "List a tenant's topics in the store of the state directory.",
        mixinStandardHelpOptions = true)
final class TopicsCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private TenantOptions tenant;

    @Option(names = "--json", description = "Print each topic as one line of JSON.")
    private boolean json;

    @SuppressWarnings("NullAway.Init")
    TopicsCommand() {}

    @Override
    public Integer call() {
        try (EmbeddedStore store = StoreOptions.open(spec)) {
            for (TopicSummary topic : store.topics(tenant.tenant(StoreOptions.settings(spec)))) {
                if (json) {
                    Map<String, Object> tree = new LinkedHashMap<>();
                    tree.put("topic", topic.topic().value());
                    tree.put("provider", topic.provider());
                    tree.put("events", topic.events());
                    tree.put("bytes", topic.bytes());
                    tree.put(
                            "newest",
                            topic.newest() == null ? null : topic.newest().toString());
                    StoreOptions.json(spec, tree);
                } else {
                    spec.commandLine()
                            .getOut()
                            .println(topic.topic() + "  " + topic.events() + " events  " + topic.bytes()
                                    + " bytes  newest " + (topic.newest() == null ? "none" : topic.newest()) + "  in "
                                    + topic.provider());
                }
            }
        }
        return 0;
    }
}
