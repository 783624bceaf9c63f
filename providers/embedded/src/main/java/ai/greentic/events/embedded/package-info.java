/**
 * The embedded durable store: events, group positions and the stores that every provider leans on, in one SQLite database per
 * directory, which several processes may use at once.
 */
@NullMarked
package ai.greentic.events.embedded;

import org.jspecify.annotations.NullMarked;
