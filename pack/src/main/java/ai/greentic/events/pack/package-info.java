/** Packs: what they say about providers, read safely and checked as a whole. */
@NullMarked
package ai.greentic.events.pack;

import org.jspecify.annotations.NullMarked;
