package ai.greentic.events.access;

import ai.greentic.events.Caller;
import ai.greentic.events.Tenant;
import ai.greentic.events.TopicPattern;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One line of an access policy: whom it is about, which topics, which actions, and whether they may. Every pattern is a glob and
 * defaults to {@code *}; a rule that names a team or a user applies only to callers that have one. Immutable.
 */
public final class AccessRule {
    /** What a rule says. */
    public enum Effect {
        ALLOW,
        DENY
    }

    private final Effect effect;
    private final Set<AccessAction> actions;
    private final TopicPattern topics;
    private final TopicPattern caller;
    private final TopicPattern env;
    private final TopicPattern tenant;
    private final TopicPattern team;
    private final TopicPattern user;

    private AccessRule(Builder builder) {
        this.effect = builder.effect;
        this.actions = Set.copyOf(builder.actions);
        this.topics = TopicPattern.of(builder.topics);
        this.caller = TopicPattern.of(builder.caller);
        this.env = TopicPattern.of(builder.env);
        this.tenant = TopicPattern.of(builder.tenant);
        this.team = TopicPattern.of(builder.team);
        this.user = TopicPattern.of(builder.user);
    }

    /** Starts a rule that allows the actions on matching topics. */
    public static Builder allow(AccessAction first, AccessAction... more) {
        return new Builder(Effect.ALLOW, EnumSet.of(first, more));
    }

    /** Starts a rule that denies the actions on matching topics. */
    public static Builder deny(AccessAction first, AccessAction... more) {
        return new Builder(Effect.DENY, EnumSet.of(first, more));
    }

    /** Starts a rule about the given actions. */
    public static Builder of(Effect effect, Set<AccessAction> actions) {
        if (actions.isEmpty()) {
            throw new IllegalArgumentException("a rule names at least one action");
        }
        return new Builder(effect, EnumSet.copyOf(actions));
    }

    public Effect effect() {
        return effect;
    }

    public Set<AccessAction> actions() {
        return actions;
    }

    public TopicPattern topics() {
        return topics;
    }

    TopicPattern tenant() {
        return tenant;
    }

    /** Whether the rule is about this caller, tenant and action, whatever the topic. */
    boolean concerns(Caller who, Tenant owner, AccessAction action) {
        return mayConcernSomeTenant(who, owner.env(), action) && tenant.matches(owner.name());
    }

    /** Whether the rule may be about some tenant of the environment. */
    boolean mayConcernSomeTenant(Caller who, String environment, AccessAction action) {
        return actions.contains(action)
                && caller.matches(who.name())
                && env.matches(environment)
                && matches(team, who.team())
                && matches(user, who.user());
    }

    /** Whether the rule is about every tenant of the environment. */
    boolean concernsEveryTenant(Caller who, String environment, AccessAction action) {
        return mayConcernSomeTenant(who, environment, action) && isAny(tenant);
    }

    private static boolean isAny(TopicPattern pattern) {
        return pattern.value().equals("*");
    }

    private static boolean matches(TopicPattern pattern, @Nullable String value) {
        return isAny(pattern) || value != null && pattern.matches(value);
    }

    @Override
    public String toString() {
        String who = named("caller", caller)
                + named("env", env)
                + named("tenant", tenant)
                + named("team", team)
                + named("user", user);
        return effect.name().toLowerCase(Locale.ROOT)
                + actions.stream()
                        .sorted()
                        .map(action -> action.name().toLowerCase(Locale.ROOT))
                        .collect(Collectors.joining(",", " ", " "))
                + "on " + topics + who;
    }

    private static String named(String name, TopicPattern pattern) {
        return isAny(pattern) ? "" : " " + name + "=" + pattern;
    }

    /** Collects the patterns of a rule. */
    public static final class Builder {
        private final Effect effect;
        private final Set<AccessAction> actions;
        private String topics = "*";
        private String caller = "*";
        private String env = "*";
        private String tenant = "*";
        private String team = "*";
        private String user = "*";

        private Builder(Effect effect, Set<AccessAction> actions) {
            this.effect = effect;
            this.actions = actions;
        }

        public Builder topics(String pattern) {
            this.topics = pattern;
            return this;
        }

        public Builder caller(String pattern) {
            this.caller = pattern;
            return this;
        }

        public Builder env(String pattern) {
            this.env = pattern;
            return this;
        }

        public Builder tenant(String pattern) {
            this.tenant = pattern;
            return this;
        }

        public Builder team(String pattern) {
            this.team = pattern;
            return this;
        }

        public Builder user(String pattern) {
            this.user = pattern;
            return this;
        }

        /** @throws ai.greentic.events.EventsException {@code INVALID_PATTERN} for a malformed pattern */
        public AccessRule build() {
            return new AccessRule(this);
        }
    }
}
