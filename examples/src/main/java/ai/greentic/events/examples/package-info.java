/** Small programs, run by the check, their output compared. */
@NullMarked
package ai.greentic.events.examples;

import org.jspecify.annotations.NullMarked;
