package ai.greentic.events.cli;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.embedded.EmbeddedStore;
import ai.greentic.events.embedded.GroupSummary;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "subscriptions",
        description = "List the groups that take a tenant's events, and how far they have come.",
        mixinStandardHelpOptions = true)
final class SubscriptionsCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private TenantOptions tenant;

    @Option(
            names = "--forget",
            paramLabel = "GROUP",
            description = "Forget this group of the tenant and its position; it must have no members.")
    private @Nullable String forget;

    @Option(names = "--json", description = "Print each group as one line of JSON.")
    private boolean json;

    @SuppressWarnings("NullAway.Init")
    SubscriptionsCommand() {}

    @Override
    public Integer call() {
        Tenant whose = tenant.tenant(StoreOptions.settings(spec));
        try (EmbeddedStore store = StoreOptions.open(spec)) {
            if (forget == null) {
                store.groups(whose).forEach(this::print);
            } else if (store.forgetGroup(whose, forget)) {
                spec.commandLine().getOut().println("forgot group " + forget + " of " + whose);
            } else {
                throw new EventsException(
                        ErrorCode.INVALID_ARGUMENT,
                        "--forget " + forget + ": tenant " + whose + " has no such group; subscriptions lists them");
            }
        }
        return 0;
    }

    private void print(GroupSummary group) {
        Instant oldest = group.oldest();
        long seconds = oldest == null
                ? 0
                : Math.max(0, Duration.between(oldest, Instant.now()).toSeconds());
        if (!json) {
            spec.commandLine()
                    .getOut()
                    .println(group.group() + (group.allTenants() ? " (all tenants)" : "") + "  "
                            + String.join(", ", group.patterns()) + "  members " + group.members() + "  lag "
                            + group.lag()
                            + "  in hand " + (group.open() - group.delayed()) + "  delayed " + group.delayed()
                            + "  failing " + group.failing() + "  held keys " + group.heldKeys() + "  oldest "
                            + (oldest == null ? "none" : seconds + " s") + "  in " + group.provider());
            return;
        }
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("group", group.group());
        tree.put("all_tenants", group.allTenants());
        tree.put("provider", group.provider());
        tree.put("patterns", group.patterns());
        tree.put("members", group.members());
        tree.put("lag", group.lag());
        tree.put("in_hand", group.open() - group.delayed());
        tree.put("delayed", group.delayed());
        tree.put("failing", group.failing());
        tree.put("held_keys", group.heldKeys());
        tree.put("oldest_seconds", oldest == null ? null : seconds);
        StoreOptions.json(spec, tree);
    }
}
