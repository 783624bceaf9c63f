/**
 * NATS JetStream as a provider. A stream for each environment holds the events of all its tenants; a subscription reads it with a
 * consumer of its own and keeps its own place.
 */
@org.jspecify.annotations.NullMarked
package ai.greentic.events.nats;
