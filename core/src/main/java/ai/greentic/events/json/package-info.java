/** Optional bindings to JSON object mappers. */
@NullMarked
package ai.greentic.events.json;

import org.jspecify.annotations.NullMarked;
