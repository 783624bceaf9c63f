/** Layered settings: defaults, user file, project file, environment, command line; leaf by leaf, each value with its origin. */
@NullMarked
package ai.greentic.events.config;

import org.jspecify.annotations.NullMarked;
