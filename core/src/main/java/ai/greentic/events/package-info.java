/**
 * The vocabulary: what an event is, whose it is, where it goes and what may go wrong. Immutable, validated on construction, no I/O.
 */
@NullMarked
package ai.greentic.events;

import org.jspecify.annotations.NullMarked;
