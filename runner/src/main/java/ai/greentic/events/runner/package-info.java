/** Brokers and bridges that run outside the fabric: in a runner, in a component, or in a command of any language. */
@org.jspecify.annotations.NullMarked
package ai.greentic.events.runner;
