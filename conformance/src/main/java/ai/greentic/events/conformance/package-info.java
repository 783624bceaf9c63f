/**
 * The conformance kits: what every provider and every store must do, as JUnit classes to extend. Start at {@link
 * ai.greentic.events.conformance.ProviderConformance}; docs/provider-authors.md leads from an empty folder to a green kit.
 */
@NullMarked
package ai.greentic.events.conformance;

import org.jspecify.annotations.NullMarked;
