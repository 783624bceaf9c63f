/** Guarantees as pure decisions: values in, values out. */
@NullMarked
package ai.greentic.events.delivery;

import org.jspecify.annotations.NullMarked;
