/** The command line: one class for each verb. */
@NullMarked
package ai.greentic.events.cli;

import org.jspecify.annotations.NullMarked;
