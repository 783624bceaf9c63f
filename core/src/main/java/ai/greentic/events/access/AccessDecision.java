package ai.greentic.events.access;

/**
 * Whether something is allowed, and which rule said so.
 *
 * @param allowed the verdict
 * @param reason the deciding rule, or the default, in words
 */
public record AccessDecision(boolean allowed, String reason) {}
