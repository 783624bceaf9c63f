/** The engine: publish, deliver, settle. */
@NullMarked
package ai.greentic.events.bus;

import org.jspecify.annotations.NullMarked;
