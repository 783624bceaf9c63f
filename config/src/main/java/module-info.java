/** Layered settings with provenance. */
module ai.greentic.events.config {
    requires transitive ai.greentic.events;
    requires org.jspecify;
    requires tools.jackson.core;
    requires tools.jackson.dataformat.toml;

    exports ai.greentic.events.config;
}
