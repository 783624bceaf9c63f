/** What providers and stores implement, and what they are given and exchange with the engine. Values come back; nothing here calls the engine. */
@NullMarked
package ai.greentic.events.spi;

import org.jspecify.annotations.NullMarked;
