/** Benchmarks. Run them with {@code benchmarks/run.sh}. */
@NullMarked
package ai.greentic.events.benchmarks;

import org.jspecify.annotations.NullMarked;
