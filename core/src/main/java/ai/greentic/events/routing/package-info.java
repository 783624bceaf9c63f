/** From a topic to the provider that carries it. */
@NullMarked
package ai.greentic.events.routing;

import org.jspecify.annotations.NullMarked;
