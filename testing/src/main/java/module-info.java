/** Virtual time, fault injection, the ledger, and a fabric for tests of applications. */
module ai.greentic.events.testing {
    requires transitive ai.greentic.events;
    requires org.jspecify;

    exports ai.greentic.events.testing;
}
