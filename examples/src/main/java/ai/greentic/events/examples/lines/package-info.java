/** A small provider: events as lines of files. docs/provider-authors.md tells how it was made. */
@NullMarked
package ai.greentic.events.examples.lines;

import org.jspecify.annotations.NullMarked;
