/** Bridges between channel messages and events. */
@org.jspecify.annotations.NullMarked
package ai.greentic.events.bridge;
