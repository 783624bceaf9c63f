/** What the fuzzer calls, each with bytes that it makes up. Whatever is not refused in words is a finding. */
@NullMarked
package ai.greentic.events.fuzz;

import org.jspecify.annotations.NullMarked;
