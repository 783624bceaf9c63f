/** Who may do what on which topic. */
@NullMarked
package ai.greentic.events.access;

import org.jspecify.annotations.NullMarked;
