/** The real engine, one thread at a time, over a simulated world; see {@link ai.greentic.events.simulation.Simulation}. */
@NullMarked
package ai.greentic.events.simulation;

import org.jspecify.annotations.NullMarked;
