/** Tries packs from end to end, by their fixtures: in process, or with commands that stand for their components. */
@NullMarked
package ai.greentic.events.harness;

import org.jspecify.annotations.NullMarked;
