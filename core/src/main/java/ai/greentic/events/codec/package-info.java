/** Envelopes to bytes and back: the Greentic JSON form and CloudEvents 1.0. */
@NullMarked
package ai.greentic.events.codec;

import org.jspecify.annotations.NullMarked;
