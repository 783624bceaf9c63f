/** Virtual time, fault injection, the ledger, and a fabric for tests of applications. No test framework needed. */
@NullMarked
package ai.greentic.events.testing;

import org.jspecify.annotations.NullMarked;
