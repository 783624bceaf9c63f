/** The reference provider and bounded stores, in memory. */
@NullMarked
package ai.greentic.events.memory;

import org.jspecify.annotations.NullMarked;
