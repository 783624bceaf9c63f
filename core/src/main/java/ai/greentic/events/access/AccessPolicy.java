package ai.greentic.events.access;

import ai.greentic.events.AllTenants;
import ai.greentic.events.Caller;
import ai.greentic.events.PatternIndex;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TopicPattern;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Ordered access rules. The first rule that concerns caller, tenant, action and topic decides; without one the default does: deny as
 * soon as there are rules, unless told otherwise. A policy without rules allows everything within one tenant. Immutable and thread-safe.
 *
 * <p>A subscription is allowed only if every topic that its pattern can match is: an allow rule must contain the whole pattern, and no
 * earlier deny rule may touch it. All tenants of an environment at once are never allowed by default, only by a rule for every tenant.
 */
public final class AccessPolicy {
    private static final int MEMO_SIZE = 4096;

    private final List<AccessRule> rules;
    private final boolean allowByDefault;
    private final PatternIndex<Numbered> anyTenant;
    private final Map<String, PatternIndex<Numbered>> byTenant;
    private final AccessDecision byDefault;
    private final @Nullable Memo[] memo = new Memo[MEMO_SIZE];

    private record Numbered(int number, AccessRule rule, AccessDecision decision) {}

    private record Memo(Caller caller, Tenant tenant, AccessAction action, String topic, AccessDecision decision) {
        boolean is(Caller who, Tenant whose, AccessAction what, String on) {
            return action == what && topic.equals(on) && tenant.equals(whose) && caller.equals(who);
        }
    }

    private AccessPolicy(List<AccessRule> rules, boolean allowByDefault) {
        this.rules = List.copyOf(rules);
        this.allowByDefault = allowByDefault;
        this.byDefault = new AccessDecision(
                allowByDefault,
                rules.isEmpty()
                        ? "no access rules are configured"
                        : "no rule concerns it; the default is " + (allowByDefault ? "allow" : "deny"));
        List<PatternIndex.Entry<Numbered>> any = new ArrayList<>();
        Map<String, List<PatternIndex.Entry<Numbered>>> literal = new HashMap<>();
        for (int i = 0; i < this.rules.size(); i++) {
            AccessRule rule = this.rules.get(i);
            Numbered numbered = new Numbered(
                    i, rule, new AccessDecision(rule.effect() == AccessRule.Effect.ALLOW, describe(i, rule)));
            List<PatternIndex.Entry<Numbered>> bucket = rule.tenant().isLiteral()
                    ? literal.computeIfAbsent(rule.tenant().value(), name -> new ArrayList<>())
                    : any;
            bucket.add(new PatternIndex.Entry<>(rule.topics(), numbered));
        }
        this.anyTenant = new PatternIndex<>(any);
        this.byTenant = new HashMap<>();
        literal.forEach((name, entries) -> byTenant.put(name, new PatternIndex<>(entries)));
    }

    private static String describe(int index, AccessRule rule) {
        return "rule " + (index + 1) + ": " + rule;
    }

    /** Everything within a tenant is allowed. */
    public static AccessPolicy open() {
        return new AccessPolicy(List.of(), true);
    }

    /** These rules in order; what none of them concerns is denied. */
    public static AccessPolicy of(List<AccessRule> rules) {
        return new AccessPolicy(rules, false);
    }

    /** These rules in order; what none of them concerns is allowed. */
    public static AccessPolicy allowingByDefault(List<AccessRule> rules) {
        return new AccessPolicy(rules, true);
    }

    public List<AccessRule> rules() {
        return rules;
    }

    /** Decides about one topic. */
    public AccessDecision decide(Caller caller, Tenant tenant, AccessAction action, String topic) {
        if (rules.isEmpty()) {
            return byDefault;
        }
        int hash = topic.hashCode() * 31
                + tenant.name().hashCode()
                + action.name().hashCode()
                + caller.name().hashCode();
        int slot = (hash ^ hash >>> 15) & MEMO_SIZE - 1;
        Memo known = memo[slot];
        if (known != null && known.is(caller, tenant, action, topic)) {
            return known.decision;
        }
        AccessDecision decision = search(caller, tenant, action, topic);
        memo[slot] = new Memo(caller, tenant, action, topic, decision);
        return decision;
    }

    private AccessDecision search(Caller caller, Tenant tenant, AccessAction action, String topic) {
        PatternIndex.Entry<Numbered> found =
                anyTenant.first(topic, numbered -> numbered.rule.concerns(caller, tenant, action));
        PatternIndex<Numbered> own = byTenant.get(tenant.name());
        if (own != null) {
            PatternIndex.Entry<Numbered> mine =
                    own.first(topic, numbered -> numbered.rule.concerns(caller, tenant, action));
            if (mine != null && (found == null || mine.value().number < found.value().number)) {
                found = mine;
            }
        }
        return found == null ? byDefault : found.value().decision;
    }

    /** Decides about every topic that a pattern can match. */
    public AccessDecision decide(Caller caller, TenantScope scope, AccessAction action, TopicPattern pattern) {
        boolean everyTenant = scope instanceof AllTenants;
        for (int i = 0; i < rules.size(); i++) {
            AccessRule rule = rules.get(i);
            if (rule.effect() == AccessRule.Effect.DENY) {
                boolean concerned = everyTenant
                        ? rule.mayConcernSomeTenant(caller, scope.env(), action)
                        : rule.concerns(caller, ((TenantContext) scope).tenant(), action);
                if (concerned && rule.topics().intersects(pattern)) {
                    return new AccessDecision(false, describe(i, rule) + " touches the pattern " + pattern);
                }
            } else {
                boolean concerned = everyTenant
                        ? rule.concernsEveryTenant(caller, scope.env(), action)
                        : rule.concerns(caller, ((TenantContext) scope).tenant(), action);
                if (concerned && rule.topics().contains(pattern)) {
                    return new AccessDecision(true, describe(i, rule));
                }
            }
        }
        if (everyTenant) {
            return new AccessDecision(
                    false,
                    "no rule allows it for every tenant of " + scope.env() + "; all tenants at once need such a rule");
        }
        return allowByDefault || rules.isEmpty()
                ? byDefault
                : new AccessDecision(
                        false, "no rule allows every topic of the pattern " + pattern + "; the default is deny");
    }
}
