/** Tries packs from end to end, by their fixtures. */
module ai.greentic.events.harness {
    requires transitive ai.greentic.events;
    requires transitive ai.greentic.events.pack;
    requires ai.greentic.events.runner;
    requires com.github.jknack.handlebars;
    requires org.bouncycastle.lts.prov;
    requires org.jspecify;
    requires tools.jackson.core;

    exports ai.greentic.events.harness;
}
