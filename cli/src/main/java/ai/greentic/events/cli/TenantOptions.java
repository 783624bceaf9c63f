package ai.greentic.events.cli;

import ai.greentic.events.Caller;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.config.Settings;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Whose events a command is about, and who asks. */
final class TenantOptions {
    @Option(
            names = "--env",
            paramLabel = "ENV",
            description = "Environment; default environment.env_id of the settings.")
    @Nullable
    String env;

    @Option(names = "--tenant", paramLabel = "TENANT", required = true, description = "Tenant.")
    String tenant = "";

    @Option(names = "--as", paramLabel = "CALLER", description = "Who asks, for access rules; default host.")
    String caller = Caller.HOST.name();

    @Option(names = "--team", paramLabel = "TEAM", description = "The caller's team, for access rules.")
    @Nullable
    String team;

    @Option(names = "--user", paramLabel = "USER", description = "The caller's user id, for access rules.")
    @Nullable
    String user;

    TenantOptions() {}

    Tenant tenant(Settings settings) {
        return new Tenant(environment(settings), tenant);
    }

    TenantContext context(Settings settings) {
        TenantContext.Builder context = TenantContext.builder(environment(settings), tenant);
        if (team != null) {
            context.team(team);
        }
        if (user != null) {
            context.user(user);
        }
        return context.build();
    }

    /** One tenant, or, for {@code *}, all of the environment. */
    TenantScope scope(Settings settings) {
        return tenant.equals("*")
                ? TenantScope.all(environment(settings))
                : TenantContext.of(environment(settings), tenant);
    }

    Caller who() {
        return new Caller(caller, team, user);
    }

    private String environment(Settings settings) {
        return env != null ? env : settings.env();
    }
}
